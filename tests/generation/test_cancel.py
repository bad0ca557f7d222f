"""The cancel column of table 1.6, and the race between cancelling and finishing."""

import asyncio
import random
import uuid

import pytest

from generation import events, runs
from generation.database import in_database
from generation.errors import Conflict, LeaseLost
from generation.executors import executor
from generation.models import Event, Run
from generation.models.runs import ENDED, Status
from generation.serializers import cleaned
from generation.wire import TERMINAL
from metrics.models import GenerationMetric
from tests.generation.factories import CASE, held_run, make_run
from tests.support.waiting import eventually

HOLDER = uuid.uuid4()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("status", "holder", "answer", "then"), [
    (Status.QUEUED, None, 202, Status.CANCELLED),
    (Status.RUNNING, HOLDER, 202, Status.CANCELLING),
    (Status.PAUSED, None, 202, Status.CANCELLED),
    (Status.CANCELLING, HOLDER, 200, Status.CANCELLING),
    (Status.CANCELLED, None, 200, Status.CANCELLED),
    (Status.SUCCEEDED, None, 409, Status.SUCCEEDED),
    (Status.FAILED, None, 409, Status.FAILED),
])  # fmt: skip
def test_each_state_answers_as_the_table_says(alice, api, status, holder, answer, then):
    run = make_run(alice, status=status, holder=holder)
    response = api("alice").post(f"/api/runs/{run.uid}/cancel")
    run.refresh_from_db()
    assert (response.status_code, run.status) == (answer, then)
    if answer == 409:
        assert status in response.json()["error"]["message"]
    else:
        assert response.json()["status"] == then


@pytest.mark.django_db(transaction=True)
def test_a_queued_run_gets_its_terminal_event_at_once(alice):
    run = make_run(alice)
    runs.cancel(alice, run.uid)
    assert list(Event.objects.filter(run=run).values_list("seq", "name")) == [(1, "cancelled")]
    run.refresh_from_db()
    assert (run.last_seq, run.cancelled_by, run.epoch) == (1, "alice", 1)


@pytest.mark.django_db(transaction=True)
def test_cancelling_twice_writes_once(alice):
    run = make_run(alice)
    assert runs.cancel(alice, run.uid)[1] is True
    assert runs.cancel(alice, run.uid)[1] is False
    assert Event.objects.filter(run=run).count() == 1


@pytest.mark.django_db(transaction=True)
async def test_whoever_held_it_before_can_not_append_to_a_run_cancelled_in_the_queue(alice):
    run, log = await in_database(lambda: held_run(alice))
    await in_database(lambda: Run.objects.filter(pk=run.pk).update(status=Status.QUEUED, holder=None))
    await in_database(lambda: runs.cancel(alice, run.uid))
    with pytest.raises(LeaseLost):
        await log.commit(events.Line("complete", {}))
    assert await in_database(lambda: Event.objects.filter(run=run).count()) == 1


@pytest.mark.django_db
def test_an_ended_run_can_not_be_cancelled(alice):
    with pytest.raises(Conflict):
        runs.cancel(alice, make_run(alice, status=Status.SUCCEEDED).uid)


@pytest.mark.django_db(transaction=True)
async def test_two_hundred_races_between_cancel_and_completion(alice, library, settings):
    settings.MAX_ACTIVE_RUNS_PER_USER = settings.MAX_STARTS_PER_MINUTE = 1000
    own = executor()
    await own.start()
    chance = random.Random(6)

    async def all_ended() -> bool:
        return not await in_database(lambda: Run.objects.exclude(status__in=ENDED).exists())

    async def race() -> uuid.UUID:
        values = cleaned("exercise_program", {"prompt": CASE})
        run = await in_database(lambda: runs.start(alice, "exercise_program", values))
        await asyncio.sleep(chance.random() * 0.2)
        try:
            await in_database(lambda: runs.cancel(alice, run.uid))
        except Conflict:
            pass
        return run.uid

    try:
        for _ in range(20):
            await asyncio.gather(*(race() for _ in range(10)))
        await eventually(all_ended)
    finally:
        await own.drain()
    outcomes = await in_database(lambda: [assert_ended_once(run) for run in Run.objects.all()])
    assert len(outcomes) == 200
    # Both sides win sometimes, or the offsets miss the race.
    assert {"complete", "cancelled"} <= set(outcomes)


def assert_ended_once(run: Run) -> str:
    log = list(Event.objects.filter(run=run).order_by("seq").values_list("seq", "name"))
    assert [seq for seq, _ in log] == list(range(1, len(log) + 1))
    assert [name in TERMINAL for _, name in log] == [False] * (len(log) - 1) + [True]
    assert run.last_seq == len(log)
    ending = log[-1][1]
    assert [name for _, name in log].count("cancelling") <= 1
    assert run.status == {"complete": "succeeded", "cancelled": "cancelled"}[ending]
    assert (run.holder, run.lease_until) == (None, None)
    assert (run.result is not None) == (ending == "complete")
    recorded = GenerationMetric.objects.filter(run_id=run.uid)
    assert recorded.filter(outcome="cancelled").count() <= (ending == "cancelled")
    return ending
