"""Days add up the same, live or counted again from their rows, whatever the order."""

import random
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from metrics.histogram import Histogram
from metrics.models import DailySummary, Forecast, GenerationMetric, RunMetric
from metrics.summaries import ALL, SUMS, add, rebuild
from tests.support.history import past, save

pytestmark = pytest.mark.django_db

NORTH = uuid.UUID(int=1)
AT = datetime(2026, 11, 19, 12, tzinfo=UTC)


def stage(**told) -> GenerationMetric:
    fields = {"run_id": uuid.uuid4(), "attempt": 1, "kind": "k", "stage": "a", "duration_ms": 100, "learned": 1}
    return GenerationMetric(**{**fields, "outcome": "succeeded", "created_at": AT, **told})


def run(**told) -> RunMetric:
    fields = {"run_id": uuid.uuid4(), "kind": "k", "attempts": 1, "duration_ms": 100, "learned": 1}
    return RunMetric(**{**fields, "outcome": "succeeded", "created_at": AT, **told})


def of_all(name: str = "") -> DailySummary:
    return DailySummary.objects.get(stage=name, provider=ALL, model=ALL, clinic=ALL)


def contents() -> dict:
    """Every summary by what it is of; weights are sums of ones, so nothing is rounded."""
    kept = [field.attname for field in DailySummary._meta.concrete_fields if field.attname != "id"]
    rows = [{name: getattr(row, name) for name in kept} for row in DailySummary.objects.all()]
    return {(r["day"], r["kind"], r["stage"], r["provider"], r["model"], r["clinic"]): r for r in rows}


def test_a_metric_is_counted_for_its_model_its_clinic_both_and_all():
    add([stage(provider="llm", model="small", clinic_id=NORTH)], [])
    levels = DailySummary.objects.values_list("provider", "model", "clinic", "succeeded")
    assert sorted(levels) == [
        (ALL, ALL, ALL, 1), (ALL, ALL, str(NORTH), 1), ("llm", "small", ALL, 1), ("llm", "small", str(NORTH), 1),
    ]  # fmt: skip


def test_who_has_no_clinic_is_not_mistaken_for_all():
    add([], [run(), run(clinic_id=NORTH)])
    assert dict(DailySummary.objects.filter(provider=ALL).values_list("clinic", "succeeded")) == {
        "": 1, str(NORTH): 1, ALL: 2,
    }  # fmt: skip


def test_what_was_cut_off_is_counted_and_is_no_duration():
    add(
        [stage(duration_ms=400), *(stage(outcome=outcome) for outcome in ("failed", "cancelled", "lost", "paused"))], []
    )
    row = of_all("a")
    assert (row.succeeded, row.failed, row.cancelled, row.lost, row.paused) == (1, 1, 1, 1, 1)
    assert row.duration_ms == 400
    assert Histogram.of(row.times["duration"]).total == 1


def test_a_run_leaves_its_times_tokens_cost_and_code():
    add([], [
        run(first_event_ms=5, first_item_ms=40, input_tokens=7, output_tokens=3, cost_usd=Decimal("0.25")),
        run(outcome="failed", error_code="PROVIDER_TIMEOUT", first_event_ms=6, input_tokens=1),
        run(outcome="cancelled", cancel_ms=300),
    ])  # fmt: skip
    row = of_all()
    assert (row.succeeded, row.failed, row.cancelled, row.duration_ms, row.first_event_ms) == (1, 1, 1, 100, 11)
    assert {name: Histogram.of(state).total for name, state in row.times.items()} == {
        "duration": 1, "first_event": 2, "first_item": 1, "cancel": 1,
    }  # fmt: skip
    assert row.errors == {"PROVIDER_TIMEOUT": 1}
    assert (row.input_tokens, row.output_tokens, row.cost_usd, row.costed) == (8, 3, Decimal("0.25"), 1)


def test_the_forecasts_of_a_run_are_scored_with_it():
    ended = run()
    told = {"run_id": ended.run_id, "kind": "k", "from_history": True, "created_at": AT}
    Forecast.objects.create(**told, elapsed_ms=0, low_ms=50, ms=90, high_ms=150, true_ms=100)
    Forecast.objects.create(**told, elapsed_ms=60, low_ms=50, ms=70, high_ms=150, true_ms=40)
    add([], [ended, run()])
    row = of_all()
    assert (row.forecasts, row.forecast_runs, row.held, row.error_ms, row.true_ms) == (2, 1, 1, 40, 140)


def test_the_forecasts_of_shipped_defaults_are_not_scored():
    ended = run()
    told = {"run_id": ended.run_id, "kind": "k", "low_ms": 1, "ms": 2, "high_ms": 3, "true_ms": 100, "created_at": AT}
    Forecast.objects.create(**told, elapsed_ms=0, from_history=False)
    Forecast.objects.create(**told, elapsed_ms=60, from_history=True)
    add([], [ended])
    row = of_all()
    assert (row.forecasts, row.forecast_runs, row.true_ms) == (1, 1, 100)


