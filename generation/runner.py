"""The work column: one attempt at one run, from its claim to its ending.

A claim takes the run's next epoch and a lease by the database's clock. Whoever holds the epoch appends; when it is
lost, the log refuses. An attempt ends in exactly one of six ways, and only the first three are terminal:
succeeded, failed, cancelled; paused, released (the process shuts down) and lost (another worker has it).
"""

import asyncio
import contextlib
import time
import uuid
from datetime import timedelta
from enum import Enum, auto
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from generation import events, programs, run_metrics, scoring
from generation.database import in_database
from generation.errors import HepError, LeaseLost, LogClosed, ModelRejected, Paused, ServerError
from generation.events import Change, Line, Log
from generation.fields import CannotOpen
from generation.handle import Handle
from generation.models import Batch, Run, Step
from generation.models.runs import HELD, Status
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers import choose, configured
from generation.reconciler import abandon, give_up, release
from generation.run_metrics import now_ms
from generation.traces import where
from metrics.models import Forecast

logger = structlog.get_logger(__name__)


class Stop(Enum):
    """Why an attempt's task was cancelled: the three meanings of CancelledError."""

    USER = auto()
    SHUTDOWN = auto()
    LEASE_LOST = auto()


def lease_end() -> Any:
    return Now() + timedelta(seconds=settings.RUN_LEASE_S)


def claim(run_pk: int, holder: uuid.UUID) -> Run | None:
    """Take a queued run: next epoch, next attempt, a lease. None if somebody else was first, or its batch is full."""
    with transaction.atomic():
        if not batch_has_room(run_pk):
            return None
        won = Run.objects.filter(pk=run_pk, status=Status.QUEUED).update(
            status=Status.RUNNING,
            epoch=F("epoch") + 1,
            attempt=F("attempt") + 1,
            holder=holder,
            lease_until=lease_end(),
            started_at=Coalesce("started_at", Now()),
        )
        if not won:
            return None
        run = Run.objects.get(pk=run_pk)
        run.last_seq, _ = events.head(run_pk)
        return run


def batch_has_room(run_pk: int) -> bool:
    """Whether another run of this one's batch may be held; stays true until the caller's transaction ends."""
    batch = Batch.objects.filter(runs=run_pk).select_for_update(of=("self",), no_key=True).first()
    return batch is None or Run.objects.filter(batch=batch, status__in=HELD).count() < batch.max_parallel


class Attempt:
    """One attempt at one run, and the handle by which its executor stops it."""

    def __init__(self, run_pk: int, holder: uuid.UUID) -> None:
        self.run_pk = run_pk
        self.holder = holder
        self.why: Stop | None = None
        self.ending = False
        self.task: asyncio.Task[None] | None = None
        self.run: Run | None = None
        self.handle: Handle | None = None
        self.cancelling_told = False
        self.resumption_told = False
        self.pause_wanted_by = ""
        # Whether a call to a model was open when the user's cancel arrived.
        self.was_asking = False

    def pause(self, by: str) -> None:
        """Rest at the next step border; with nobody's name, don't."""
        self.pause_wanted_by = by
        if self.handle is not None:
            self.handle.pause_wanted_by = by

    def stop(self, why: Stop, by: str = "") -> None:
        """Stop working for this reason. Once the ending is being written there is nothing left to stop."""
        if self.task is not None and self.why is None and not self.ending:
            self.why = why
            self.was_asking = self.handle is not None and self.handle.calls.open is not None
            self.task.cancel()
            if why is Stop.USER and self.handle is not None and not self.handle.log.closed:
                # Said at once: closing what is open upstream may take its time.
                self.handle.emit("cancelling", by=by)
                self.cancelling_told = True

    async def execute(self) -> None:
        # Shielded, so that a claim that has won always comes back to be worked on or released.
        claiming = asyncio.ensure_future(in_database(lambda: self.take()))
        try:
            handle = self.handle = await asyncio.shield(claiming)
        except asyncio.CancelledError:
            handle = await claiming
            if handle is not None:
                await self.stopped(handle)
            return
        if handle is None:
            return
        # Somebody may have asked while it was claimed.
        handle.pause_wanted_by = self.pause_wanted_by
        structlog.contextvars.bind_contextvars(run=handle.id, attempt=handle.run.attempt)
        try:
            if handle.run.attempt > 1 and not self.resumption_told:
                stage = handle.run.stage or handle.stages[0]
                handle.emit("resumed", by="server", attempt=handle.run.attempt, from_stage=stage)
            result = await PIPELINES[handle.run.kind].execute(handle)
            self.ending = True
            await succeed(handle, result)
        except asyncio.CancelledError:
            await self.stopped(handle)
        except Paused:
            logger.info("attempt_paused")
        except (LeaseLost, LogClosed):
            # Another worker has the run, or nothing could be written; the epoch decides whether it is still ours.
            logger.warning("attempt_lost")
            await in_database(lambda: abandon(handle.run))
        except HepError as error:
            self.ending = True
            await fail(handle, error)
        except Exception as error:
            self.ending = True
            logger.error("attempt_failed", error=type(error).__name__, at=where(error))
            await fail(handle, ServerError())

    def take(self) -> Handle | None:
        run = claim(self.run_pk, self.holder)
        if run is None:
            return None
        self.run = run
        try:
            self.resumption_told = events.resumption_told(run)
            steps = {step.name: step.result for step in Step.objects.filter(run=run)}
            log = Log(run.pk, str(run.uid), run.epoch, run.last_seq)
            if run.engine not in configured():
                # It was taken away since; the run asked for it and nothing else.
                give_up(run, run.epoch, ModelRejected("No model is configured on this server."))
                return None
            provider = choose("composer" if "fallback" in steps else run.engine, run.kind)
            return Handle(run, log, provider, stage_codes(PIPELINES[run.kind]), steps)
        except CannotOpen:
            # Sealed with a key that is gone: no attempt could do better.
            logger.error("run_unreadable", run=str(run.uid))
            give_up(run, run.epoch, ServerError())
            return None

    async def stopped(self, handle: Handle) -> None:
        """Act on the reason for which the task was cancelled."""
        self.ending = True
        if self.why is Stop.USER:
            await cancelled(handle, self.cancelling_told, self.was_asking)
        elif self.why is Stop.LEASE_LOST:
            logger.warning("attempt_lost")
        else:
            # What was appended on the way out, such as what a call cost, goes before the epoch does.
            with contextlib.suppress(LeaseLost, LogClosed):
                await handle.log.commit(change=lambda seq: True)
            record_stage = handle.recording("paused", now_ms())
            await in_database(lambda: release(handle.run, record_stage))


