"""Many inputs in one request: all or nothing, a few at a time, one state."""

from collections.abc import AsyncIterator

import orjson
import pytest

from generation import batches, hints, runs
from generation.consumers.batch import BatchWatcher
from generation.database import in_database
from generation.models import Batch, Run
from generation.models.runs import ENDED, HELD, Status
from generation.permissions import Credential, Identity
from tests.generation.executing import executing
from tests.generation.factories import CASE, make_batch, make_run
from tests.generation.learned import learned
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)

ROW = {"prompt": CASE, "engine": "auto"}
URGENT = "45 year old, low back pain since yesterday, saddle numbness and cannot pass urine."


def post(client, rows, **more):
    return client.post("/api/batches", {"kind": "exercise_program", "inputs": rows, **more}, format="json")


def test_one_bad_row_starts_nothing_and_is_named_by_its_index(alice, api):
    answer = post(api("alice"), [{"prompt": CASE}, {"prompt": "short"}, {"prompt": CASE, "mrm": "1"}])
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert set(error["fields"]["inputs"]) == {"1", "2"}
    assert set(error["fields"]["inputs"]["1"]) == {"prompt"}
    assert (Batch.objects.count(), Run.objects.count()) == (0, 0)


def test_a_clinic_of_others_is_a_fault_of_its_row(alice, charlie, api):
    foreign = str(charlie.clinics.get().pk)
    answer = post(api("alice"), [{"prompt": CASE}, {"prompt": CASE, "clinic_id": foreign}])
    assert answer.status_code == 400
    assert set(answer.json()["error"]["fields"]["inputs"]["1"]) == {"clinic_id"}
    assert Run.objects.count() == 0


def test_a_batch_is_its_rows_in_their_order(alice, api):
    answer = post(api("alice"), [{"prompt": f"{CASE} Row {number}."} for number in range(3)])
    assert answer.status_code == 201
    body = answer.json()
    assert answer["Location"] == f"/api/batches/{body['id']}"
    assert body["counts"] == {"queued": 3}
    assert (body["status"], body["progress"], body["kind"]) == ("queued", 0.0, "exercise_program")
    assert [run["input"]["prompt"][-2] for run in body["runs"]] == ["0", "1", "2"]
    assert {run["batch"] for run in body["runs"]} == {body["id"]}
    listed = api("alice").get(f"/api/runs?batch={body['id']}").json()["results"]
    assert {run["id"] for run in listed} == {run["id"] for run in body["runs"]}


def test_a_batch_counts_as_one_active_run_and_one_start(alice, api, settings):
    settings.MAX_ACTIVE_RUNS_PER_USER, settings.MAX_STARTS_PER_MINUTE = 2, 3
    assert post(api("alice"), [ROW] * 10).status_code == 201
    assert api("alice").post("/api/runs", {"kind": "exercise_program", "input": ROW}, format="json").status_code == 201
    assert post(api("alice"), [ROW]).json()["error"]["code"] == "TOO_MANY_RUNS"


def test_only_who_may_see_its_runs_sees_a_batch(alice, api):
    batch = make_batch(alice, Status.QUEUED, clinic=alice.clinics.get())
    for name, answer in {"alice": 200, "bob": 200, "dana": 200, "charlie": 404, None: 401}.items():
        assert api(name).get(f"/api/batches/{batch.pk}").status_code == answer
    for path in ("cancel", "retry"):
        assert api("charlie").post(f"/api/batches/{batch.pk}/{path}").status_code == 404
    assert api("alice").get("/api/batches/nonsense").status_code == 404


