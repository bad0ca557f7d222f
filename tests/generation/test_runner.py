"""One attempt after another at a run: steps are done once, stages are told once, time is recorded."""

import asyncio
import uuid

import pytest
from django.db import transaction

from generation import reconciler, runner, runs
from generation.clinical import red_flags
from generation.database import in_database
from generation.executors import executor
from generation.models import Event, Program, Run, Step
from generation.models.runs import Status
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.wire import TERMINAL
from metrics import estimator
from metrics.models import GenerationMetric
from tests.generation.executing import executing, log_of, start, start_to_item, status_of, until
from tests.generation.factories import CASE
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library")]


async def test_a_run_ends_with_row_and_log_in_agreement(alice):
    async with executing():
        run = await start(alice)
        log = await until(run, *TERMINAL)
    await in_database(run.refresh_from_db)
    assert (run.status, run.progress, run.stage) == (Status.SUCCEEDED, 100, "complete")
    assert (run.last_seq, run.holder, run.attempt) == (len(log), None, 1)
    items = [event["data"]["value"] for event in log if event["event"] == "item"]
    assert run.result["program"]["items"] == items


async def test_progress_never_falls(alice):
    async with executing():
        log = await until(await start(alice), *TERMINAL)
    told = [event["data"]["progress"] for event in log if event["event"] == "progress"]
    assert told == sorted(told)


async def test_each_stage_is_timed_once(alice):
    async with executing():
        run = await start(alice)
        await until(run, *TERMINAL)
    kept = await in_database(lambda: list(GenerationMetric.objects.filter(run_id=run.uid)))
    assert {metric.stage for metric in kept} == set(stage_codes(PIPELINES["exercise_program"]))
    assert len(kept) == 6
    assert {(metric.outcome, metric.provider, metric.kind) for metric in kept} == {
        ("succeeded", "composer", "exercise_program")
    }


async def all_learned() -> bool:
    return not await GenerationMetric.objects.filter(learned=None).aexists()


async def test_after_five_runs_the_estimate_is_history(alice, settings):
    settings.MAX_STARTS_PER_MINUTE = 100
    async with executing():
        for _ in range(5):
            await until(await start(alice), *TERMINAL)
        await eventually(all_learned)
        estimator.forget()
        log = await until(await start(alice), *TERMINAL)
    assert log[0]["data"]["eta"]["basis"] == "history"


async def test_a_shutdown_gives_the_run_back_and_the_next_process_goes_on(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await start_to_item(alice)
    await in_database(run.refresh_from_db)
    assert (run.status, run.holder, run.lease_until) == (Status.QUEUED, None, None)
    settings.COMPOSER_PACE_S = 0
    async with executing():
        log = await until(run, *TERMINAL)
    await in_database(run.refresh_from_db)
    assert (run.status, run.attempt) == (Status.SUCCEEDED, 2)
    assert [event["event"] for event in log].count("resumed") == 1
    indexes = [event["data"]["index"] for event in log if event["event"] == "item"]
    assert indexes == list(range(len(indexes)))
    completed = [event["data"]["stage"] for event in log if event["event"] == "stage_complete"]
    assert len(completed) == len(set(completed)) == 6


async def test_the_program_is_kept_once_whatever_happens(alice, settings):
    async with executing():
        run = await start(alice)
        log = await until(run, *TERMINAL)
    stored = next(event["seq"] for event in log if event["data"].get("stage") == "storing")
    # As if the process had died before it could tell that it had stored the program.
    row = Run.objects.filter(pk=run.pk)
    await in_database(lambda: row.update(status=Status.QUEUED, holder=None, stage="validating", progress=70))
    await in_database(lambda: Event.objects.filter(run=run, seq__gte=stored).delete())
    await in_database(lambda: Step.objects.filter(run=run, name__in=("stage:storing", "stage:complete")).delete())

    async def succeeded() -> bool:
        return await status_of(run) == Status.SUCCEEDED

    async with executing():
        await eventually(succeeded)
    assert await in_database(lambda: Program.objects.filter(run=run).count()) == 1


async def test_a_pipeline_that_breaks_ends_in_words_that_tell_nothing(alice, monkeypatch, caplog):
    def broken(*_):
        raise ValueError(f"could not parse {CASE}")

    monkeypatch.setattr(red_flags, "screen", broken)
    async with executing():
        run = await start(alice)
        log = await until(run, *TERMINAL)
    assert log[-1]["data"] == {
        "code": "SERVER_ERROR",
        "message": "Something went wrong on our side.",
        "retryable": True,
        "stage": "started",
    }
    await in_database(run.refresh_from_db)
    assert (run.status, run.error["code"]) == (Status.FAILED, "SERVER_ERROR")
    assert CASE not in caplog.text
    metric = await in_database(lambda: GenerationMetric.objects.get(run_id=run.uid))
    assert (metric.stage, metric.outcome) == ("started", "failed")


async def test_a_cancelled_run_says_who_and_where(alice, settings):
    settings.COMPOSER_PACE_S = 5
    async with executing():
        run = await start(alice)
        await until(run, "stage_complete")
        await in_database(lambda: runs.cancel(alice, run.uid))
        log = await until(run, "cancelled")
    assert [event["event"] for event in log[-2:]] == ["cancelling", "cancelled"]
    assert log[-1]["data"] == {"by": "alice", "reason": "user", "upstream_closed_ms": None}


async def test_a_cancel_without_a_hint_is_seen_all_the_same(alice, settings, monkeypatch):
    settings.COMPOSER_PACE_S = 30
    async with executing():
        run = await start(alice)
        await until(run, "stage_complete")
        monkeypatch.setattr(type(executor()), "cancel", lambda *_: None)
        await in_database(lambda: runs.cancel(alice, run.uid))
        await asyncio.wait_for(until(run, "cancelled"), 5)


async def test_a_run_submitted_by_another_process_is_found(alice, monkeypatch):
    async with executing():
        monkeypatch.setattr(type(executor()), "submit", lambda *_: None)
        await until(await start(alice), "complete")


async def test_a_worker_whose_lease_was_taken_stops_and_writes_nothing(alice, settings):
    settings.COMPOSER_PACE_S = 0.5
    async with executing():
        run = await start(alice)
        log = await until(run, "item")

        def take_over() -> None:
            Run.objects.filter(pk=run.pk).update(lease_until=run.created_at)
            with transaction.atomic():
                reconciler.reconcile()
                assert runner.claim(run.pk, uuid.uuid4())

        await in_database(take_over)
        seen = len(await log_of(run))

        async def idle() -> bool:
            return not executor().health()["runs"]

        await eventually(idle)
        assert len(await log_of(run)) == seen >= len(log)
