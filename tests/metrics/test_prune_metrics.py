"""History past its time goes, but nothing that was not learned yet, and nothing that was learned from it."""

import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from metrics import pruning
from metrics.models import Forecast, GenerationMetric, RunMetric
from metrics.recorder import record, record_run

pytestmark = pytest.mark.django_db

DAY = datetime(2026, 3, 1, tzinfo=UTC)


def history(at: datetime, learned: int | None = 1) -> None:
    """A stage, the end of a run and a forecast of that moment."""
    run_id, ended_ms = uuid.uuid4(), round(at.timestamp() * 1000)
    record(
        run_id=run_id, attempt=1, kind="k", stage="a", duration_ms=1, outcome="succeeded", ended_ms=ended_ms
    )  # fmt: skip
    record_run(run_id=run_id, kind="k", outcome="succeeded", attempts=1, duration_ms=1, ended_ms=ended_ms)
    Forecast.objects.create(
        run_id=run_id, kind="k", elapsed_ms=1, low_ms=1, ms=2, high_ms=3, from_history=True, true_ms=2, created_at=at
    )
    for model, name in ((GenerationMetric, "run_id"), (RunMetric, "pk")):
        model.objects.filter(**{name: run_id}).update(learned=learned)


def left() -> tuple[int, int, int]:
    return GenerationMetric.objects.count(), RunMetric.objects.count(), Forecast.objects.count()


def pruned(*options: str) -> str:
    out = io.StringIO()
    call_command("prune_metrics", *options, stdout=out)
    return out.getvalue()


def test_only_what_ended_before_the_day_goes():
    history(DAY - timedelta(milliseconds=1))
    history(DAY)
    assert pruned("--before", "2026-03-01") == "Before 2026-03-01: 1 stages, 1 runs and 1 forecasts deleted.\n"
    assert left() == (1, 1, 1)
    assert GenerationMetric.objects.get().created_at == DAY


def test_what_is_not_learned_yet_stays_however_old():
    history(DAY, learned=None)
    pruned("--before", "2026-06-01")
    assert left() == (1, 1, 0)


def test_a_dry_run_says_what_would_go_and_leaves_it():
    history(DAY)
    assert "1 stages, 1 runs and 1 forecasts would be deleted" in pruned("--before", "2026-03-02", "--dry-run")
    assert left() == (1, 1, 1)


def test_more_than_one_batch_goes(monkeypatch):
    monkeypatch.setattr(pruning, "ROWS_AT_ONCE", 2)
    for _ in range(5):
        history(DAY)
    assert "5 stages, 5 runs and 5 forecasts" in pruned("--before", "2026-03-02")
    assert left() == (0, 0, 0)


def test_by_default_the_setting_says_how_many_whole_days_are_kept(settings):
    settings.METRICS_RETENTION_DAYS = 2
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    history(today - timedelta(days=2))
    history(today - timedelta(days=2, milliseconds=1))
    assert pruning.prune(pruning.kept_since()) == pruning.Pruned(1, 1, 1)
    assert left() == (1, 1, 1)


def test_options_that_mean_nothing_are_refused_in_a_sentence():
    for options in (("--days", "-1"), ("--before", "soon"), ("--before", "2026-03-01", "--days", "3")):
        with pytest.raises(CommandError):
            pruned(*options)
