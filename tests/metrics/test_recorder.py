"""A stage and the end of a run are kept once, cut to what their columns hold."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from metrics.models import GenerationMetric, RunMetric
from metrics.recorder import ended_run, insert, record, record_run, stage

pytestmark = pytest.mark.django_db

RUN = uuid.UUID(int=7)


def record_stage(**fields) -> GenerationMetric:
    given = {"run_id": RUN, "attempt": 1, "kind": "k", "stage": "a", "duration_ms": 10, "outcome": "succeeded"}
    record(**given | fields)
    return GenerationMetric.objects.get()


def record_end(**fields) -> RunMetric:
    given = {"run_id": RUN, "kind": "k", "outcome": "succeeded", "attempts": 1, "duration_ms": 10}
    record_run(**given | fields)
    return RunMetric.objects.get()


def test_whatever_is_told_of_a_stage_is_read_back():
    clinic = uuid.uuid4()
    told = {
        "provider": "a.host:1", "model": "m", "clinic_id": clinic, "size": 900, "input_tokens": 1800,
        "output_tokens": 70, "asked_ms": 12, "whole": False, "cost_usd": Decimal("0.012345"), "metadata": {"checks": 2},
    }  # fmt: skip
    kept = record_stage(**told, ended_ms=1_770_000_000_123)
    assert {name: getattr(kept, name) for name in told} == told
    assert kept.created_at == datetime(2026, 2, 2, 2, 40, 0, 123_000, tzinfo=UTC)
    assert kept.learned is None


def test_whatever_is_told_of_an_end_is_read_back():
    told = {
        "outcome": "cancelled", "error_code": "", "provider": "composer", "model": "rules-1",
        "clinic_id": uuid.uuid4(), "first_event_ms": 5, "first_item_ms": None, "cancel_ms": 3,
        "input_tokens": 1, "output_tokens": 2, "cost_usd": Decimal("1.5"),
    }  # fmt: skip
    kept = record_end(**told)
    assert {name: getattr(kept, name) for name in told} == told
    assert kept.learned is None


def test_an_end_is_kept_once():
    assert record_end(duration_ms=10).duration_ms == record_end(duration_ms=20).duration_ms == 10


def test_a_row_that_is_there_stays_as_it_was_learned():
    record_stage()
    GenerationMetric.objects.update(learned=4)
    assert record_stage(duration_ms=99).learned == 4


def test_inserting_says_how_many_rows_were_new():
    rows = [stage(run_id=RUN, attempt=n, kind="k", stage="a", duration_ms=1, outcome="lost") for n in range(1200)]
    assert insert(rows[:700]) == 700
    again = [stage(run_id=RUN, attempt=n, kind="k", stage="a", duration_ms=2, outcome="lost") for n in range(1200)]
    assert insert(again) == 500
    assert insert([]) == 0


def test_names_longer_than_their_columns_are_cut():
    kept = record_stage(provider="h" * 253, model="m" * 200)
    assert (len(kept.provider), len(kept.model)) == (40, 80)
    end = record_end(provider="h" * 253, model="m" * 200)
    assert (len(end.provider), len(end.model)) == (40, 80)


def test_clocks_that_disagree_make_no_negative_time():
    assert record_stage(duration_ms=-5).duration_ms == 0
    end = record_end(duration_ms=-5, first_event_ms=-5, first_item_ms=-1, cancel_ms=-2)
    assert (end.duration_ms, end.first_event_ms, end.first_item_ms, end.cancel_ms) == (0, 0, 0, 0)


def test_a_stage_of_a_month_fits():
    assert record_stage(duration_ms=31 * 86_400_000).duration_ms == 2**31 - 1


def test_an_outcome_may_be_a_member_of_its_choices():
    record_stage(outcome=GenerationMetric.Outcome.LOST)
    record_end(outcome=RunMetric.Outcome.FAILED)
    assert GenerationMetric.objects.filter(outcome="lost").exists()
    assert insert([ended_run(run_id=RUN, kind="k", outcome="failed", attempts=1, duration_ms=1)]) == 0
