"""Logs of runs that ended long ago become their snapshot, and a reader with an older cursor is told so."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from generation import retention
from generation.database import in_database
from generation.errors import CursorExpired
from generation.executors import inprocess
from generation.feed import feed
from generation.models import AuditEntry, Event, IdempotencyKey, Run, Start, Step
from generation.models.runs import Status
from generation.wire import TERMINAL
from tests.generation.executing import executing, start, until
from tests.generation.factories import make_run
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


async def ended(alice, days: int) -> Run:
    """A run that was worked on and ended this many days ago."""
    async with executing():
        run = await start(alice)
        await until(run, *TERMINAL)
    long_ago = timezone.now() - timedelta(days=days)
    await in_database(lambda: Run.objects.filter(pk=run.pk).update(finished_at=long_ago))
    return run


@pytest.mark.usefixtures("library")
async def test_only_runs_that_ended_before_lose_their_log(alice, api):
    old, fresh = await ended(alice, 8), await ended(alice, 6)
    assert await in_database(retention.prune) == 1

    def left() -> None:
        assert not Event.objects.filter(run=old).exists()
        assert not Step.objects.filter(run=old).exists()
        assert Event.objects.filter(run=fresh).exists()
        assert api("alice").get(f"/api/runs/{old.uid}/result").json()["outcome"] == "program"
        entry = AuditEntry.objects.get(action="prune")
        assert (entry.actor_name, entry.action, entry.facts["runs"]) == ("server", "prune", 1)

    await in_database(left)


@pytest.mark.usefixtures("library")
async def test_a_cursor_before_the_end_has_expired_and_one_at_the_end_has_not(alice):
    run = await ended(alice, 8)
    await in_database(retention.prune)
    await in_database(run.refresh_from_db)
    async with await feed().follow(run, 0) as watcher:
        assert not watcher.at_end
        with pytest.raises(CursorExpired):
            await watcher.require_kept()
    async with await feed().follow(run, run.last_seq) as watcher:
        assert watcher.at_end


def test_a_live_run_keeps_its_log_however_old(alice):
    run = make_run(alice, status=Status.PAUSED)
    Event.objects.create(run=run, seq=1, name="paused", ts_ms=0, data={})
    assert retention.prune(days=0) == 0


def test_the_command_says_what_it_did_and_who_asked(alice):
    out = io.StringIO()
    run = make_run(alice, status=Status.FAILED, finished_at=timezone.now() - timedelta(days=3))
    Event.objects.create(run=run, seq=1, name="error", ts_ms=0, data={})
    call_command("prune", "--days", "2", stdout=out)
    assert "1 run" in out.getvalue()
    assert AuditEntry.objects.get().actor_name == "operator"
    call_command("prune", "--days", "2", stdout=out)
    assert AuditEntry.objects.count() == 1


@pytest.mark.usefixtures("library")
async def test_the_executor_prunes_by_itself(alice, monkeypatch):
    run = await ended(alice, 8)
    monkeypatch.setattr(inprocess, "FIRST_PRUNE_S", 0.0)

    async def pruned() -> bool:
        return not await in_database(lambda: Event.objects.filter(run=run).exists())

    async with executing():
        await eventually(pruned)


def test_what_is_remembered_of_requests_goes_when_it_no_longer_counts(alice):
    run, long_ago = make_run(alice), timezone.now() - timedelta(hours=25)
    IdempotencyKey.objects.create(user=alice, key="old", body_mac=b"1", run=run, created_at=long_ago)
    IdempotencyKey.objects.create(user=alice, key="new", body_mac=b"1", run=run, created_at=timezone.now())
    Start.objects.create(user=alice, at=long_ago)
    Start.objects.create(user=alice, at=timezone.now())
    retention.prune()
    assert IdempotencyKey.objects.get().key == "new"
    assert Start.objects.count() == 1
