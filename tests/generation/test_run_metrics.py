"""What is kept of a run when it ends: once, in the transaction of its last event, in whichever way it ends."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from generation import reconciler, runner, runs
from generation.clinical import red_flags
from generation.database import in_database
from generation.errors import LogClosed, WorkerLost
from generation.executors import executor
from generation.models import Event, Run
from generation.models.runs import Status
from generation.wire import TERMINAL
from metrics.models import GenerationMetric, RunMetric
from tests.faults.in_process import model_server, run_ended
from tests.generation.executing import executing, start, start_to_item, until
from tests.generation.factories import CASE, held_run, make_run
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library")]


async def end_of(run: Run) -> RunMetric:
    return await in_database(lambda: RunMetric.objects.get(pk=run.uid))


async def test_a_run_that_succeeded_tells_how_long_people_waited(alice, settings, cast):
    settings.COMPOSER_PACE_S = 0.02
    async with executing():
        run = await start(alice)
        log = await until(run, *TERMINAL)
    end = await end_of(run)
    assert (end.outcome, end.attempts, end.provider, end.model) == ("succeeded", 1, "composer", "rules-1")
    assert (end.clinic_id, end.error_code, end.cancel_ms) == (uuid.UUID(cast["alice"].clinic_id), "", None)
    at = {event["event"]: event["ts"] for event in reversed(log)}
    assert at["progress"] < at["item"] < at["complete"]
    assert 0 <= end.first_event_ms < end.first_item_ms < end.duration_ms


async def test_a_run_that_a_model_wrote_is_kept_with_its_tokens_and_cost(alice):
    async with model_server("good") as server:
        ended = await run_ended(alice, server)
    end = await end_of(ended.run)
    assert (end.provider, end.model) == (ended.run.provider, "good")
    assert (end.input_tokens, end.output_tokens) == (ended.run.input_tokens, ended.run.output_tokens)
    assert end.cost_usd == ended.run.cost_usd > 0


async def test_a_run_that_failed_says_with_which_error(alice, monkeypatch):
    def broken(*_):
        raise ValueError

    monkeypatch.setattr(red_flags, "screen", broken)
    async with executing():
        run = await start(alice)
        await until(run, *TERMINAL)
    end = await end_of(run)
    assert (end.outcome, end.error_code, end.first_item_ms) == ("failed", "SERVER_ERROR", None)
    assert end.first_event_ms is not None


async def test_a_cancelled_run_says_how_long_the_cancel_took(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await start_to_item(alice)
        await in_database(lambda: runs.cancel(alice, run.uid))
        await until(run, "cancelled")
    end = await end_of(run)
    assert end.outcome == "cancelled"
    assert 0 <= end.cancel_ms < end.duration_ms
    assert end.first_item_ms < end.duration_ms


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PAUSED])
def test_a_run_that_nobody_holds_is_kept_when_it_is_cancelled(alice, status):
    run = make_run(alice, status=status, attempt=1, provider="a.host", model="m", input_tokens=5)
    Event.objects.create(run=run, seq=1, name="progress", ts_ms=round(run.created_at.timestamp() * 1000) + 70, data={})
    runs.cancel(alice, run.uid)
    runs.cancel(alice, run.uid)
    end = RunMetric.objects.get()
    assert (end.run_id, end.outcome, end.cancel_ms, end.provider, end.input_tokens) == (
        run.uid, "cancelled", 0, "a.host", 5,
    )  # fmt: skip
    assert end.first_event_ms == pytest.approx(70, abs=1)


def test_a_run_that_was_deleted_before_anybody_took_it_is_kept(alice):
    run = make_run(alice)
    runs.delete(alice, run.uid)
    Run.objects.filter(pk=run.pk).delete()
    end = RunMetric.objects.get()
    assert (end.run_id, end.outcome, end.attempts, end.first_event_ms) == (run.uid, "cancelled", 0, None)


def test_a_run_cancelled_while_its_worker_was_lost_is_kept(alice):
    run, _ = held_run(alice, attempt=1, lease_until=timezone.now() + timedelta(hours=1))
    runs.cancel(alice, run.uid)
    asked = timezone.now() - timedelta(seconds=9)
    Run.objects.filter(pk=run.pk).update(cancel_requested_at=asked, lease_until=asked)
    reconciler.reconcile()
    end = RunMetric.objects.get()
    assert (end.outcome, end.attempts) == ("cancelled", 1)
    assert end.cancel_ms == pytest.approx(9000, abs=500)


def test_a_run_that_is_given_up_is_kept_once(alice):
    run, _ = held_run(alice, attempt=3, stalled_attempts=reconciler.STALLED_ATTEMPTS - 1)
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    reconciler.reconcile()
    run.refresh_from_db()
    reconciler.give_up(run, run.epoch, WorkerLost())
    end = RunMetric.objects.get()
    assert (end.outcome, end.error_code, end.attempts) == ("failed", "WORKER_LOST", 3)


async def test_a_later_attempt_remembers_when_the_first_one_was_heard(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await start_to_item(alice)
    first = await in_database(lambda: Event.objects.filter(run=run, name="item").earliest("seq"))
    settings.COMPOSER_PACE_S = 0
    async with executing():
        await until(run, *TERMINAL)
    end = await end_of(run)
    assert end.attempts == 2
    assert end.first_item_ms == pytest.approx(first.ts_ms - run.created_at.timestamp() * 1000, abs=1)
    assert end.first_event_ms < end.first_item_ms


async def test_a_shut_down_keeps_the_stage_that_it_cut_off_and_no_end(alice, settings):
    settings.COMPOSER_PACE_S = 0.3
    async with executing():
        run = await start_to_item(alice)

    def kept() -> tuple[list, bool]:
        stage = GenerationMetric.objects.filter(run_id=run.uid, stage="generating")
        return list(stage.values_list("attempt", "outcome")), RunMetric.objects.exists()

    assert await in_database(kept) == ([(1, "paused")], False)


async def test_an_ending_that_is_refused_keeps_nothing(alice):
    handle = await in_database(lambda: runner.Attempt(make_run(alice).pk, uuid.uuid4()).take())
    await in_database(lambda: Run.objects.update(epoch=9))
    await runner.fail(handle, WorkerLost())
    with pytest.raises(LogClosed):
        await handle.log.commit()
    assert not await in_database(RunMetric.objects.exists)


async def test_a_server_with_a_long_name_ends_its_runs(alice):
    handle = await in_database(lambda: runner.Attempt(make_run(alice).pk, uuid.uuid4()).take())
    handle.provider.name, handle.provider.model = f"{'models.' * 12}example", "m" * 100
    await runner.succeed(handle, {"outcome": "program"})
    await in_database(handle.run.refresh_from_db)
    assert (handle.run.status, len(handle.run.provider), len(handle.run.model)) == (Status.SUCCEEDED, 40, 80)


async def test_killed_between_the_end_of_a_stage_and_that_of_the_run_each_row_is_there_once(alice, monkeypatch):
    """The last stage has ended and is stored; the next attempt has only the end left to write."""

    async def killed(handle, result):
        await handle.log.commit(change=lambda seq: True)
        raise LogClosed

    with monkeypatch.context() as patch:
        patch.setattr(runner, "succeed", killed)
        patch.setattr(reconciler, "STALLED_ATTEMPTS", 99)
        async with executing():
            run = await start(alice)

            async def stopped() -> bool:
                stages = await in_database(lambda: GenerationMetric.objects.filter(run_id=run.uid).count())
                return stages == 6 and not executor().health()["runs"]

            await eventually(stopped)
            assert not await in_database(RunMetric.objects.exists)
    everything = lambda held: held  # noqa: E731
    await in_database(lambda: reconciler.reconcile(everything))
    async with executing():
        await until(run, *TERMINAL)

    def kept() -> list:
        return list(GenerationMetric.objects.filter(run_id=run.uid).values_list("attempt", "outcome"))

    assert await in_database(kept) == [(1, "succeeded")] * 6
    assert (await end_of(run)).outcome == "succeeded"
    assert await in_database(RunMetric.objects.count) == 1


@pytest.mark.usefixtures("cast")
async def test_no_row_holds_the_case_the_number_or_a_name(alice):
    prompt, mrn = f"{CASE} Her name is Canary Zephyrine.", "MRN-CANARY-77"
    async with executing():
        await until(await start(alice, prompt=prompt, mrn=mrn), *TERMINAL)
        await in_database(lambda: runs.cancel(alice, make_run(alice, input={"prompt": prompt, "mrn": mrn}).uid))

    def stored() -> str:
        tables = [row._meta.db_table for row in (GenerationMetric, RunMetric)]
        with connection.cursor() as cursor:
            found = []
            for table in tables:
                cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
                found += cursor.fetchall()
        return repr(found).lower()

    text, hashes = await in_database(lambda: (stored(), list(Run.objects.values_list("mrn_hash", flat=True))))
    assert "succeeded" in text
    for secret in ("canary", "zephyrine", "knee", "alice", *filter(None, hashes)):
        assert secret not in text