@pytest.mark.usefixtures("library")
async def test_no_more_rows_run_at_once_than_were_asked_for(alice, settings):
    settings.COMPOSER_PACE_S = 0.02
    most = 0
    async with executing():
        batch = await in_database(lambda: batches.start(alice, "exercise_program", [ROW] * 7, 2))

        async def over() -> bool:
            nonlocal most
            states = await in_database(lambda: list(Run.objects.values_list("status", flat=True)))
            most = max(most, sum(state in HELD for state in states))
            return all(state in ENDED for state in states)

        await eventually(over, within_s=60)
    assert most == 2
    found = await in_database(lambda: list(batches.rows(batch, alice)))
    assert batches.status_of(found) == "succeeded"


def test_cancelling_a_batch_cancels_what_lives_and_leaves_what_has_ended(alice, api):
    batch = make_batch(alice, Status.SUCCEEDED, Status.QUEUED, Status.QUEUED)
    answer = api("alice").post(f"/api/batches/{batch.pk}/cancel")
    assert (answer.status_code, answer.json()["counts"]) == (202, {"succeeded": 1, "cancelled": 2})
    again = api("alice").post(f"/api/batches/{batch.pk}/cancel")
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")


def test_an_ended_batch_can_not_be_cancelled(alice, api):
    batch = make_batch(alice, Status.SUCCEEDED, Status.FAILED)
    assert api("alice").post(f"/api/batches/{batch.pk}/cancel").status_code == 409


def test_one_row_can_be_cancelled_alone(alice, api):
    batch = make_batch(alice, Status.QUEUED, Status.QUEUED)
    first = batch.runs.get(row=0)
    assert api("alice").post(f"/api/runs/{first.uid}/cancel").status_code == 202
    assert api("alice").get(f"/api/batches/{batch.pk}").json()["counts"] == {"cancelled": 1, "queued": 1}


def test_a_retry_puts_new_runs_in_the_places_of_the_failed_ones(alice, api):
    batch = make_batch(alice, Status.FAILED, Status.SUCCEEDED, Status.CANCELLED)
    former = {run.row: str(run.uid) for run in batch.runs.all()}
    answer = api("alice").post(f"/api/batches/{batch.pk}/retry")
    assert answer.status_code == 201
    rows = answer.json()["runs"]
    assert [row["status"] for row in rows] == ["queued", "succeeded", "queued"]
    assert [row["parent"] for row in rows] == [former[0], None, former[2]]
    assert api("alice").post(f"/api/batches/{batch.pk}/retry").status_code == 409


def test_retrying_a_row_of_an_ended_batch_makes_it_active_again(alice, api, settings):
    settings.MAX_ACTIVE_RUNS_PER_USER = 1
    first, second = (make_batch(alice, Status.FAILED).runs.get() for _ in range(2))
    assert api("alice").post(f"/api/runs/{first.uid}/retry").status_code == 201
    assert api("alice").post(f"/api/runs/{second.uid}/retry").json()["error"]["code"] == "TOO_MANY_RUNS"


def test_a_row_is_started_again_once(alice, api):
    batch = make_batch(alice, Status.FAILED)
    former = batch.runs.get()
    assert api("alice").post(f"/api/runs/{former.uid}/retry").json()["batch"] == str(batch.pk)
    assert api("alice").post(f"/api/runs/{former.uid}/retry").status_code == 409


@pytest.mark.parametrize(("states", "status"), [
    ("queued queued", "queued"),
    ("succeeded queued", "running"),
    ("running queued", "running"),
    ("paused paused", "paused"),
    ("cancelling succeeded", "cancelling"),
    ("succeeded succeeded", "succeeded"),
    ("succeeded cancelled", "cancelled"),
    ("succeeded cancelled failed", "failed"),
])  # fmt: skip
def test_a_batch_is_what_its_rows_are(states, status):
    assert batches.status_of([Run(status=state) for state in states.split()]) == status


