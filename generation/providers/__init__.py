"""Who writes: a model server once one is configured, else the embedded composer."""

from django.conf import settings

from generation.providers.base import Provider
from generation.providers.composer import Composer

ENGINES = ("auto", "llm", "composer")


def configured() -> tuple[str, ...]:
    """The engines that a run may ask for on this server."""
    return ENGINES if settings.MODEL else ("auto", "composer")


def choose(engine: str, kind: str) -> Provider:
    """The provider for one attempt at a run of this kind."""
    if engine == "composer" or not settings.MODEL:
        return Composer(pace_s=settings.COMPOSER_PACE_S)
    # A second of imports that nobody pays who has no model.
    from generation.providers.model import ModelWriter

    return ModelWriter(settings.MODEL_BY_KIND.get(kind, settings.MODEL))
