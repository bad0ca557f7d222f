"""Pause, resume and retry as table 1.6 has them, at step borders and across restarts."""

import uuid

import pytest

from generation import reconciler, runner, runs
from generation.database import in_database
from generation.errors import LeaseLost, LogClosed
from generation.executors import executor
from generation.models import Program, Run
from generation.models.runs import Status
from generation.wire import TERMINAL
from metrics.models import GenerationMetric
from tests.generation.executing import executing, log_of, start, start_to_item, status_of, until
from tests.generation.factories import CASE, held_run, make_run
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

HOLDER = uuid.uuid4()
STATES = {
    Status.QUEUED: None,
    Status.RUNNING: HOLDER,
    Status.PAUSED: None,
    Status.CANCELLING: HOLDER,
    Status.CANCELLED: None,
    Status.SUCCEEDED: None,
    Status.FAILED: None,
}
# For each state: the answer, and the state after it.
PAUSE = {
    Status.QUEUED: (202, Status.PAUSED),
    Status.RUNNING: (202, Status.RUNNING),
    Status.PAUSED: (200, Status.PAUSED),
    Status.CANCELLING: (409, Status.CANCELLING),
    Status.CANCELLED: (409, Status.CANCELLED),
    Status.SUCCEEDED: (409, Status.SUCCEEDED),
    Status.FAILED: (409, Status.FAILED),
}
RESUME = PAUSE | {
    Status.QUEUED: (200, Status.QUEUED),
    Status.RUNNING: (200, Status.RUNNING),
    Status.PAUSED: (202, Status.QUEUED),
}
RETRY = {status: (409, status) for status in STATES} | {
    status: (201, status) for status in (Status.CANCELLED, Status.SUCCEEDED, Status.FAILED)
}


@pytest.mark.parametrize(("command", "table"), [("pause", PAUSE), ("resume", RESUME), ("retry", RETRY)])
@pytest.mark.parametrize("status", STATES)
def test_each_state_answers_as_the_table_says(alice, api, command, table, status):
    run = make_run(alice, status=status, holder=STATES[status])
    answer = api("alice").post(f"/api/runs/{run.uid}/{command}")
    run.refresh_from_db()
    assert (answer.status_code, run.status) == table[status]
    if answer.status_code == 409:
        assert answer.json()["error"]["code"] == "CONFLICT"
        assert status in answer.json()["error"]["message"]


@pytest.mark.parametrize("command", ["pause", "resume", "retry"])
def test_steering_a_strangers_run_finds_nothing(alice, api, command):
    run = make_run(alice)
    assert api("charlie").post(f"/api/runs/{run.uid}/{command}").status_code == 404
    assert api(None).post(f"/api/runs/{run.uid}/{command}").status_code == 401
    assert api("bob").get(f"/api/runs/{run.uid}/{command}").status_code == 405
    run.refresh_from_db()
    assert run.status == Status.QUEUED


async def test_a_queued_run_is_paused_at_once_and_not_claimed(alice):
    run = await start(alice)
    await in_database(lambda: runs.pause(alice, run.uid))
    assert await in_database(lambda: runner.claim(run.pk, uuid.uuid4())) is None
    await in_database(lambda: runs.resume(alice, run.uid))
    assert await in_database(lambda: runner.claim(run.pk, uuid.uuid4())) is not None
    told = [(event["event"], event["data"]) for event in await log_of(run)]
    assert told[1:] == [
        ("paused", {"by": "alice"}),
        ("resumed", {"by": "alice", "attempt": 1, "from_stage": "started"}),
    ]


async def rest(alice, run: Run) -> None:
    """Pause a run that is worked on, and wait until it rests."""
    await in_database(lambda: runs.pause(alice, run.uid))
    await until(run, "paused")


async def idle() -> bool:
    return not executor().health()["runs"]


