"""DELETE: the run, its log and its result go; its metrics and a line in the audit stay."""

import asyncio
import uuid

import pytest

from generation import audit, retention, runs
from generation.database import in_database
from generation.feed import feed
from generation.models import AuditEntry, Event, Program, Run, Step
from generation.models.runs import Status
from generation.views import runs as views
from generation.wire import TERMINAL
from metrics.models import GenerationMetric
from tests.generation.executing import executing, start, until
from tests.generation.factories import make_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("library")
async def test_an_ended_run_goes_with_all_that_is_its_own(alice, api):
    async with executing():
        run = await start(alice)
        await until(run, *TERMINAL)
    answer = await in_database(lambda: api("alice").delete(f"/api/runs/{run.uid}"))
    assert answer.status_code == 204

    def left() -> tuple[int, ...]:
        assert api("alice").get(f"/api/runs/{run.uid}").status_code == 404
        assert api("alice").delete(f"/api/runs/{run.uid}").status_code == 404
        return tuple(model.objects.count() for model in (Run, Event, Step, Program))

    assert await in_database(left) == (0, 0, 0, 0)
    assert await in_database(lambda: GenerationMetric.objects.filter(run_id=run.uid).count()) == 6
    entry = await in_database(lambda: AuditEntry.objects.get(action="delete", object_kind="run"))
    assert (entry.actor_name, entry.action, entry.object_id) == ("alice", "delete", run.uid)
    assert entry.facts == {"kind": "exercise_program", "status": "succeeded"}


@pytest.mark.usefixtures("library")
async def test_a_live_run_is_cancelled_first(alice, api, settings):
    settings.COMPOSER_PACE_S = 60
    async with executing():
        run = await start(alice)
        await until(run, "progress")
        answer = await in_database(lambda: api("alice").delete(f"/api/runs/{run.uid}"))
    assert answer.status_code == 204
    assert await in_database(lambda: Run.objects.count()) == 0
    assert await in_database(lambda: GenerationMetric.objects.filter(run_id=run.uid, outcome="cancelled").exists())


def test_a_run_whose_worker_does_not_stop_in_time_goes_later(alice, api, monkeypatch):
    monkeypatch.setattr(views, "DELETE_WAIT_S", 0.1)
    run = make_run(alice, status=Status.RUNNING, holder=uuid.uuid4())
    assert api("alice").delete(f"/api/runs/{run.uid}").status_code == 202
    assert api("alice").get(f"/api/runs/{run.uid}").json()["status"] == "cancelling"
    Run.objects.update(status=Status.CANCELLED, holder=None)
    retention.erase_requested()
    assert not Run.objects.exists()


def test_a_strangers_run_stays(alice, api):
    run = make_run(alice, status=Status.SUCCEEDED)
    assert api("charlie").delete(f"/api/runs/{run.uid}").status_code == 404
    assert api(None).delete(f"/api/runs/{run.uid}").status_code == 401
    assert Run.objects.filter(pk=run.pk, delete_requested_by="").exists()


def test_a_retry_of_a_deleted_run_keeps_its_own_life(alice):
    ended = make_run(alice, status=Status.FAILED)
    again = runs.retry(alice, ended.uid)
    runs.delete(alice, ended.uid)
    again.refresh_from_db()
    assert again.parent is None


def test_deleting_does_not_give_a_start_back(alice, api, settings):
    settings.MAX_STARTS_PER_MINUTE = 1
    run = runs.start(alice, "exercise_program", {"prompt": "x" * 20})
    assert api("alice").delete(f"/api/runs/{run.uid}").status_code == 204
    body = {"kind": "exercise_program", "input": {"prompt": "x" * 20}}
    answer = api("alice").post("/api/runs", body, format="json")
    assert answer.json()["error"]["code"] == "RATE_LIMITED"
    assert 1 <= int(answer["Retry-After"]) <= 60


def test_an_audit_entry_can_not_be_changed(alice):
    runs.delete(alice, make_run(alice, status=Status.FAILED).uid)
    entry = AuditEntry.objects.get()
    with pytest.raises(TypeError):
        entry.save()
    with pytest.raises(TypeError):
        entry.delete()
    entry.facts = {}
    for change in (
        lambda: AuditEntry.objects.all().delete(),
        lambda: AuditEntry.objects.update(facts={}),
        lambda: AuditEntry.objects.filter(pk=entry.pk).update(facts={}),
        lambda: AuditEntry.objects.bulk_update([entry], ["facts"]),
    ):
        with pytest.raises(TypeError):
            change()
    assert AuditEntry.objects.get().facts != {}


def test_an_audit_entry_outlives_the_account_with_its_name(charlie):
    audit.record("charlie", AuditEntry.Action.SEARCH)
    charlie.delete()
    entry = AuditEntry.objects.get()
    assert (entry.actor, entry.actor_name) == (None, "charlie")


async def test_whoever_follows_a_run_that_is_deleted_is_told_of_its_end(alice, api):
    run = await start(alice)
    async with await feed().follow(run, 1) as watcher:
        deleting = asyncio.ensure_future(in_database(lambda: api("alice").delete(f"/api/runs/{run.uid}")))
        async with asyncio.timeout(30):
            (frame,) = await watcher.batch()
        assert frame.name == "cancelled"
        assert (await deleting).status_code == 204


async def test_a_log_that_is_gone_ends_its_streams(alice):
    run = await in_database(lambda: make_run(alice))
    async with await feed().follow(run, 0) as watcher:
        await in_database(lambda: Run.objects.filter(pk=run.pk).delete())
        async with asyncio.timeout(30):
            assert await watcher.batch() is None
