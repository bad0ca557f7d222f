"""How often the stated ranges held, and the correction that keeps them at what they claim.

A range claims that LOWER of the outcomes lie below it and 1 - UPPER above. Each scored forecast moves the levels that
the estimator uses for the two ends by a small step: outwards when the truth lay outside, inwards when not. Whatever the
model does, the share of misses on either side then tends to what is claimed. Source: I. Gibbs, E. Candès, Adaptive
Conformal Inference Under Distribution Shift, NeurIPS 2021.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from metrics.models import Calibration, Forecast, RunMetric

LOWER, UPPER = 0.1, 0.9
# How far a forecast of one model moves its levels, and those of the whole kind.
STEP, STEP_OF_KIND = 0.01, 0.003
# A model begins with the levels of its kind, and has its own after so many forecasts.
OWN = 40
# Levels keep clear of the middle and of the ends, where there is nothing to tell.
OUTER, INNER = 0.005, 0.4


class Levels(NamedTuple):
    """The shares of the outcomes that the estimator leaves below the lower end and below the upper end of a range."""

    lower: float = LOWER
    upper: float = UPPER

    def after(self, low_ms: float, high_ms: float, true_ms: float, step: float) -> "Levels":
        """The levels after a forecast of this range came true like this."""
        lower = self.lower + step * (LOWER - (true_ms < low_ms))
        upper = self.upper + step * (UPPER - (true_ms <= high_ms))
        return Levels(min(INNER, max(OUTER, lower)), min(1 - OUTER, max(1 - INNER, upper)))


class Scores:
    """The levels of one model within those of its kind, and how many forecasts made them."""

    def __init__(self, levels: Levels, scored: int = 0) -> None:
        self.levels = levels
        self.scored = scored

    def add(self, low_ms: float, high_ms: float, true_ms: float, step: float) -> None:
        self.levels = self.levels.after(low_ms, high_ms, true_ms, step)
        self.scored += 1


class Calibrations:
    """The scores of kinds and of their models."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, str, str], Scores] = {}

    def levels(self, kind: str, provider: str, model: str) -> Levels:
        for key in ((kind, provider, model), (kind, "", "")):
            scores = self.found.get(key)
            if scores is not None and (scores.scored >= OWN or key[1:] == ("", "")):
                return scores.levels
        return Levels()

    def add(self, kind: str, provider: str, model: str, low_ms: float, high_ms: float, true_ms: float) -> None:
        whole = self.found.setdefault((kind, "", ""), Scores(Levels()))
        own = self.found.get((kind, provider, model))
        if own is None or own.scored < OWN:
            own = self.found[kind, provider, model] = Scores(whole.levels, own.scored if own else 0)
        own.add(low_ms, high_ms, true_ms, STEP)
        whole.add(low_ms, high_ms, true_ms, STEP_OF_KIND)


def of_kind(kind: str) -> Calibrations:
    """The calibrations of a kind, from the database."""
    found = Calibrations()
    for row in Calibration.objects.filter(kind=kind):
        found.found[row.kind, row.provider, row.model] = Scores(Levels(row.lower, row.upper), row.scored)
    return found


def learn(runs: Sequence[RunMetric]) -> None:
    """Learn from the forecasts that were kept of these runs; under the lock of `Learning`, each run once."""
    ended = {run.run_id: place for place, run in enumerate(runs)}
    forecasts = list(Forecast.objects.filter(run_id__in=ended))
    forecasts.sort(key=lambda forecast: (ended[forecast.run_id], forecast.elapsed_ms))
    for kind in sorted({forecast.kind for forecast in forecasts}):
        found = of_kind(kind)
        take(found, (forecast for forecast in forecasts if forecast.kind == kind))
        store(found)


def take(found: Calibrations, forecasts: Iterable[Forecast]) -> None:
    for forecast in forecasts:
        # The shipped defaults are nobody's history, and how long a run waits is the doing of other runs.
        if forecast.from_history and forecast.stage:
            found.add(
                forecast.kind, forecast.provider, forecast.model, forecast.low_ms, forecast.high_ms, forecast.true_ms
            )


def store(found: Calibrations) -> None:
    Calibration.objects.bulk_create(
        [
            Calibration(
                kind=kind,
                provider=provider,
                model=model,
                lower=scores.levels.lower,
                upper=scores.levels.upper,
                scored=scores.scored,
            )
            for (kind, provider, model), scores in found.found.items()
        ],
        update_conflicts=True,
        unique_fields=("kind", "provider", "model"),
        update_fields=("lower", "upper", "scored", "updated_at"),
    )
