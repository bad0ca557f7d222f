"""A worker that is gone: what becomes of its runs, and that only one successor gets them."""

import asyncio
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any, TypeVar

import pytest
from django.db import connection
from django.utils import timezone

from generation import events, reconciler, runner, runs
from generation.database import in_database
from generation.executors.inprocess import InProcessExecutor
from generation.models import Run, Step
from generation.models.runs import Status
from tests.generation.factories import make_run
from tests.support.fold import FIELDS, assert_agree

pytestmark = pytest.mark.django_db(transaction=True)

T = TypeVar("T")
AT_ONCE = 5


def queued_run(owner: Any, **fields: Any) -> Run:
    """A run as `runs.start` leaves it, without the hint to an executor."""
    run = make_run(owner, last_seq=1, **fields)
    events.append_unheld(Run(pk=run.pk), ("queued", {"position": 1, "eta": None}))
    return run


def held_run(owner: Any, lease_s: float = -1, **fields: Any) -> Run:
    """A run that somebody claimed, whose lease ends in `lease_s` seconds."""
    run = runner.claim(queued_run(owner, **fields).pk, uuid.uuid4())
    assert run is not None
    expire(run, lease_s)
    return run


def expire(run: Run, lease_s: float = -1) -> None:
    Run.objects.filter(pk=run.pk).update(lease_until=timezone.now() + timedelta(seconds=lease_s))


def store_step(run: Run, name: str) -> None:
    Step.objects.create(run=run, name=name, epoch=run.epoch, result={})


def log_of(run: Run) -> list[dict[str, Any]]:
    return [frame.envelope for frame in events.read(run.pk, str(run.uid), 0)]


def assert_ended(run: Run) -> Run:
    run.refresh_from_db()
    assert_agree({name: getattr(run, name) for name in FIELDS}, log_of(run))
    assert (run.holder, run.lease_until) == (None, None)
    assert run.finished_at is not None
    return run


def together(work: Callable[[], T], times: int = AT_ONCE) -> list[T]:
    """Do the same on several threads at once, each with a connection of its own."""
    ready = Barrier(times)

    def one() -> T:
        try:
            ready.wait(10)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        return [doing.result(30) for doing in [threads.submit(one) for _ in range(times)]]


def test_an_expired_lease_puts_the_run_back_in_the_queue(alice):
    run = held_run(alice)
    assert [settled.pk for settled in reconciler.reconcile()] == [run.pk]
    epoch = run.epoch
    run.refresh_from_db()
    assert (run.status, run.holder, run.lease_until, run.stalled_attempts) == (Status.QUEUED, None, None, 1)
    assert run.epoch == epoch + 1
    # Nothing is said of it yet: the next worker does that, when it goes on.
    assert [event["event"] for event in log_of(run)] == ["queued"]


def test_a_lease_that_runs_is_left_alone(alice):
    run = held_run(alice, lease_s=60)
    assert reconciler.reconcile() == []
    epoch = run.epoch
    run.refresh_from_db()
    assert (run.status, run.epoch) == (Status.RUNNING, epoch)


def test_a_run_asked_to_cancel_is_cancelled_when_its_worker_is_lost(alice):
    run = held_run(alice, lease_s=60)
    runs.cancel(alice, run.uid)
    assert reconciler.reconcile() == []
    expire(run)
    assert [settled.pk for settled in reconciler.reconcile()] == [run.pk]
    assert_ended(run)
    assert run.status == Status.CANCELLED
    assert [(event["event"], event["data"].get("by")) for event in log_of(run)[1:]] == [
        ("cancelling", "alice"),
        ("cancelled", "alice"),
    ]


def test_the_third_attempt_without_a_stored_step_is_the_last(alice):
    run = queued_run(alice)
    for number in range(reconciler.STALLED_ATTEMPTS):
        run.refresh_from_db()
        assert (run.status, run.stalled_attempts) == (Status.QUEUED, number)
        assert runner.claim(run.pk, uuid.uuid4()) is not None
        expire(run)
        reconciler.reconcile()
    assert_ended(run)
    assert (run.status, run.error["code"], run.error["retryable"]) == (Status.FAILED, "WORKER_LOST", True)
    assert runner.claim(run.pk, uuid.uuid4()) is None
    assert reconciler.reconcile() == []


def test_a_step_stored_in_between_begins_the_count_anew(alice):
    run = queued_run(alice)
    counts = []
    for number in range(6):
        held = runner.claim(run.pk, uuid.uuid4())
        assert held is not None
        if number in (1, 4):
            store_step(held, f"step {number}")
        expire(held)
        reconciler.reconcile()
        run.refresh_from_db()
        counts.append(run.stalled_attempts)
    assert counts == [1, 0, 1, 2, 0, 1]
    assert run.status == Status.QUEUED


def test_the_steps_of_a_former_attempt_are_not_counted_as_progress_of_a_later_one(alice):
    run = held_run(alice)
    store_step(run, "early")
    for expected in (0, 1, 2):
        expire(run)
        reconciler.reconcile()
        run.refresh_from_db()
        assert run.stalled_attempts == expected
        runner.claim(run.pk, uuid.uuid4())
    expire(run)
    reconciler.reconcile()
    assert assert_ended(run).status == Status.FAILED


