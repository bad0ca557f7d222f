"""The first estimate of what remains: the recent past of the same stages.

For each stage the last 50 durations of that kind, stage and provider that succeeded give a median and the 10th and
90th percentile; with fewer than 5 of them the shipped defaults stand in, and the answer says so. Percentiles
of a sum are taken as the sum of percentiles, which makes the range wider than it need be, never narrower.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles
from typing import Any

from metrics.models import GenerationMetric

WINDOW = 50
ENOUGH = 5
# Every stage of every run asks; the recent past of a stage does not change within seconds.
REMEMBER_S = 5.0

# Milliseconds (10th percentile, median, 90th) a stage takes where there is no history yet: the embedded
# composer on one core of a small server, and a model that writes 50 to 100 tokens a second.
DEFAULTS = {
    "composer": {"*": (1, 5, 40)},
    "*": {"generating": (8_000, 20_000, 60_000), "*": (5, 50, 500)},
}


@dataclass(frozen=True, slots=True)
class Spread:
    """A stage's duration in milliseconds at its 10th percentile, median and 90th percentile."""

    low: float
    median: float
    high: float
    from_history: bool

    def remaining(self, elapsed: float) -> "Spread":
        """What is left when `elapsed` has passed already; past the 90th percentile nothing is claimed."""
        return Spread(
            max(0.0, self.low - elapsed),
            max(0.0, self.median - elapsed),
            max(0.0, self.high - elapsed),
            self.from_history,
        )


_remembered: dict[tuple[str, str, str], tuple[float, Spread]] = {}


def forget() -> None:
    """Drop what was remembered of the history."""
    _remembered.clear()


def spread(kind: str, stage: str, provider: str) -> Spread:
    key = (kind, stage, provider)
    kept = _remembered.get(key)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    past = GenerationMetric.objects.filter(
        kind=kind, stage=stage, provider=provider, outcome=GenerationMetric.Outcome.SUCCEEDED
    )
    durations = list(past.order_by("-created_at").values_list("duration_ms", flat=True)[:WINDOW])
    if len(durations) >= ENOUGH:
        tenths = quantiles(durations, n=10, method="inclusive")
        found = Spread(tenths[0], tenths[4], tenths[8], True)
    else:
        shipped = DEFAULTS.get(provider, DEFAULTS["*"])
        found = Spread(*shipped.get(stage, shipped["*"]), False)
    _remembered[key] = (time.monotonic() + REMEMBER_S, found)
    return found


def spreads(kind: str, stages: Sequence[str], provider: str) -> list[Spread]:
    return [spread(kind, stage, provider) for stage in stages]


def remaining(parts: Sequence[Spread], elapsed_ms: float = 0) -> dict[str, Any] | None:
    """The time that stages of these spreads will still take, `elapsed_ms` of the first of them being over.

    Returns `{"ms", "low_ms", "high_ms", "basis"}`, whole milliseconds ≥ 0, `basis` being `history` or `default`;
    None once the first stage has outlived its 90th percentile, since history says nothing about that.
    """
    if not parts:
        return {"ms": 0, "low_ms": 0, "high_ms": 0, "basis": "history"}
    if elapsed_ms > parts[0].high:
        return None
    left = [parts[0].remaining(elapsed_ms), *parts[1:]]
    return {
        "ms": round(sum(part.median for part in left)),
        "low_ms": round(sum(part.low for part in left)),
        "high_ms": round(sum(part.high for part in left)),
        "basis": "history" if all(part.from_history for part in left) else "default",
    }


def estimate(kind: str, stages: Sequence[str], provider: str, elapsed_ms: float = 0) -> dict[str, Any] | None:
    """`remaining` of the recent past of these stages. Reads the database."""
    return remaining(spreads(kind, stages, provider), elapsed_ms)