@pytest.mark.parametrize(("states", "max_parallel", "rounds"), [
    ("running running queued queued queued succeeded", 2, 3),
    ("running running queued queued queued succeeded", 5, 1),
    ("queued queued queued queued", 1, 4),
    ("running cancelling queued", 1, 2),
    ("succeeded failed cancelled", 2, None),
    ("running paused queued", 2, None),
])  # fmt: skip
def test_the_estimate_counts_how_many_run_at_a_time(alice, states, max_parallel, rounds):
    learned(*[10_000] * 20)
    batch = make_batch(alice, *states.split(), max_parallel=max_parallel)
    eta = batches.eta_of(list(batches.rows(batch, alice)))
    assert (eta and eta["ms"]) == (rounds and pytest.approx(rounds * 10_000, rel=0.1))


def test_a_batch_waits_for_the_runs_of_others_too(alice, charlie, settings):
    settings.MAX_CONCURRENT_RUNS = 1
    learned(*[10_000] * 20)
    make_run(charlie, status=Status.RUNNING)
    batch = make_batch(alice, Status.QUEUED, Status.QUEUED)
    assert batches.eta_of(list(batches.rows(batch, alice)))["ms"] == pytest.approx(30_000, rel=0.1)


def test_a_batch_that_nothing_can_be_said_of_has_no_estimate(alice, settings):
    settings.MAX_CONCURRENT_RUNS = 0
    batch = make_batch(alice, Status.RUNNING, Status.QUEUED)
    assert batches.eta_of(list(batches.rows(batch, alice))) is None


async def messages(watcher: BatchWatcher, count: int) -> AsyncIterator[dict]:
    """The next messages of a batch's stream, heartbeats passed over."""
    while count:
        for message in await watcher.batch() or ():
            count -= 1
            yield orjson.loads(message.body)


async def hinted(run: Run) -> None:
    """What an executor does in a process that has one."""
    await in_database(run.refresh_from_db)
    await hints.tell(run.uid.hex, run.last_seq)


async def test_its_state_stream_tells_each_change_once_and_ends(alice):
    batch = await in_database(lambda: batches.start(alice, "exercise_program", [ROW] * 2, 2))
    first, second = await in_database(lambda: list(batches.rows(batch, alice)))
    watcher = BatchWatcher(batch, Identity(alice, Credential(None, None, None)))
    try:
        (opening,) = [message async for message in messages(watcher, 1)]
        assert opening["event"] == "batch"
        assert [run["id"] for run in opening["data"]["runs"]] == [str(first.uid), str(second.uid)]
        await in_database(lambda: runs.cancel(alice, first.uid))
        await hinted(first)
        (change,) = [message async for message in messages(watcher, 1)]
        assert (change["event"], change["data"]["id"], change["data"]["status"]) == ("run", str(first.uid), "cancelled")
        assert not {"input", "result"} & set(change["data"])
        assert change["batch"]["counts"] == {"cancelled": 1, "queued": 1}
        again = await in_database(lambda: runs.retry(alice, first.uid))
        (change,) = [message async for message in messages(watcher, 1)]
        assert change["data"]["id"] == str(again.uid)
        await in_database(lambda: runs.cancel(alice, again.uid))
        await hinted(again)
        (change,) = [message async for message in messages(watcher, 1)]
        await in_database(lambda: runs.cancel(alice, second.uid))
        await hinted(second)
        change, ending = [message async for message in messages(watcher, 2)]
        assert (change["event"], ending["event"]) == ("run", "batch_complete")
        assert ending["data"]["status"] == "cancelled"
        assert await watcher.batch() is None
    finally:
        await watcher.leave()


@pytest.mark.usefixtures("library")
async def test_the_rows_take_their_turns_in_their_order(alice):
    async with executing():
        batch = await in_database(lambda: batches.start(alice, "exercise_program", [ROW] * 6, 1))

        async def over() -> bool:
            return not await in_database(lambda: Run.objects.filter(batch=batch, finished_at=None).exists())

        await eventually(over, within_s=60)
    begun = await in_database(lambda: list(Run.objects.order_by("started_at").values_list("row", flat=True)))
    assert begun == list(range(6))