def test_reconciling_on_five_threads_settles_each_run_once(alice):
    requeued = [held_run(alice) for _ in range(3)]
    cancelled = [held_run(alice) for _ in range(3)]
    for run in cancelled:
        runs.cancel(alice, run.uid)
        expire(run)
    failed = [held_run(alice, stalled_attempts=reconciler.STALLED_ATTEMPTS - 1) for _ in range(3)]
    epochs = {run.pk: run.epoch for run in (*requeued, *cancelled, *failed)}

    settled = [run.pk for part in together(reconciler.reconcile) for run in part]
    assert sorted(settled) == sorted(epochs)
    for run in requeued:
        run.refresh_from_db()
        assert (run.status, run.stalled_attempts) == (Status.QUEUED, 1)
    assert {assert_ended(run).status for run in cancelled} == {Status.CANCELLED}
    assert {assert_ended(run).status for run in failed} == {Status.FAILED}
    assert {run.epoch - epochs[run.pk] for run in (*requeued, *cancelled, *failed)} == {1}


def test_of_five_claims_at_once_exactly_one_wins(alice):
    for _ in range(5):
        run = queued_run(alice)
        claims = together(lambda pk=run.pk: runner.claim(pk, uuid.uuid4()))
        [won] = [claim for claim in claims if claim is not None]
        run.refresh_from_db()
        assert (run.status, run.epoch, run.attempt, run.holder) == (Status.RUNNING, 1, 1, won.holder)


async def test_five_attempts_at_one_run_do_its_work_once(alice, library):
    """F25: the same run delivered five times in parallel."""
    run = await in_database(lambda: queued_run(alice))
    attempts = [runner.Attempt(run.pk, uuid.uuid4()) for _ in range(AT_ONCE)]
    await asyncio.wait_for(asyncio.gather(*(attempt.execute() for attempt in attempts)), 30)
    await in_database(lambda: assert_ended(run))
    assert (run.status, run.attempt) == (Status.SUCCEEDED, 1)


def test_a_cancel_and_a_claim_at_once_agree_on_who_was_first(alice):
    for _ in range(5):
        run = queued_run(alice)
        acts = iter([lambda pk=run.pk: runner.claim(pk, uuid.uuid4()), lambda uid=run.uid: runs.cancel(alice, uid)])
        together(lambda acts=acts: next(acts)(), times=2)
        run.refresh_from_db()
        if run.status == Status.CANCELLING:
            expire(run)
            reconciler.reconcile()
        assert assert_ended(run).status == Status.CANCELLED


async def test_a_worker_that_was_lost_and_comes_back_writes_nothing(alice):
    run = await in_database(lambda: held_run(alice))
    stale = events.Log(run.pk, str(run.uid), run.epoch, 1)
    await in_database(reconciler.reconcile)
    next_one = await in_database(lambda: runner.claim(run.pk, uuid.uuid4()))
    assert next_one is not None
    fresh = events.Log(run.pk, str(run.uid), next_one.epoch, next_one.last_seq)
    stale.append("progress", stage="generating")
    await fresh.commit(events.Line("resumed", {"by": "server", "attempt": 2, "from_stage": "started"}))
    with pytest.raises(Exception, match="^$") as refused:
        await stale.commit(events.Line("complete", {}))
    assert refused.type.__name__ in ("LeaseLost", "LogClosed")
    assert [event["event"] for event in await in_database(lambda: log_of(run))] == ["queued", "resumed"]


async def test_a_run_claimed_while_the_leases_are_looked_at_is_not_taken_for_lost(alice, library, monkeypatch):
    executor = InProcessExecutor()
    executor.loop = asyncio.get_running_loop()
    first, second = [await in_database(lambda: queued_run(alice)) for _ in range(2)]
    attempt = executor.attempts[first.pk] = runner.Attempt(first.pk, executor.id)
    await in_database(attempt.take)
    other = executor.attempts[second.pk] = runner.Attempt(second.pk, executor.id)
    stopped: list[runner.Stop] = []
    monkeypatch.setattr(runner.Attempt, "stop", lambda self, why, by="": stopped.append(why))
    seen = executor.held

    def held_then_claimed(run_pks: list[int], renew: bool) -> Any:
        # The answer is on its way to the loop while another thread claims.
        answer = seen(run_pks, renew)
        other.take()
        return answer

    monkeypatch.setattr(executor, "held", held_then_claimed)
    await executor.look_at_held()
    assert stopped == []


async def test_leases_are_renewed_only_for_runs_that_are_worked_on(alice):
    """One that an attempt left behind, say while the database was away, must come to its end by its lease."""
    executor = InProcessExecutor()
    executor.loop = asyncio.get_running_loop()
    executor.renewed = executor.loop.time() - 3600
    worked_on, left_behind = [await in_database(lambda: queued_run(alice)) for _ in range(2)]
    attempt = executor.attempts[worked_on.pk] = runner.Attempt(worked_on.pk, executor.id)
    await in_database(attempt.take)
    await in_database(lambda: runner.claim(left_behind.pk, executor.id))
    for run in (worked_on, left_behind):
        await in_database(lambda run=run: expire(run))
    await executor.look_at_held()
    assert [run.pk for run in await in_database(reconciler.reconcile)] == [left_behind.pk]
