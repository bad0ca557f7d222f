"""A long period says the same as its rows, and does not read them."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from metrics import aggregates, periods
from metrics.histogram import Histogram
from metrics.models import Forecast, GenerationMetric, RunMetric
from metrics.periods import Part
from tests.support.history import past, save

NORTH, SOUTH = uuid.UUID(int=1), uuid.UUID(int=2)
NOW = datetime.now(UTC)
MIDNIGHT = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
BEGIN = MIDNIGHT - timedelta(days=40)
PARTS = [(None, {}), ([NORTH], {}), ([NORTH, SOUTH], {"kind": "procedure"}), (None, {"model": "small"}),
         ([SOUTH], {"provider": "llm"}), (None, {"stage": "generating"}), ([], {})]  # fmt: skip


def close_to(exact_ms: int):
    """Within 4.5 %, both being rounded."""
    return pytest.approx(exact_ms, abs=0.045 * exact_ms + 1)


def history(runs: int) -> None:
    save(past(runs, [NORTH, SOUTH, None], days=50))
    GenerationMetric.objects.filter(model="small").update(cost_usd=Decimal("0.000125"))
    some = GenerationMetric.objects.filter(stage="parsing").values_list("pk", flat=True)[: runs // 15]
    GenerationMetric.objects.filter(pk__in=list(some)).update(outcome="lost", cost_usd=None)
    call_command("backfill_summaries", verbosity=0)


def part(clinics=None, only=None, begin: datetime = BEGIN, end: datetime | None = None) -> Part:
    return Part(begin, datetime.now(UTC) if end is None else end, clinics, only or {})


def with_tolerance(row: dict) -> dict:
    near = {name: close_to(row[name]) for name in ("p50", "p90") if row[name] is not None}
    return row | near | {"cost_usd": row["cost_usd"] and pytest.approx(row["cost_usd"])}


@pytest.mark.django_db
def test_the_days_of_a_long_period_add_up_to_what_its_rows_say():
    history(600)
    for (clinics, only), by_day, end in product(PARTS, (False, True), (None, MIDNIGHT)):
        asked = part(clinics, only, end=end)
        rows, few = periods.summary(asked, by_day=by_day)
        exact, as_few = aggregates.summary(GenerationMetric.objects.filter(asked.of_rows()), by_day=by_day)
        assert (rows, few) == ([with_tolerance(row) for row in exact], as_few), (clinics, only, by_day, end)
        foretold = aggregates.calibration(Forecast.objects.filter(asked.of_rows()), by_day=by_day)
        assert periods.calibration(asked, by_day=by_day) == foretold, (clinics, only, by_day, end)
        assert clinics == [] or rows or by_day


@pytest.mark.django_db
def test_a_long_period_does_not_read_the_rows_of_the_history():
    history(100)
    asked = part(only={"kind": "exercise_program"})
    with CaptureQueriesContext(connection) as queries:
        assert periods.summary(asked, by_day=False)[0]
        assert periods.calibration(asked, by_day=False)[0]
    read = " ".join(query["sql"] for query in queries)
    assert not [table for table in (GenerationMetric, Forecast, RunMetric) if f'"{table._meta.db_table}"' in read]


@pytest.mark.django_db
def test_a_period_that_is_short_or_begins_or_ends_within_a_day_is_exact():
    history(100)
    for begin, end in (
        (BEGIN + timedelta(hours=1), None),
        (BEGIN, MIDNIGHT - timedelta(hours=1)),
        (MIDNIGHT - timedelta(days=31), MIDNIGHT),
        (NOW - timedelta(days=30), None),
    ):
        asked = part(begin=begin, end=end)
        exact = aggregates.summary(GenerationMetric.objects.filter(asked.of_rows()), by_day=False)
        assert periods.summary(asked, by_day=False) == exact
        assert exact[0]


@pytest.mark.django_db
def test_many_attempts_of_few_runs_are_suppressed_in_a_long_period_too():
    GenerationMetric.objects.bulk_create(
        GenerationMetric(run_id=uuid.UUID(int=number % 4), attempt=number, kind="k", stage="a", duration_ms=1,
                         outcome="lost", learned=1, created_at=BEGIN)
        for number in range(12)
    )  # fmt: skip
    call_command("backfill_summaries", verbosity=0)
    assert periods.summary(part(), by_day=False) == ([], 1)


@given(st.lists(st.integers(0, 10**8), min_size=5, max_size=60), st.sampled_from((1, 50, 90, 99)))
def test_percentiles_of_a_histogram_are_within_four_and_a_half_percent(durations, percent):
    times = Histogram()
    for duration in durations:
        times.add(duration)
    ranks = dict(enumerate(sorted(durations)))
    exact = aggregates.at(percent, len(durations) - 1, ranks)
    assert periods.percentiles(times, (percent,))[0] == close_to(exact)
