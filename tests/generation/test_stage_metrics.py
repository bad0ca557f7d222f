"""What is kept of each stage: for which clinic, what it read, wrote and cost, and how much of it was this attempt's."""

import asyncio
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from generation import reconciler, runner
from generation.database import in_database
from generation.events import Line
from generation.handle import Handle
from generation.models import Event
from generation.pipelines.base import StageSpec
from generation.providers import choose
from metrics.models import GenerationMetric
from tests.generation.factories import held_run

pytestmark = pytest.mark.django_db(transaction=True)

STAGES = [StageSpec(code, percent, {"en": code}) for code, percent in (("first", 10), ("second", 20), ("third", 30))]


def handled(alice, **fields) -> Handle:
    run, log = held_run(alice, **fields)
    return Handle(run, log, choose("auto", "exercise_program"), [spec.code for spec in STAGES], {})


def kept(run, field: str) -> dict:
    return dict(GenerationMetric.objects.filter(run_id=run.uid).values_list("stage", field))


async def test_each_stage_is_charged_with_what_was_paid_in_it(alice):
    handle = await in_database(lambda: handled(alice, cost_usd=Decimal("1")))
    for spec, paid in zip(STAGES, ("0.25", "0", "0.5"), strict=True):
        async with handle.stage(spec):
            handle.run.cost_usd += Decimal(paid)
    await handle.log.commit(Line("warning", {}))
    costs = await in_database(lambda: kept(handle.run, "cost_usd"))
    assert costs == {"first": Decimal("0.25"), "second": 0, "third": Decimal("0.5")}


async def test_a_stage_is_kept_for_the_clinic_of_its_run(alice, cast):
    clinic = uuid.UUID(cast["alice"].clinic_id)
    handle = await in_database(lambda: handled(alice, clinic_id=clinic))
    async with handle.stage(STAGES[0]):
        pass
    await handle.log.commit(Line("warning", {}))
    assert await in_database(lambda: kept(handle.run, "clinic_id")) == {"first": clinic}


def test_a_stage_in_which_a_worker_was_lost_is_kept_for_its_clinic_at_an_unknown_cost(alice, cast):
    clinic = uuid.UUID(cast["alice"].clinic_id)
    run, _ = held_run(alice, clinic_id=clinic, stage="first")
    type(run).objects.filter(pk=run.pk).update(stage_started_at=run.created_at)
    assert [lost.pk for lost in reconciler.reconcile(lambda held: held.filter(pk=run.pk))] == [run.pk]
    assert (kept(run, "clinic_id"), kept(run, "cost_usd")) == ({"first": clinic}, {"first": None})


def read(handle: Handle, tokens: int, written: int = 0) -> None:
    """As if a call to a model were settled that read and wrote so much."""
    handle.calls.size = handle.calls.size or tokens
    totals = handle.calls.totals()
    read_so_far, written_so_far = int(totals["input_tokens"]), int(totals["output_tokens"])
    handle.calls.adopt(totals | {"input_tokens": read_so_far + tokens, "output_tokens": written_so_far + written})


async def test_each_stage_tells_its_own_tokens_and_the_size_of_the_first_request(alice):
    handle = await in_database(lambda: handled(alice))
    calls = {"first": [], "second": [(900, 100), (1100, 50)], "third": [(300, 40)]}
    for spec in STAGES:
        async with handle.stage(spec):
            for tokens, written in calls[spec.code]:
                read(handle, tokens, written)
    await handle.log.commit(Line("warning", {}))
    assert await in_database(lambda: kept(handle.run, "size")) == {"first": 0, "second": 900, "third": 900}
    assert await in_database(lambda: kept(handle.run, "input_tokens")) == {"first": 0, "second": 2000, "third": 300}
    assert await in_database(lambda: kept(handle.run, "output_tokens")) == {"first": 0, "second": 150, "third": 40}


async def test_a_stage_knows_for_how_long_a_model_wrote_before_it_in_the_attempt(alice):
    handle = await in_database(lambda: handled(alice))
    for spec, written in zip(STAGES, (0, 80, 0), strict=True):
        async with handle.stage(spec):
            await asyncio.sleep(0.01)
            read(handle, written, written)
    await handle.log.commit(Line("warning", {}))
    took = await in_database(lambda: kept(handle.run, "duration_ms"))
    asked = await in_database(lambda: kept(handle.run, "asked_ms"))
    assert asked == {"first": 0, "second": 0, "third": took["second"]}
    assert took["second"] > 0


async def test_a_stage_that_an_earlier_attempt_had_begun_is_not_whole(alice):
    handle = await in_database(lambda: handled(alice, attempt=2, stage="second"))
    handle.steps["stage:first"] = {}
    for spec in STAGES:
        async with handle.stage(spec):
            pass
    await handle.log.commit(Line("warning", {}))
    assert await in_database(lambda: kept(handle.run, "whole")) == {"second": False, "third": True}


async def test_a_stage_ends_when_its_event_says_so(alice):
    handle = await in_database(lambda: handled(alice))
    async with handle.stage(STAGES[0]):
        pass
    await handle.log.commit(Line("warning", {}))
    told = await in_database(lambda: handle.run.events.get(name="stage_complete"))
    ended = (await in_database(lambda: kept(handle.run, "created_at")))["first"]
    assert round(ended.timestamp() * 1000) == told.ts_ms


async def test_a_cancel_while_stored_stages_are_passed_leaves_their_rows_as_they_were(alice):
    handle = await in_database(lambda: handled(alice, attempt=2, stage="first"))
    handle.steps["stage:first"] = {}
    with pytest.raises(asyncio.CancelledError):
        async with handle.stage(STAGES[0]):
            raise asyncio.CancelledError
    await runner.cancelled(handle, cancelling_told=False, was_asking=False)
    assert await in_database(lambda: handle.run.events.filter(name="cancelled").exists())
    assert await in_database(lambda: kept(handle.run, "outcome")) == {}


def test_a_lost_stage_lasts_until_its_worker_was_last_heard(alice):
    run, _ = held_run(alice, stage="first", attempt=1)
    began = timezone.now() - timedelta(days=30)
    type(run).objects.filter(pk=run.pk).update(stage_started_at=began)
    heard_ms = round(began.timestamp() * 1000) + 1500
    Event.objects.create(run=run, seq=1, name="item", ts_ms=heard_ms, data={})
    Event.objects.create(run=run, seq=2, name="cancelling", ts_ms=heard_ms + 90_000, data={})
    reconciler.reconcile(lambda held: held.filter(pk=run.pk))
    assert kept(run, "outcome") == {"first": "lost"}
    assert kept(run, "duration_ms")["first"] == pytest.approx(1500, abs=1)