async def end(handle: Handle, change: Change, *lines: Line) -> None:
    """Write an ending, whatever happens to the task meanwhile."""
    try:
        await asyncio.shield(asyncio.ensure_future(handle.log.commit(*lines, change=change)))
    except (LeaseLost, LogClosed):
        logger.warning("ending_refused")


def ending(handle: Handle, status: Status, last: Line, **fields: Any) -> Change:
    """The row's side of an ending, whose last line is given: it wins only if this epoch still holds a live run.

    A run that was asked to cancel may still succeed or fail, when it got there first.
    """
    # The metrics know these three by the names of the states.
    record_stage = handle.recording(status.value, last.ts_ms)
    author = handle.provider.name, handle.provider.model
    seen = handle.first_event_ms, handle.first_item_ms

    def change(seq: int) -> bool:
        row = Run.objects.filter(pk=handle.run.pk, epoch=handle.log.epoch, status__in=HELD)
        left = {"holder": None, "lease_until": None, "pause_requested_by": ""}
        won = row.update(status=status, last_seq=seq, finished_at=Now(), **left, **fields)
        if won and status != Status.SUCCEEDED:
            programs.discard(handle.run)
        if won:
            record_stage()
            run_metrics.keep(handle.run, status, last.ts_ms, author, seen)
        return won == 1

    return change


async def succeed(handle: Handle, result: dict[str, Any]) -> None:
    run = handle.run
    forecasts = await shown(handle)
    sealed = Run._meta.get_field("result").sealed(result, run)
    data = {
        "run_id": handle.id,
        "result_url": f"/api/runs/{handle.id}/result",
        "page_url": f"/runs/{handle.id}/",
        "quality_score": run.quality_score,
        "total_cost_usd": float(run.cost_usd),
        "duration_ms": since(run),
    }
    complete = Line("complete", data)
    author = {"provider": handle.provider.name[:40], "model": handle.provider.model[:80]}
    ended = ending(handle, Status.SUCCEEDED, complete, result=sealed, progress=100, **author)

    def change(seq: int) -> bool:
        won = ended(seq)
        if won:
            scoring.keep(forecasts, since(run))
        return won

    await end(handle, change, complete)


async def shown(handle: Handle) -> list[Forecast]:
    """The forecasts to be kept of a run that succeeds; none where they can't be read, for that is no reason to fail.

    Nor any where the composer took over: they were made for a model.
    """
    provider = handle.provider
    if handle.course.by_rule:
        return []
    try:
        return await in_database(lambda: scoring.shown(handle.run, provider.name, provider.model))
    except (DatabaseError, CannotOpen) as error:
        logger.warning("forecasts_not_read", error=type(error).__name__)
        return []


async def fail(handle: Handle, error: HepError) -> None:
    stage = handle.current.code if handle.current else handle.run.stage or None
    handle.run.error = error.event(stage)
    failed = Line("error", handle.run.error)
    await end(handle, ending(handle, Status.FAILED, failed, error=handle.run.error), failed)


async def cancelled(handle: Handle, cancelling_told: bool, was_asking: bool) -> None:
    fields = ("cancelled_by", "cancel_reason", "cancel_requested_at")
    asked = await in_database(lambda: Run.objects.only(*fields).get(pk=handle.run.pk))
    lines = [] if cancelling_told else [Line("cancelling", {"by": asked.cancelled_by})]
    closed_ms = None
    if was_asking and handle.calls.closed_at_ms is not None and asked.cancel_requested_at is not None:
        # The request is timed by the database's clock, which may differ from ours by a little.
        closed_ms = max(0, handle.calls.closed_at_ms - round(asked.cancel_requested_at.timestamp() * 1000))
    handle.run.cancel_requested_at = asked.cancel_requested_at
    last = Line("cancelled", asked.cancellation(closed_ms))
    await end(handle, ending(handle, Status.CANCELLED, last), *lines, last)


def since(run: Run) -> int:
    return time.time_ns() // 1_000_000 - round(run.created_at.timestamp() * 1000)
