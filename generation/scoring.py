"""The forecasts that were shown for a run, as they are kept once it is known what was true.

The log holds every estimate that anybody was told. When a run has succeeded some of them are kept beside what then
truly remained; learning scores them (`metrics/calibration.py`).
"""

import threading
import time
from typing import Any

from generation.models import Run
from metrics import prometheus
from metrics.models import Forecast

# Of one run, spread over its life.
MOST = 8
# Less than this is over before it can be read.
SEEN_MS = 1_000
# Estimates of a run that are looked at: those of its first minutes, where it is a long one.
MOST_READ = 400
# A busy process keeps those of so many runs a second, which is more than enough to know how often ranges hold.
RUNS_PER_SECOND = 20.0


class Sampler:
    """Lets through as many a second on average; the first ones of a quiet time at once."""

    def __init__(self, per_second: float) -> None:
        self.per_second = per_second
        self.left = per_second
        self.at = time.monotonic()
        self.lock = threading.Lock()

    def take(self) -> bool:
        with self.lock:
            now = time.monotonic()
            self.left = min(self.per_second, self.left + (now - self.at) * self.per_second)
            self.at = now
            if self.left < 1:
                return False
            self.left -= 1
            return True


sampler = Sampler(RUNS_PER_SECOND)


def shown(run: Run, provider: str, model: str) -> list[Forecast]:
    """Forecasts from the log of a run that is about to succeed, without what was true. Reads the database.

    None of a run that was paused or that lost a worker: nobody can foretell how long people let it rest. None where
    this process has lately kept enough.
    """
    if run.attempt > 1 or not sampler.take():
        return []
    told = run.events.filter(name__in=("queued", "progress", "paused")).order_by("seq")[:MOST_READ]
    created_ms = round(run.created_at.timestamp() * 1000)
    forecasts: dict[int, Forecast] = {}
    for event in told:
        if event.name == "paused":
            return []
        eta: dict[str, Any] | None = event.data.get("eta")
        if eta is not None:
            elapsed_ms = max(0, event.ts_ms - created_ms)
            forecasts[elapsed_ms] = Forecast(
                run_id=run.uid,
                kind=run.kind,
                provider=provider[:40],
                model=model[:80],
                clinic_id=run.clinic_id,
                stage=event.data.get("stage", ""),
                elapsed_ms=elapsed_ms,
                low_ms=eta["low_ms"],
                ms=eta["ms"],
                high_ms=eta["high_ms"],
                from_history=eta["basis"] == "history",
            )
    found = list(forecasts.values())
    if len(found) <= MOST:
        return found
    return [found[round(place * (len(found) - 1) / (MOST - 1))] for place in range(MOST)]


def keep(forecasts: list[Forecast], took_ms: int) -> None:
    """Store forecasts of a run that has succeeded this long after it was asked for; in the caller's transaction.

    Of a time so short that nobody saw it, none.
    """
    for forecast in forecasts:
        forecast.true_ms = max(0, took_ms - forecast.elapsed_ms)
    forecasts = [each for each in forecasts if max(each.high_ms, each.true_ms) >= SEEN_MS]
    Forecast.objects.bulk_create(forecasts, ignore_conflicts=True)
    prometheus.forecasts_kept(forecasts)
