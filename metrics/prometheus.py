"""What a process counts for Prometheus, on a registry of its own.

Every process counts what it has done itself, from zero at its start: each is scraped on its own port, and a query adds
them up. Behind one balanced address the counters would jump between processes. Labels are codes of this project and
nothing else: no ids, no people, no clinics, no names of models.
"""

from collections.abc import Iterable

from django.db import transaction
from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector

from metrics.models import Forecast, GenerationMetric, RunMetric

registry = CollectorRegistry()
ProcessCollector(registry=registry)

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 90, 120, 180, 300)

runs_ended = Counter("hep_runs_ended", "Runs that ended.", ("kind", "outcome"), registry=registry)
runs_failed = Counter(
    "hep_runs_failed", "Runs that failed, by the code of the error.", ("kind", "code"), registry=registry
)
run_seconds = Histogram(
    "hep_run_duration_seconds",
    "From the request for a run to its success.",
    ("kind",),
    buckets=SECONDS,
    registry=registry,
)
first_event_seconds = Histogram(
    "hep_run_first_event_seconds",
    "From the request for a run to its worker's first event.",
    ("kind",),
    buckets=SECONDS,
    registry=registry,
)
first_item_seconds = Histogram(
    "hep_run_first_item_seconds",
    "From the request for a run to the first whole part of its result.",
    ("kind",),
    buckets=SECONDS,
    registry=registry,
)
cancel_seconds = Histogram(
    "hep_run_cancel_seconds",
    "From the request to cancel a run to its end.",
    ("kind",),
    buckets=SECONDS,
    registry=registry,
)
tokens = Counter(
    "hep_tokens", "Tokens that models read and wrote, by runs that ended.", ("kind", "way"), registry=registry
)
cost_dollars = Counter("hep_cost_dollars", "What runs that ended have cost.", ("kind",), registry=registry)
stages_ended = Counter(
    "hep_stages_ended", "Stages that ended, once for each attempt.", ("kind", "stage", "outcome"), registry=registry
)
stage_seconds = Histogram(
    "hep_stage_duration_seconds", "Stages that succeeded.", ("kind", "stage"), buckets=SECONDS, registry=registry
)
forecasts_scored = Counter(
    "hep_forecasts_scored",
    "Estimates that were shown, by whether what was true lay within their range.",
    ("kind", "held"),
    registry=registry,
)


def stage_ended(metric: GenerationMetric) -> None:
    """Count a stage once the caller's transaction has committed."""
    transaction.on_commit(lambda: count_stage(metric))


def run_ended(metric: RunMetric) -> None:
    """Count a run once the caller's transaction has committed."""
    transaction.on_commit(lambda: count_run(metric))


def forecasts_kept(found: Iterable[Forecast]) -> None:
    """Count scored estimates once the caller's transaction has committed."""
    kept = list(found)
    transaction.on_commit(lambda: count_forecasts(kept))


def count_stage(metric: GenerationMetric) -> None:
    stages_ended.labels(metric.kind, metric.stage, metric.outcome).inc()
    if metric.outcome == GenerationMetric.Outcome.SUCCEEDED:
        stage_seconds.labels(metric.kind, metric.stage).observe(metric.duration_ms / 1000)


def count_run(metric: RunMetric) -> None:
    runs_ended.labels(metric.kind, metric.outcome).inc()
    if metric.outcome == RunMetric.Outcome.FAILED:
        runs_failed.labels(metric.kind, metric.error_code).inc()
    if metric.outcome == RunMetric.Outcome.SUCCEEDED:
        run_seconds.labels(metric.kind).observe(metric.duration_ms / 1000)
    for histogram, ms in (
        (first_event_seconds, metric.first_event_ms),
        (first_item_seconds, metric.first_item_ms),
        (cancel_seconds, metric.cancel_ms),
    ):
        if ms is not None:
            histogram.labels(metric.kind).observe(ms / 1000)
    tokens.labels(metric.kind, "read").inc(metric.input_tokens)
    tokens.labels(metric.kind, "written").inc(metric.output_tokens)
    cost_dollars.labels(metric.kind).inc(float(metric.cost_usd or 0))


def count_forecasts(kept: Iterable[Forecast]) -> None:
    for forecast in kept:
        forecasts_scored.labels(forecast.kind, "yes" if forecast.held else "no").inc()
