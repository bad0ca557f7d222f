"""The writer of the log: one per process, one transaction for whatever has gathered while the last one ran.

Each batch checks the epochs of its runs in its own transaction, and is told to the runs' groups once it is stored.
"""

import asyncio
import math
from collections.abc import Iterable, Sequence
from contextvars import Context
from itertools import chain
from typing import TYPE_CHECKING

import structlog
from channels.layers import get_channel_layer
from django.db import connection, transaction

from generation.database import in_writer
from generation.errors import LeaseLost, LogClosed
from generation.fields import seal_all
from generation.hints import HINT_TIMEOUT_S, advanced, group_of
from generation.models import Event, Run
from generation.wire import LAST_OF_ATTEMPT, TERMINAL, Frame, frame

if TYPE_CHECKING:
    from generation.events import Entry, Line, Log

logger = structlog.get_logger(__name__)

# Above this many entries a second, over the last RATE_WINDOW_S, the writer waits for company: a commit for each costs
# more than the wait. Below it, it never does, so a lone short run is not slowed down by its own burst.
BUSY_RATE = 500
RATE_WINDOW_S = 0.25
LINGER_S = 0.01
# Rows in one INSERT; PostgreSQL takes 65,535 values in a statement, SQLite half of that.
ROWS_AT_ONCE = 500
PLACES = "(%s, %s, %s, %s, %s)"


class Writer:
    """One per process. Takes what has gathered, commits it, tells the groups."""

    def __init__(self) -> None:
        self.waiting: list[Entry] = []
        self.hints: dict[Log, list[Frame]] = {}
        self.arrived = asyncio.Event()
        self.committed = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.storing = self.urgent = False
        self.rate = 0.0
        self.loop = asyncio.get_running_loop()
        # In a context of their own: they serve every run, and must not log as the one that happened to be first.
        self.tasks = [asyncio.create_task(work(), context=Context()) for work in (self.write, self.hint)]

    def submit(self, entry: "Entry") -> None:
        self.waiting.append(entry)
        # Somebody waits for it, or it ends a log and with it the waiting of all its readers.
        if entry.stored is not None or (entry.lines and entry.lines[-1].name in TERMINAL):
            self.urgent = True
        self.arrived.set()
        self.idle.clear()

    async def write(self) -> None:
        began = self.loop.time()
        while True:
            await self.arrived.wait()
            if self.rate > BUSY_RATE and not self.urgent:
                await asyncio.sleep(LINGER_S)
            batch, self.waiting, self.urgent = self.waiting, [], False
            self.arrived.clear()
            self.storing = True
            await in_writer(lambda batch=batch: store(batch))  # type: ignore[misc]
            self.storing = False
            for entry in batch:
                self.settle(entry)
            self.committed.set()
            now = self.loop.time()
            elapsed = max(now - began, 1e-4)
            self.rate += (1 - math.exp(-elapsed / RATE_WINDOW_S)) * (len(batch) / elapsed - self.rate)
            began = now

    def settle(self, entry: "Entry") -> None:
        if entry.frames:
            self.hints.setdefault(entry.log, []).extend(entry.frames)
        if entry.stored is not None and not entry.stored.done():
            if entry.refusal is not None:
                entry.stored.set_exception(entry.refusal)
            else:
                entry.stored.set_result(not entry.withdrawn)

    async def hint(self) -> None:
        while True:
            await self.committed.wait()
            self.committed.clear()
            hints, self.hints = self.hints, {}
            layer = get_channel_layer()
            try:
                async with asyncio.timeout(HINT_TIMEOUT_S):
                    for log, frames in hints.items():
                        await layer.group_send(group_of(log.hex), advanced(log.hex, frames[-1].seq, frames))
            except Exception as error:
                # A lost hint costs its readers a second: the feed asks the log for its heads.
                logger.warning("hints_lost", runs=len(hints), error=type(error).__name__)
            if not self.waiting and not self.storing and not self.hints:
                self.idle.set()

    async def flush(self) -> None:
        """Wait until everything submitted so far is stored and hinted."""
        await self.idle.wait()


