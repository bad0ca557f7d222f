"""What is kept of each stage: for which clinic, and what it cost."""

import uuid
from decimal import Decimal

import pytest

from generation import reconciler
from generation.database import in_database
from generation.events import Line
from generation.handle import Handle
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
