"""One reader of one run's log."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from generation import events
from generation.database import in_database
from generation.errors import CursorExpired
from generation.tail import Tail
from generation.wire import Frame

if TYPE_CHECKING:
    from generation.feed import Feed


class Watcher:
    """One reader of one run: `batch()` gives what has come since the last call.

    Leave it as a context manager, or by `leave()`; `close()` only ends a `batch()` that waits.
    """

    __slots__ = ("closed", "cursor", "feed", "kept", "ping_due", "tail", "waiter")

    def __init__(self, feed: "Feed", tail: Tail, cursor: int) -> None:
        self.feed = feed
        self.tail = tail
        self.cursor = cursor
        self.closed = False
        self.ping_due = False
        self.waiter: asyncio.Future[None] | None = None
        # A page that was read ahead by `require_kept`.
        self.kept: Sequence[Frame] = ()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        await self.leave()

    async def leave(self) -> None:
        await self.feed.leave(self)

    @property
    def at_end(self) -> bool:
        """The log has ended, and the cursor is at its end or past it."""
        return self.tail.done and self.cursor >= self.tail.head

    def wake(self) -> None:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    def close(self) -> None:
        """End the waiting `batch()`; safe from any callback of the loop."""
        self.closed = True
        self.wake()

    async def batch(self) -> Sequence[Frame] | None:
        """The frames past the cursor, which moves on; empty for a heartbeat; None when there is no more to come.

        None means that the log has ended, the watcher was closed, or the process shuts down. Raises
        CursorExpired when the log no longer holds what follows the cursor.
        """
        while not self.closed:
            tail = self.tail
            if self.cursor < tail.head:
                frames = tail.since(self.cursor) if self.cursor >= tail.base else await self.page()
                self.cursor = frames[-1].seq
                return frames
            if tail.done or self.feed.draining:
                return None
            if self.ping_due:
                self.ping_due = False
                return ()
            await self.woken()
        return None

    async def woken(self) -> None:
        self.waiter = self.feed.loop.create_future()
        try:
            await self.waiter
        finally:
            self.waiter = None

    async def opened(self) -> None:
        """Wait until the tail has been read. Raises the database's error."""
        while not self.tail.opened:
            if self.tail.failure is not None:
                raise self.tail.failure
            await self.woken()

    async def require_kept(self) -> None:
        """Raises CursorExpired if the log no longer holds what follows the cursor."""
        if self.cursor < self.tail.base:
            self.kept = await self.page()

    async def page(self) -> Sequence[Frame]:
        if self.kept:
            frames, self.kept = self.kept, ()
            return frames
        tail, cursor = self.tail, self.cursor
        frames = await in_database(lambda: events.read(tail.run_pk, tail.run_id, cursor))
        if not frames or frames[0].seq != cursor + 1:
            raise CursorExpired(tail.run_id)
        return frames
