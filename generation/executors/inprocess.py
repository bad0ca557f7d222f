"""Runs are tasks on the server's own loop. No set-up; SQLite or PostgreSQL."""

import asyncio
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings

from generation import events
from generation.database import in_database
from generation.executors.lock import ExecutorLock
from generation.models import Run
from generation.models.runs import HELD, Status
from generation.runner import Attempt, Stop, lease_end, reconcile

logger = structlog.get_logger(__name__)

DRAIN_S = 8.0
LOOK_EVERY_S = 1.0
RECONCILE_EVERY_S = 5.0


class InProcessExecutor:
    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.attempts: dict[int, Attempt] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.keeper: asyncio.Task[None] | None = None
        self.draining = False
        self.lock = ExecutorLock(Path(settings.DATABASES["default"]["NAME"])) if settings.SQLITE else None
        self.renewed = 0.0

    async def start(self) -> None:
        if self.loop is not None:
            return
        if self.lock is not None:
            self.lock.take()
        self.loop = asyncio.get_running_loop()
        self.renewed = self.loop.time()
        # Whoever holds the lock on a SQLite file is its only executor: every lease on it is a dead process's.
        abandoned: Callable[[Any], Any] | None = (lambda held: held.exclude(holder=self.id)) if self.lock else None
        await in_database(lambda: reconcile(abandoned))
        await self.take_queued()
        self.keeper = asyncio.create_task(self.keep())

    async def drain(self) -> None:
        self.draining = True
        if self.keeper is not None:
            self.keeper.cancel()
        tasks = [attempt.task for attempt in self.attempts.values() if attempt.task is not None]
        self.stop_all(Stop.SHUTDOWN)
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_S)
        await events.writer().flush()
        if self.lock is not None:
            self.lock.release()

    def submit(self, run_pk: int) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.admit, run_pk)

    def cancel(self, run_pk: int, run_hex: str, last_seq: int) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.cancel_here, run_pk, run_hex, last_seq)

    def health(self) -> dict[str, Any]:
        return {"running": self.loop is not None and not self.draining, "runs": len(self.attempts)}

    def admit(self, run_pk: int) -> None:
        full = len(self.attempts) >= settings.MAX_CONCURRENT_RUNS
        if self.draining or full or run_pk in self.attempts:
            return
        assert self.loop is not None
        attempt = self.attempts[run_pk] = Attempt(run_pk, self.id)
        attempt.task = self.loop.create_task(attempt.execute())
        attempt.task.add_done_callback(lambda task: self.ended(run_pk, task))

    def ended(self, run_pk: int, task: "asyncio.Task[None]") -> None:
        del self.attempts[run_pk]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("attempt_broke", error=type(error).__name__)

    def cancel_here(self, run_pk: int, run_hex: str, last_seq: int) -> None:
        if (attempt := self.attempts.get(run_pk)) is not None:
            attempt.stop(Stop.USER)
        # If it was cancelled while it was queued, nobody else tells its readers.
        assert self.loop is not None
        task = self.loop.create_task(events.announce(run_hex, last_seq))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def keep(self) -> None:
        """Look after what is held and what waits, until the process ends."""
        assert self.loop is not None
        look_every = min(LOOK_EVERY_S, settings.RUN_LEASE_S / 5)
        reconciled = self.loop.time()
        while True:
            await asyncio.sleep(look_every)
            try:
                await self.look_at_held()
                await self.take_queued()
                if self.loop.time() - reconciled >= RECONCILE_EVERY_S:
                    reconciled = self.loop.time()
                    for run in await in_database(reconcile):
                        await events.announce(run.uid.hex, run.last_seq)
            except Exception as error:
                logger.warning("executor_interrupted", error=type(error).__name__)
                if self.loop.time() - self.renewed > settings.RUN_LEASE_S:
                    # Nothing could be renewed for a whole lease: others may have these runs by now.
                    self.stop_all(Stop.LEASE_LOST)

    async def look_at_held(self) -> None:
        """Renew the leases, and learn which runs were asked to cancel or were taken over."""
        assert self.loop is not None
        if not self.attempts:
            self.renewed = self.loop.time()
            return
        renew = self.loop.time() - self.renewed >= settings.RUN_LEASE_S / 5
        asked_at = self.loop.time()
        held = await in_database(lambda: self.held(renew))
        if renew:
            self.renewed = asked_at
        for run_pk, attempt in list(self.attempts.items()):
            if attempt.run is None:
                continue
            epoch, status = held.get(run_pk, (None, None))
            if epoch != attempt.run.epoch:
                attempt.stop(Stop.LEASE_LOST)
            elif status == Status.CANCELLING:
                attempt.stop(Stop.USER)

    def held(self, renew: bool) -> dict[int, tuple[int, str]]:
        # Only what is worked on: a run whose attempt broke off must run out of its lease, not be kept by us.
        mine = Run.objects.filter(pk__in=list(self.attempts), holder=self.id, status__in=HELD)
        if renew:
            mine.update(lease_until=lease_end())
        return {pk: (epoch, status) for pk, epoch, status in mine.values_list("pk", "epoch", "status")}

    async def take_queued(self) -> None:
        free = settings.MAX_CONCURRENT_RUNS - len(self.attempts)
        if free <= 0:
            return
        queued = Run.objects.filter(status=Status.QUEUED).order_by("created_at", "pk")
        for run_pk in await in_database(lambda: list(queued.values_list("pk", flat=True)[:free])):
            self.admit(run_pk)

    def stop_all(self, why: Stop) -> None:
        for attempt in list(self.attempts.values()):
            attempt.stop(why)
