"""Histories of stages, made up."""

import random
from collections.abc import Iterable

from metrics.outlook import Outlook
from metrics.profiles import Observation, Profiles

STAGES = ("prepare", "generating", "validating")


def stage(code: str, duration_ms: int, *, model: str = "m", **facts) -> Observation:
    facts = {"kind": "k", "provider": "p", "size": 0, "finished": True} | facts
    return Observation(stage=code, model=model, duration_ms=duration_ms, **facts)


def written(tokens: int, pace: float, **facts) -> Observation:
    """A stage in which a model wrote so many tokens at so many milliseconds each."""
    return stage("generating", round(tokens * pace), output_tokens=tokens, **facts)


def learned(*groups: Iterable[Observation]) -> Profiles:
    profiles = Profiles()
    for group in groups:
        profiles.observe(group)
    return profiles


def outlook(profiles: Profiles, *, stages=STAGES, provider: str = "p", model: str = "m", **levels) -> Outlook:
    return Outlook("k", stages, provider, model, profiles.found, **levels)


def runs(count: int, seed: int = 1, *, pace: float = 20.0, size: int = 1000) -> list[Observation]:
    """Whole runs of a model: answers of about 500 tokens, one in ten written half again while it is validated."""
    draw = random.Random(seed)
    found: list[Observation] = []
    for _ in range(count):
        tokens = round(draw.lognormvariate(6.2, 0.3))
        asked_ms = round(tokens * pace * draw.lognormvariate(0, 0.05))
        share = 0.5 if draw.random() < 0.1 else 0.005
        found += [
            stage("prepare", round(draw.lognormvariate(5, 0.4)), size=size),
            stage("generating", asked_ms, size=size, output_tokens=tokens),
            stage("validating", round(asked_ms * share), size=size, asked_ms=asked_ms),
        ]
    return found