@pytest.mark.usefixtures("library")
async def test_a_running_run_rests_at_a_step_border_and_goes_on_where_it_stopped(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await start_to_item(alice)
        await rest(alice, run)
        assert await status_of(run) == Status.PAUSED
        await eventually(idle)
        await in_database(lambda: runs.resume(alice, run.uid))
        log = await until(run, *TERMINAL)
    names = [event["event"] for event in log]
    resumed = next(event["data"] for event in log if event["event"] == "resumed")
    assert resumed == {"by": "alice", "attempt": 2, "from_stage": "generating"}
    assert names.count("resumed") == 1
    assert names[-1] == "complete"
    assert await in_database(lambda: Program.objects.filter(run=run).count()) == 1
    spent = GenerationMetric.objects.filter(run_id=run.uid, stage="generating").order_by("attempt")
    assert await in_database(lambda: list(spent.values_list("outcome", flat=True))) == ["paused", "succeeded"]


@pytest.mark.usefixtures("library")
async def test_a_pause_without_a_hint_is_seen_all_the_same(alice, settings, monkeypatch):
    settings.COMPOSER_PACE_S = 0.4
    monkeypatch.setattr(type(executor()), "pause", lambda self, run, by: None)
    async with executing():
        run = await start_to_item(alice)
        await rest(alice, run)


@pytest.mark.usefixtures("library")
async def test_a_pause_taken_back_before_the_border_leaves_no_trace(alice, settings):
    settings.COMPOSER_PACE_S = 0.3
    async with executing():
        run = await start_to_item(alice)
        await in_database(lambda: runs.pause(alice, run.uid))
        answer = await in_database(lambda: runs.resume(alice, run.uid))
        log = await until(run, *TERMINAL)
    assert answer[1] is False
    assert not {"paused", "resumed"} & {event["event"] for event in log}


async def test_a_run_whose_worker_dies_before_the_border_is_paused_when_it_is_settled(alice):
    run, _ = await in_database(lambda: held_run(alice, lease_until=None))
    await in_database(lambda: runs.pause(alice, run.uid))
    await in_database(lambda: reconciler.reconcile(lambda held: held))
    assert await status_of(run) == Status.PAUSED
    assert [event["event"] for event in await log_of(run)] == ["paused"]


@pytest.mark.usefixtures("library")
async def test_a_paused_run_survives_a_restart_and_waits(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await start_to_item(alice)
        await rest(alice, run)
    async with executing():
        other = await start(alice)
        await until(other, *TERMINAL)
        assert await status_of(run) == Status.PAUSED
        await in_database(lambda: runs.cancel(alice, run.uid))
    assert (await log_of(run))[-1]["event"] == "cancelled"


async def test_whoever_held_it_before_can_not_append_to_a_paused_run(alice):
    run, log = await in_database(lambda: held_run(alice))
    await in_database(lambda: Run.objects.filter(pk=run.pk).update(holder=None, status=Status.QUEUED))
    await in_database(lambda: runs.pause(alice, run.uid))
    log.append("progress", stage="started", message="Late", progress=5, eta=None)
    with pytest.raises((LeaseLost, LogClosed)):
        await log.commit()


def test_a_retry_is_a_new_run_of_the_same_case_for_the_same_person(alice, api):
    run = make_run(alice, status=Status.FAILED, language="da")
    answer = api("bob").post(f"/api/runs/{run.uid}/retry")
    assert answer.status_code == 404
    run.clinic = alice.clinics.get()
    run.save(update_fields=["clinic"])
    answer = api("bob").post(f"/api/runs/{run.uid}/retry")
    again = Run.objects.get(uid=answer.json()["id"])
    assert answer["Location"] == f"/api/runs/{again.uid}"
    assert answer.json()["parent"] == str(run.uid)
    assert (again.owner, again.clinic, again.language, again.input) == (alice, run.clinic, "da", {"prompt": CASE})


def test_a_retry_counts_against_the_limits(alice, api, settings):
    settings.MAX_ACTIVE_RUNS_PER_USER = 1
    make_run(alice)
    ended = make_run(alice, status=Status.FAILED)
    assert api("alice").post(f"/api/runs/{ended.uid}/retry").json()["error"]["code"] == "TOO_MANY_RUNS"
