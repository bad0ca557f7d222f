"""The log: what happens to a run, numbered, written before it is shown.

`Log.append` hands an entry to the process's one writer, which commits whatever has gathered since its last
transaction and then hints to each run's group that its log has grown. Rows carry the epoch of whoever
appended them: the batch's own transaction checks it, so a worker that slept through its lease writes nothing.
"""

import asyncio
import math
import time
from collections.abc import Callable, Iterable, Sequence
from contextvars import Context
from typing import Any

import orjson
import structlog
from django.db import connection, transaction

from generation.database import in_writer
from generation.errors import LeaseLost, LogClosed
from generation.fields import EncryptedJSONField, open_sealed, seal
from generation.hints import HINT_TIMEOUT_S, announce
from generation.models import Event, Run
from generation.models.runs import ENDED
from generation.wire import LAST_OF_ATTEMPT, TERMINAL, Frame, frame

logger = structlog.get_logger(__name__)

# A page of the log holds at most this many events, and this many bytes of them besides the last one.
PAGE = 500
PAGE_BYTES = 262_144
# Above this many entries a second, over the last RATE_WINDOW_S, the writer waits for company: a commit for each costs
# more than the wait. Below it, it never does, so a lone short run is not slowed down by its own burst.
BUSY_RATE = 500
RATE_WINDOW_S = 0.25
LINGER_S = 0.01

# Runs in the entry's transaction, given the entry's last seq; False withdraws the entry.
Change = Callable[[int], bool]


class Line:
    """An event that has no number yet."""

    __slots__ = ("data", "name", "ts_ms")

    def __init__(self, name: str, data: dict[str, Any]) -> None:
        self.name = name
        self.data = orjson.dumps(data)
        self.ts_ms = time.time_ns() // 1_000_000


class Log:
    """The right to append to one run's log, under one epoch."""

    __slots__ = ("closed", "epoch", "hex", "last_seq", "run_id", "run_pk")

    def __init__(self, run_pk: int, run_id: str, epoch: int, last_seq: int) -> None:
        self.run_pk = run_pk
        self.run_id = run_id
        self.hex = run_id.replace("-", "")
        self.epoch = epoch
        self.last_seq = last_seq
        self.closed = False

    def append(self, name: str, **data: Any) -> None:
        """Append without waiting. Raises LogClosed once the log has ended or could not be written."""
        if self.closed:
            raise LogClosed
        writer().submit(Entry(self, (Line(name, data),)))

    def append_with(self, change: Change, *lines: Line) -> None:
        """Append without waiting, with what `change` does in the same transaction. Raises LogClosed."""
        if self.closed:
            raise LogClosed
        writer().submit(Entry(self, lines, change))

    async def commit(self, *lines: Line, change: Change | None = None) -> bool:
        """Append and wait until it is stored, with what `change` does, in one transaction.

        Returns False if `change` withdrew it. Raises LeaseLost, LogClosed or the database's error.
        """
        if self.closed:
            raise LogClosed
        entry = Entry(self, lines, change, writer().loop.create_future())
        writer().submit(entry)
        assert entry.stored is not None
        return await entry.stored


class Entry:
    """Lines on their way into the log, and what the transaction made of them."""

    __slots__ = ("change", "frames", "lines", "log", "refusal", "stored", "withdrawn")

    def __init__(
        self,
        log: Log,
        lines: Sequence[Line],
        change: Change | None = None,
        stored: "asyncio.Future[bool] | None" = None,
    ) -> None:
        self.log = log
        self.lines = lines
        self.change = change
        self.stored = stored
        self.frames: Sequence[Frame] = ()
        self.refusal: Exception | None = None
        self.withdrawn = False

    @property
    def urgent(self) -> bool:
        """Somebody waits for it, or it ends a log and with it the waiting of all its readers."""
        return self.stored is not None or self.lines[-1].name in TERMINAL


def data_field() -> EncryptedJSONField:
    field = Event._meta.get_field("data")
    assert isinstance(field, EncryptedJSONField)
    return field


def insert(rows: Iterable[tuple[int, int, Line]]) -> None:
    """Insert (run, seq, line) rows; `bulk_create` costs four times as much a row."""
    table, binding = connection.ops.quote_name(Event._meta.db_table), data_field().binding_of
    values = [(run_pk, seq, line.name, line.ts_ms, seal(line.data, binding(run_pk, seq))) for run_pk, seq, line in rows]
    if values:
        with connection.cursor() as cursor:
            statement = f"INSERT INTO {table} (run_id, seq, name, ts_ms, data) VALUES (%s, %s, %s, %s, %s)"
            cursor.executemany(statement, values)


