"""Who writes: the embedded composer, or a model server once one is configured."""

from django.conf import settings

from generation.providers.base import Provider
from generation.providers.composer import Composer

ENGINES = ("auto", "llm", "composer")


def configured() -> tuple[str, ...]:
    """The engines that a run may ask for on this server."""
    return ("auto", "composer")


def choose(engine: str) -> Provider:
    return Composer(pace_s=settings.COMPOSER_PACE_S)
