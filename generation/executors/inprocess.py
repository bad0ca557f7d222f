"""Runs are tasks on the server's own loop. No set-up; SQLite or PostgreSQL."""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, OuterRef, Q, Subquery, Window
from django.db.models.functions import Coalesce, RowNumber

from generation import hints, purge, retention
from generation.database import in_database
from generation.executors.lock import ExecutorLock
from generation.models import Run
from generation.models.runs import HELD, Status
from generation.reconciler import reconcile
from generation.runner import Attempt, Stop, lease_end
from generation.writer import writer
from metrics import learning

logger = structlog.get_logger(__name__)

DRAIN_S = 8.0
LOOK_EVERY_S = 1.0
RECONCILE_EVERY_S = 5.0
FIRST_PRUNE_S = 60.0
PRUNE_EVERY_S = 3600.0
LEARN_EVERY_S = 1.0
# For what the last attempts have written; with DRAIN_S within the 10 s that a process may take to end.
FLUSH_S = 1.5


class InProcessExecutor:
    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.attempts: dict[int, Attempt] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.keeper: asyncio.Task[None] | None = None
        self.pruner: asyncio.Task[None] | None = None
        self.learner: asyncio.Task[None] | None = None
        self.telling: set[asyncio.Task[None]] = set()
        self.room = asyncio.Event()
        self.draining = False
        self.lock = ExecutorLock(Path(settings.DATABASES["default"]["NAME"])) if settings.SQLITE else None
        self.renewed = 0.0

    async def start(self) -> None:
        if self.loop is not None:
            return
        if self.lock is not None:
            self.lock.take()
        # Whoever holds the lock on a SQLite file is its only executor: every lease on it is a dead process's.
        abandoned: Callable[[Any], Any] | None = (lambda held: held.exclude(holder=self.id)) if self.lock else None
        try:
            await in_database(lambda: reconcile(abandoned))
        except BaseException:
            # The database was not ready; whoever tries again finds everything as before.
            if self.lock is not None:
                self.lock.release()
            raise
        self.loop = asyncio.get_running_loop()
        self.renewed = self.loop.time()
        self.keeper = asyncio.create_task(self.keep())
        self.pruner = asyncio.create_task(self.prune())
        self.learner = asyncio.create_task(self.learn())

    async def drain(self) -> None:
        self.draining = True
        for task in (self.keeper, self.pruner, self.learner):
            if task is not None:
                task.cancel()
        tasks = [attempt.task for attempt in self.attempts.values() if attempt.task is not None]
        self.stop_all(Stop.SHUTDOWN)
        if tasks:
            await asyncio.wait(tasks, timeout=DRAIN_S)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FLUSH_S):
                await writer().flush()
        if self.lock is not None:
            self.lock.release()

    def submit(self, run_pk: int) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.admit, run_pk)

    def look(self) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.room.set)

    def cancel(self, run: Run) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.cancel_here, run)

    def pause(self, run: Run, by: str) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.pause_here, run.pk, by)

    def tell(self, run: Run) -> None:
        if self.loop is not None:
            self.loop.call_soon_threadsafe(self.tell_here, run)

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
        attempt = self.attempts.pop(run_pk)
        if len(self.attempts) + 1 >= settings.MAX_CONCURRENT_RUNS or (attempt.run and attempt.run.batch_id):
            # Another one may have waited for this.
            self.room.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("attempt_broke", error=type(error).__name__)

    def cancel_here(self, run: Run) -> None:
        if (attempt := self.attempts.get(run.pk)) is not None:
            attempt.stop(Stop.USER, run.cancelled_by)
        # If nobody held it, nobody else tells its readers.
        self.tell_here(run)

    def pause_here(self, run_pk: int, by: str) -> None:
        if (attempt := self.attempts.get(run_pk)) is not None:
            attempt.pause(by)

    def tell_here(self, run: Run) -> None:
        assert self.loop is not None
        telling = self.loop.create_task(hints.tell(run.uid.hex, run.last_seq))
        self.telling.add(telling)
        telling.add_done_callback(self.telling.discard)

    async def keep(self) -> None:
        """Look after what is held and what waits, until the process ends."""
        assert self.loop is not None
        look_every = min(LOOK_EVERY_S, settings.RUN_LEASE_S / 5)
        reconciled = self.loop.time()
        while True:
            try:
                await self.take_queued()
                await self.wait_for_room(look_every)
                await self.look_at_held()
                if self.loop.time() - reconciled >= RECONCILE_EVERY_S:
                    reconciled = self.loop.time()
                    settled = await in_database(reconcile)
                    await asyncio.gather(*(hints.tell(run.uid.hex, run.last_seq) for run in settled))
                    await in_database(retention.erase_requested)
            except Exception as error:
                logger.warning("executor_interrupted", error=type(error).__name__)
                if self.loop.time() - self.renewed > settings.RUN_LEASE_S:
                    # Nothing could be renewed for a whole lease: others may have these runs by now.
                    self.stop_all(Stop.LEASE_LOST)
                await asyncio.sleep(look_every)

    async def prune(self) -> None:
        """Beside the keeping, which must not wait: the first one may have much to do."""
        await asyncio.sleep(FIRST_PRUNE_S)
        while True:
            try:
                await in_database(retention.prune)
                await in_database(purge.purge)
            except Exception as error:
                logger.warning("not_pruned", error=type(error).__name__)
            await asyncio.sleep(PRUNE_EVERY_S)

    async def learn(self) -> None:
        """Take what has ended into the history from which estimates are made."""
        rest = LEARN_EVERY_S
        while True:
            await asyncio.sleep(rest)
            began, rest = time.monotonic(), LEARN_EVERY_S
            try:
                if await in_database(learning.learn) >= learning.ROUND:
                    # There is more; on SQLite nobody else writes during a round, so most of the time is left to others.
                    rest = min(LEARN_EVERY_S, 3 * (time.monotonic() - began))
            except Exception as error:
                logger.warning("not_learned", error=type(error).__name__)

    async def wait_for_room(self, longest_s: float) -> None:
        """Wait until the next look is due, or until there may be room for a run that waits."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self.room.wait()
        self.room.clear()

    async def look_at_held(self) -> None:
        """Renew the leases, and learn which runs were asked to cancel or were taken over."""
        assert self.loop is not None
        if not self.attempts:
            self.renewed = self.loop.time()
            return
        renew = self.loop.time() - self.renewed >= settings.RUN_LEASE_S / 5
        asked_at = self.loop.time()
        # Only what was claimed before the question is asked: a claim that commits meanwhile is in no answer to it.
        claimed = {pk: (attempt, attempt.run.epoch) for pk, attempt in self.attempts.items() if attempt.run}
        held = await in_database(lambda: self.held(list(claimed), renew))
        if renew:
            self.renewed = asked_at
        for run_pk, (attempt, epoch) in claimed.items():
            row = held.get(run_pk)
            if row is None or row.epoch != epoch:
                attempt.stop(Stop.LEASE_LOST)
            elif row.status == Status.CANCELLING:
                attempt.stop(Stop.USER, row.cancelled_by)
            else:
                attempt.pause(row.pause_requested_by)

    def held(self, run_pks: list[int], renew: bool) -> dict[int, Run]:
        # Only what is worked on: a run whose attempt broke off must run out of its lease, not be kept by us.
        mine = Run.objects.filter(pk__in=run_pks, holder=self.id, status__in=HELD)
        if renew:
            with transaction.atomic():
                # In the order in which the log's writer locks them, or the two would deadlock.
                list(mine.select_for_update(no_key=True).order_by("pk").values_list("pk"))
                mine.update(lease_until=lease_end())
        return {run.pk: run for run in mine.only("pk", "epoch", "status", "cancelled_by", "pause_requested_by")}

    async def take_queued(self) -> None:
        free = settings.MAX_CONCURRENT_RUNS - len(self.attempts)
        if free <= 0:
            return
        for run_pk in await in_database(lambda: waiting(free)):
            self.admit(run_pk)

    def stop_all(self, why: Stop) -> None:
        for attempt in list(self.attempts.values()):
            attempt.stop(why)


def waiting(most: int) -> list[int]:
    """The queued runs whose turn it is, oldest first: of each batch only as many as it has room for."""
    held = Run.objects.filter(batch=OuterRef("batch"), status__in=HELD).order_by().values("batch")
    place = Window(RowNumber(), partition_by=F("batch"), order_by=("row", "pk"))
    queued = Run.objects.filter(status=Status.QUEUED).annotate(
        place=place, held=Coalesce(Subquery(held.annotate(n=Count("pk")).values("n")), 0)
    )
    fits = queued.filter(Q(batch=None) | Q(place__lte=F("batch__max_parallel") - F("held")))
    return list(fits.order_by("created_at", "pk").values_list("pk", flat=True)[:most])