def test_a_stage_leaves_its_cost_where_it_is_known():
    metrics = [
        stage(cost_usd=Decimal("0.25")), stage(cost_usd=Decimal("0.125"), outcome="failed"),
        stage(cost_usd=Decimal(0)), stage(outcome="lost"),
    ]  # fmt: skip
    add(metrics[:2], [])
    add(metrics[2:], [])
    live = of_all("a")
    assert (live.cost_usd, live.costed) == (Decimal("0.375"), 3)
    GenerationMetric.objects.bulk_create(metrics)
    rebuild(AT.date())
    again = of_all("a")
    assert (again.cost_usd, again.costed) == (live.cost_usd, live.costed)


def test_a_day_is_a_day_in_utc():
    late = datetime(2026, 11, 20, 0, 30, tzinfo=UTC).astimezone()
    add([stage(created_at=late), stage(created_at=late - timedelta(hours=1))], [])
    assert set(DailySummary.objects.values_list("day", flat=True)) == {date(2026, 11, 19), date(2026, 11, 20)}


def made(runs: int = 60) -> tuple[list[GenerationMetric], list[RunMetric]]:
    """Saved history of three days, which is not summed up yet."""
    save(past(runs, [NORTH, None], days=3))
    return list(GenerationMetric.objects.all()), list(RunMetric.objects.all())


def test_learned_in_pieces_and_in_any_order_is_the_same_as_counted_again():
    stages, runs = made()
    dice = random.Random(3)
    dice.shuffle(stages)
    dice.shuffle(runs)
    while stages or runs:
        count = dice.randint(1, 40)
        add(stages[:count], runs[:count])
        stages, runs = stages[count:], runs[count:]
    live = contents()
    assert len(live) > 100
    call_command("backfill_summaries", verbosity=0)
    assert contents() == live


def test_counted_again_leaves_to_the_learner_what_is_not_learned_yet():
    made()
    GenerationMetric.objects.update(learned=None)
    call_command("backfill_summaries", verbosity=0)
    assert not DailySummary.objects.exclude(stage="").exists()
    assert DailySummary.objects.filter(stage="").exists()


def test_counting_a_day_again_mends_it_and_touches_no_other():
    stages, runs = made()
    add(stages, runs)
    right = contents()
    day = stages[0].created_at.astimezone(UTC).date()
    DailySummary.objects.filter(day=day).update(succeeded=999)
    others = DailySummary.objects.exclude(day=day).values_list("pk")
    before = set(others)
    rebuild(day)
    assert contents() == right
    assert set(others) == before


def test_days_whose_rows_were_pruned_keep_their_summary():
    stages, runs = made()
    add(stages, runs)
    whole = contents()
    first = min(metric.created_at for metric in stages).date() + timedelta(days=1)
    for model in (GenerationMetric, RunMetric):
        model.objects.filter(created_at__date__lt=first).delete()
    call_command("backfill_summaries", since="2020-01-01", verbosity=0)
    assert contents() == whole


def test_a_backfill_begins_with_the_day_it_is_told():
    stages, runs = made()
    add(stages, runs)
    last = max(metric.created_at for metric in stages).astimezone(UTC).date()
    DailySummary.objects.update(succeeded=999)
    call_command("backfill_summaries", since=last.isoformat(), verbosity=0)
    assert set(DailySummary.objects.exclude(succeeded=999).values_list("day", flat=True)) == {last}


def test_a_backfill_refuses_what_is_no_day():
    with pytest.raises(CommandError, match="must be a day such as"):
        call_command("backfill_summaries", since="yesterday")


def test_many_metrics_cost_as_many_queries_as_one():
    stages, runs = made(20)
    add(stages[:1], runs[:1])
    with CaptureQueriesContext(connection) as one:
        add(stages[1:2], runs[1:2])
    with CaptureQueriesContext(connection) as many:
        add(stages[2:], runs[2:])
    reads = [query for query in many.captured_queries if query["sql"].startswith("SELECT")]
    assert len(reads) == len([query for query in one.captured_queries if query["sql"].startswith("SELECT")]) == 2


def test_nothing_is_nothing():
    add([], [])
    call_command("backfill_summaries", verbosity=0)
    assert not DailySummary.objects.exists()


def test_what_is_summed_up_fits_the_columns():
    """Sums that the summary names by the outcome or the field of a metric."""
    assert {*GenerationMetric.Outcome.values, *RunMetric.Outcome.values} <= set(SUMS)


def test_a_backfill_before_migrate_says_what_prepares_the_database():
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {RunMetric._meta.db_table}")
    # In a savepoint: PostgreSQL lets nothing follow a statement that failed.
    with pytest.raises(CommandError, match=r"not ready; 'manage\.py migrate' prepares it"), transaction.atomic():
        call_command("backfill_summaries")