def append_unheld(run: Run, *events: tuple[str, dict[str, Any]]) -> None:
    """Append to a run that nobody holds, within the caller's transaction, which has taken its epoch."""
    lines = [Line(name, data) for name, data in events]
    insert((run.pk, run.last_seq + number, line) for number, line in enumerate(lines, start=1))
    run.last_seq += len(lines)


def read(run_pk: int, run_id: str, after: int, limit: int = PAGE) -> list[Frame]:
    """The next frames of the log past `after`: at most `limit`, fewer when they are large."""
    table, binding = connection.ops.quote_name(Event._meta.db_table), data_field().binding_of
    page = f"SELECT seq, name, ts_ms, data FROM {table} WHERE run_id = %s AND seq > %s ORDER BY seq LIMIT %s"  # noqa: S608
    frames: list[Frame] = []
    room = PAGE_BYTES
    with connection.cursor() as cursor:
        cursor.execute(page, (run_pk, after, limit))
        for seq, name, ts_ms, data in cursor:
            frames.append(frame(seq, run_id, name, ts_ms, open_sealed(bytes(data), binding(run_pk, seq))))
            room -= len(frames[-1].body)
            if room < 0:
                break
    return frames


def last_progress(run: Run, until: int) -> Frame | None:
    """The frame of the last `progress` event up to this number: how far a reader at this cursor has been told."""
    told = Event.objects.filter(run=run, name="progress", seq__lte=until).order_by("-seq").first()
    return read(run.pk, str(run.uid), told.seq - 1, limit=1)[0] if told else None


def head(run_pk: int) -> tuple[int, bool]:
    """The last number of the log, and whether it is of a terminal event; (0, False) for an empty log.

    Written out because every stream that opens asks it: the ORM takes 150 µs for what SQLite answers in 10.
    """
    runs, log = (connection.ops.quote_name(model._meta.db_table) for model in (Run, Event))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT last_seq, status, seq, name FROM {runs} LEFT JOIN {log} ON run_id = {runs}.id "  # noqa: S608
            f"AND seq = (SELECT MAX(seq) FROM {log} WHERE run_id = %s) WHERE {runs}.id = %s",
            (run_pk, run_pk),
        )
        row = cursor.fetchone()
    if row is None:
        return 0, False
    last_seq, status, seq, name = row
    if seq is not None:
        return seq, name in TERMINAL
    # A log that was pruned still ends where it ended: the row remembers.
    return (last_seq, True) if status in ENDED else (0, False)


def resumption_told(run: Run) -> bool:
    """Whether the log ends with the `resumed` of this very attempt, written by whoever resumed the run."""
    last, _ = head(run.pk)
    (frame,) = read(run.pk, str(run.uid), last - 1, limit=1) or (None,)
    return frame is not None and frame.name == "resumed" and frame.envelope["data"]["attempt"] == run.attempt


class Writer:
    """One per process. Takes what has gathered, commits it, tells the groups."""

    def __init__(self) -> None:
        self.waiting: list[Entry] = []
        self.hints: dict[Log, list[Frame]] = {}
        self.arrived = asyncio.Event()
        self.committed = asyncio.Event()
        self.idle = asyncio.Event()
        self.idle.set()
        self.storing = False
        self.rate = 0.0
        self.loop = asyncio.get_running_loop()
        # In a context of their own: they serve every run, and must not log as the one that happened to be first.
        self.tasks = [asyncio.create_task(work(), context=Context()) for work in (self.write, self.hint)]

    def submit(self, entry: Entry) -> None:
        self.waiting.append(entry)
        self.arrived.set()
        self.idle.clear()

    async def write(self) -> None:
        began = self.loop.time()
        while True:
            await self.arrived.wait()
            if self.rate > BUSY_RATE and not any(entry.urgent for entry in self.waiting):
                await asyncio.sleep(LINGER_S)
            batch, self.waiting = self.waiting, []
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

    def settle(self, entry: Entry) -> None:
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
            try:
                async with asyncio.timeout(HINT_TIMEOUT_S):
                    for log, frames in hints.items():
                        await announce(log.hex, frames[-1].seq, frames)
            except Exception as error:
                # A lost hint costs its readers a second: the feed asks the log for its heads.
                logger.warning("hints_lost", runs=len(hints), error=type(error).__name__)
            if not self.waiting and not self.storing and not self.hints:
                self.idle.set()

    async def flush(self) -> None:
        """Wait until everything submitted so far is stored and hinted."""
        await self.idle.wait()


def store(batch: list[Entry]) -> None:
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


def _store(batch: list[Entry]) -> None:
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
                numbered = list(enumerate(entry.lines, start=head + 1))
                rows += [(log.run_pk, seq, line) for seq, line in numbered]
                entry.frames = [frame(seq, log.run_id, line.name, line.ts_ms, line.data) for seq, line in numbered]
                heads[log] = head + len(numbered)
                if numbered and entry.lines[-1].name in LAST_OF_ATTEMPT:
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
