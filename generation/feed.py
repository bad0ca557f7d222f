"""The watching side of the log: one tail per watched run and process, however many watch it.

A `Watcher` has a cursor and pulls. What it pulls comes from the tail's ring of encoded frames, or from the log
itself when the cursor lies before the ring. Hints only say that the log has grown: a lost, doubled or
reordered one can delay a watcher by the second until the next look at the heads, and nothing else.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from types import TracebackType
from typing import Any, Self

import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.db.models import OuterRef, Subquery

from generation import events, hints
from generation.database import in_database
from generation.errors import CursorExpired
from generation.models import Event, Run
from generation.tail import Tail
from generation.wire import Frame

logger = structlog.get_logger(__name__)

HEADS_EVERY_S = 1.0
# A tick before the promise, so that scheduling cannot make it late.
HEARTBEAT_MARGIN = 0.9
HEADS_PER_QUERY = 5_000
LAYER_TIMEOUT_S = 0.25
LOOK_AGAIN_S = 3.5
UNWATCHED_S = 0.5


class Watcher:
    """One reader of one run: `batch()` gives what has come since the last call.

    Leave it as a context manager, or by `Feed.leave`; `close()` only ends a `batch()` that waits.
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
            self.waiter = self.feed.loop.create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None
        return None

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


class Feed:
    """One per process: one channel on the layer, one membership per watched run, one heartbeat."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.tails: dict[str, Tail] = {}
        self.opening: dict[str, asyncio.Task[None]] = {}
        self.draining = False
        # Called at each heartbeat, when the process begins to drain and once more LOOK_AGAIN_S later: connections that
        # have no watcher, or look after more than one.
        self.listeners: set[Callable[[], None]] = set()
        self.channel: str | None = None
        self.naming = asyncio.Lock()
        # In a context of their own: they serve everybody, and must not log as the request that happened to be first.
        self.tasks = [
            asyncio.create_task(forever(work), context=Context())
            for work in (self.receive, self.compare_heads, self.beat)
        ]

    async def follow(self, run: Run, after: int) -> Watcher:
        """Start watching `run` past `after`."""
        uid_hex = run.uid.hex
        tail = self.tails.get(uid_hex)
        while tail is None:
            # A task of its own, so that one follower's leaving does not fail the others that wait for it.
            opening = self.opening.get(uid_hex)
            if opening is None:
                opening = self.opening[uid_hex] = asyncio.create_task(self.open(run.pk, str(run.uid), after))
                opening.add_done_callback(lambda _: self.opening.pop(uid_hex, None))
            await asyncio.shield(opening)
            tail = self.tails.get(uid_hex)
        watcher = Watcher(self, tail, after)
        tail.watchers.add(watcher)
        return watcher

    async def open(self, run_pk: int, run_id: str, after: int) -> None:
        """Subscribe first, then read: what is appended in between comes both ways and is passed over once."""
        tail = Tail(run_pk, run_id)
        await self.subscribe(tail)
        try:
            (head, done), frames = await in_database(lambda: (events.head(run_pk), events.read(run_pk, run_id, after)))
        except BaseException:
            await self.unsubscribe(tail)
            raise
        if frames and frames[-1].seq > head:
            head, done = frames[-1].seq, frames[-1].terminal
        tail.start(after, frames, head, done)
        self.tails[tail.hex] = tail
        # Those who asked for it may have left meanwhile.
        self.loop.call_later(UNWATCHED_S, lambda: asyncio.ensure_future(self.drop_if_unwatched(tail)))

    async def leave(self, watcher: Watcher) -> None:
        watcher.close()
        watcher.tail.watchers.discard(watcher)
        await self.drop_if_unwatched(watcher.tail)

    async def drop_if_unwatched(self, tail: Tail) -> None:
        if not tail.watchers and self.tails.get(tail.hex) is tail:
            del self.tails[tail.hex]
            if tail.reading is not None:
                tail.reading.cancel()
            await self.unsubscribe(tail)

    def drain(self) -> None:
        """End every watcher once it has what is in the ring; the process is shutting down."""
        self.draining = True
        for tail in self.tails.values():
            tail.wake()
        self.tell_listeners()
        self.loop.call_later(LOOK_AGAIN_S, self.tell_listeners)

    def tell_listeners(self) -> None:
        for listener in list(self.listeners):
            listener()

    async def subscribe(self, tail: Tail) -> None:
        """Join the run's group. If the layer is out of reach the heads must do until a later try succeeds."""
        try:
            async with asyncio.timeout(LAYER_TIMEOUT_S):
                await get_channel_layer().group_add(hints.group_of(tail.hex), await self.own_channel())
            tail.subscribed = True
        except Exception as error:
            logger.warning("layer_unreachable", error=type(error).__name__)

    async def unsubscribe(self, tail: Tail) -> None:
        try:
            async with asyncio.timeout(LAYER_TIMEOUT_S):
                await get_channel_layer().group_discard(hints.group_of(tail.hex), await self.own_channel())
        except Exception as error:
            logger.warning("layer_unreachable", error=type(error).__name__)

    async def own_channel(self) -> str:
        # Locked, since a layer may go to the network for it: a second channel would get messages that nobody reads.
        async with self.naming:
            if self.channel is None:
                self.channel = await get_channel_layer().new_channel("feed")
        return self.channel

    async def receive(self) -> None:
        message = await get_channel_layer().receive(self.channel or await self.own_channel())
        tail = self.tails.get(message["run"])
        if tail is not None:
            self.advance(tail, message["last_seq"], message.get("frames", ()))

    def advance(self, tail: Tail, last_seq: int, frames: Sequence[tuple[str, bytes]]) -> None:
        """Apply a hint: continue the ring with its frames, or read the log if they leave a gap."""
        if last_seq <= tail.head:
            return
        first = last_seq - len(frames) + 1
        if frames and first <= tail.head + 1:
            new = enumerate(frames[tail.head + 1 - first :], start=tail.head + 1)
            tail.extend([Frame(seq, name, body) for seq, (name, body) in new])
        elif tail.reading is None:
            tail.reading = asyncio.create_task(self.catch_up(tail))

    async def catch_up(self, tail: Tail) -> None:
        try:
            while frames := await in_database(lambda: events.read(tail.run_pk, tail.run_id, tail.head)):
                head = tail.head
                tail.extend(frames)
                if tail.head == head:
                    # The log does not go on from here; whoever asks for the next page is told so.
                    break
        except Exception as error:
            logger.warning("tail_not_read", run=tail.run_id, error=type(error).__name__)
        finally:
            tail.reading = None

    async def compare_heads(self) -> None:
        """Ask the log for the heads of all watched runs; this is what makes hints dispensable."""
        await asyncio.sleep(HEADS_EVERY_S)
        for tail in [tail for tail in self.tails.values() if not tail.subscribed]:
            await self.subscribe(tail)
            if not tail.subscribed:
                break
        tails = [tail for tail in self.tails.values() if not tail.done]
        for start in range(0, len(tails), HEADS_PER_QUERY):
            part = {tail.run_pk: tail for tail in tails[start : start + HEADS_PER_QUERY]}
            for run_pk, head in await in_database(lambda part=part: heads_of(part)):  # type: ignore[misc]
                if head is not None:
                    self.advance(part[run_pk], head, ())

    async def beat(self) -> None:
        await asyncio.sleep(settings.HEARTBEAT_S * HEARTBEAT_MARGIN)
        for tail in self.tails.values():
            for watcher in tail.watchers:
                watcher.ping_due = True
                watcher.wake()
        self.tell_listeners()


def heads_of(run_pks: Any) -> list[tuple[int, int | None]]:
    # A subquery per run is one step down the index each; GROUP BY would read every entry of every run.
    last = Event.objects.filter(run_id=OuterRef("pk")).order_by("-seq").values("seq")[:1]
    return list(Run.objects.filter(pk__in=list(run_pks)).values_list("pk", Subquery(last)).order_by())


async def forever(work: Callable[[], Any]) -> None:
    """Repeat `work`; an error is logged and the next round begins a little later."""
    while True:
        try:
            await work()
        except Exception as error:
            logger.warning("feed_interrupted", work=work.__name__, error=type(error).__name__)
            await asyncio.sleep(0.5)


_feed: Feed | None = None


def feed() -> Feed:
    """The process's feed, made on the running loop at first use."""
    global _feed
    if _feed is None or _feed.loop.is_closed():
        _feed = Feed()
    return _feed
