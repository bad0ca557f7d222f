"""What many runs say together, and that few runs say nothing."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from statistics import quantiles

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metrics.aggregates import summary
from metrics.models import GenerationMetric
from metrics.recorder import record

pytestmark = pytest.mark.django_db


def history(*durations: int, stage: str = "a", outcome: str = "succeeded", **fields) -> None:
    """A run for each duration."""
    for duration in durations:
        told = {"run_id": uuid.uuid4(), "attempt": 1, "kind": "k", **fields}
        record(stage=stage, duration_ms=duration, outcome=outcome, **told)


def rows(by_day: bool = False) -> list[dict]:
    return summary(GenerationMetric.objects.all(), by_day=by_day)[0]


def test_a_stage_is_counted_and_its_percentiles_lie_between_neighbours():
    history(500, 100, 300, 200, 400, 600)
    assert rows() == [
        {"bucket": None, "kind": "k", "stage": "a", "count": 6, "p50": 350, "p90": 550, "failure_rate": 0.0,
         "cost_usd": None}
    ]  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 10**6), min_size=5, max_size=60))
def test_the_database_finds_the_percentiles_that_the_estimator_would(durations):
    GenerationMetric.objects.all().delete()
    history(*durations)
    tenths = quantiles(durations, n=10, method="inclusive")
    (row,) = rows()
    assert abs(row["p50"] - tenths[4]) <= 0.5
    assert abs(row["p90"] - tenths[8]) <= 0.5


def test_kinds_and_stages_are_told_apart_in_order():
    history(*[1] * 5, stage="b")
    history(*[2] * 5, stage="a")
    history(*[3] * 5, stage="a", kind="j")
    assert [(row["kind"], row["stage"], row["p50"]) for row in rows()] == [("j", "a", 3), ("k", "a", 2), ("k", "b", 1)]


def test_days_are_days_in_utc():
    history(*[1] * 5)
    GenerationMetric.objects.update(created_at=datetime(2026, 11, 19, 23, 59, 59, tzinfo=UTC))
    history(*[2] * 5)
    GenerationMetric.objects.filter(duration_ms=2).update(created_at=datetime(2026, 11, 20, tzinfo=UTC))
    assert [(row["bucket"], row["p50"]) for row in rows(by_day=True)] == [("2026-11-19", 1), ("2026-11-20", 2)]


def test_fewer_than_five_runs_are_only_counted_as_a_group():
    history(*[1] * 4)
    history(*[1] * 5, stage="b")
    shown, suppressed = summary(GenerationMetric.objects.all(), by_day=False)
    assert ([row["stage"] for row in shown], suppressed) == (["b"], 1)


def test_many_attempts_of_one_run_are_still_one_run():
    run_id = uuid.uuid4()
    for attempt in range(9):
        history(1, run_id=run_id, attempt=attempt, outcome="lost")
    assert summary(GenerationMetric.objects.all(), by_day=False) == ([], 1)


def test_no_percentile_rests_on_fewer_than_five_runs():
    history(*[1] * 4)
    history(*[1] * 4, outcome="failed")
    (row,) = rows()
    assert (row["count"], row["p50"], row["p90"], row["failure_rate"]) == (8, None, None, 0.5)


def test_stages_that_were_cut_off_are_no_durations():
    history(*[100] * 5)
    for outcome in ("failed", "cancelled", "lost", "paused"):
        history(*[1] * 5, outcome=outcome)
    (row,) = rows()
    assert (row["count"], row["p50"], row["p90"]) == (25, 100, 100)


def test_a_failure_is_a_failed_stage_or_a_lost_worker_among_those_that_were_let_run():
    history(*[1] * 5)
    history(*[1] * 2, outcome="failed")
    history(1, outcome="lost")
    history(*[1] * 7, outcome="cancelled")
    history(*[1] * 9, outcome="paused")
    assert rows()[0]["failure_rate"] == 0.375


def test_no_failure_rate_rests_on_fewer_than_five_runs():
    history(*[1] * 4)
    history(*[1] * 9, outcome="cancelled")
    assert rows()[0]["failure_rate"] is None


def test_cost_is_the_sum_of_what_was_counted():
    history(*[1] * 5, cost_usd=Decimal("0.125"))
    history(1)
    assert rows()[0]["cost_usd"] == 0.625


def test_no_cost_rests_on_fewer_than_five_runs():
    history(*[1] * 4, cost_usd=Decimal("0.125"))
    history(*[1] * 5)
    assert rows()[0]["cost_usd"] is None


def test_nothing_is_an_empty_answer():
    assert summary(GenerationMetric.objects.all(), by_day=True) == ([], 0)