def store(batch: "list[Entry]") -> None:
    """Commit a batch. If it fails, each entry is tried alone, so that one cannot take the others with it."""
    try:
        _store(batch)
    except Exception as error:
        if len(batch) > 1:
            for entry in batch:
                store([entry])
            return
        entry = batch[0]
        logger.error("log_not_written", error=type(error).__name__, run=entry.log.run_id)
        entry.frames, entry.refusal = (), error
        # What follows in this log would leave a gap in its story; the runner ends the attempt instead.
        entry.log.closed = True


def _store(batch: "list[Entry]") -> None:
    heads = {entry.log: entry.log.last_seq for entry in batch}
    over = {log for log in heads if log.closed}
    with transaction.atomic():
        epochs = locked_epochs({log.run_pk for log in heads})
        rows: list[tuple[int, int, Line]] = []
        for entry in batch:
            log, head = entry.log, heads[entry.log]
            entry.frames, entry.refusal, entry.withdrawn = (), None, False
            if log in over:
                entry.refusal = LogClosed()
            elif epochs.get(log.run_pk) != log.epoch:
                entry.refusal = LeaseLost()
                over.add(log)
            elif entry.change is not None and not entry.change(head + len(entry.lines)):
                entry.withdrawn = True
            else:
                entry.frames = frames = []
                for head, line in enumerate(entry.lines, start=head + 1):  # noqa: B020, PLW2901 - it is the new head
                    rows.append((log.run_pk, head, line))
                    frames.append(frame(head, log.run_id, line.name, line.ts_ms, line.data))
                heads[log] = head
                if frames and frames[-1].name in LAST_OF_ATTEMPT:
                    over.add(log)
        insert(rows)
    for log, head in heads.items():
        log.last_seq = head
    for log in over:
        log.closed = True


def locked_epochs(run_pks: Iterable[int]) -> dict[int, int]:
    """The epochs of these runs, their rows locked where the database can do that.

    A claim elsewhere then waits for this transaction and sees its events. Written out because it runs with
    every batch, and the ORM's share of it grows with the number of runs.
    """
    column = connection.ops.quote_name
    table, keys = column(Run._meta.db_table), ", ".join(map(str, sorted(run_pks)))
    lock = " FOR NO KEY UPDATE" if connection.features.has_select_for_no_key_update else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT id, epoch FROM {table} WHERE id IN ({keys}) ORDER BY id{lock}")  # noqa: S608 - integers
        return dict(cursor.fetchall())


_writer: Writer | None = None


def writer() -> Writer:
    """The process's writer, made on the running loop at first use."""
    global _writer
    if _writer is None or _writer.loop.is_closed():
        _writer = Writer()
    return _writer


def insert(rows: "Sequence[tuple[int, int, Line]]") -> None:
    """Insert (run, seq, line) rows, in the caller's transaction; `bulk_create` costs four times as much a row.

    Many in one statement: with `executemany` SQLite gives the interpreter away at each row, and waits for the loop's
    thread to give it back.
    """
    binding = Event.data_field().binding_of
    sealed = seal_all([(line.data, binding(run_pk, seq)) for run_pk, seq, line in rows])
    values = [
        (run_pk, seq, line.name, line.ts_ms, data) for (run_pk, seq, line), data in zip(rows, sealed, strict=True)
    ]
    table = connection.ops.quote_name(Event._meta.db_table)
    into = f"INSERT INTO {table} (run_id, seq, name, ts_ms, data) VALUES "
    with connection.cursor() as cursor:
        for start in range(0, len(values), ROWS_AT_ONCE):
            part = values[start : start + ROWS_AT_ONCE]
            cursor.execute(into + ", ".join([PLACES] * len(part)), list(chain.from_iterable(part)))
