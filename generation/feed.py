"""The watching side of the log: one tail per watched run and process, however many watch it.

A `Watcher` has a cursor and pulls. What it pulls comes from the tail's ring of encoded frames, or from the log
itself when the cursor lies before the ring. Hints only say that the log has grown: a lost, doubled or
reordered one can delay a watcher by the second until the next look at the heads, and nothing else.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextvars import Context
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError
from django.db.models import OuterRef, Subquery

from generation import events, hints
from generation.database import in_database
from generation.models import Event, Run
from generation.tail import Tail
from generation.watcher import Watcher
from generation.wire import Frame

logger = structlog.get_logger(__name__)

HEADS_EVERY_S = 1.0
# A tick before the promise, so that scheduling cannot make it late.
HEARTBEAT_MARGIN = 0.9
HEADS_PER_QUERY = 5_000
LAYER_TIMEOUT_S = 0.25
LOOK_AGAIN_S = 3.5
# A tail that nobody watches is kept for a while, so that a client that comes back asks the database nothing; at most
# this many, each with up to RING_BYTES.
UNWATCHED_S = 5.0
UNWATCHED_TAILS = 100
# Tails that are opened with one visit to a database thread, which costs as much as their queries.
OPENED_TOGETHER = 50


# The page after a tail's first cursor, the log's head, and whether that is its end.
Opening = tuple[Sequence[Frame], int, bool]


class Feed:
    """One per process: one channel on the layer, one membership per watched run, one heartbeat."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.tails: dict[str, Tail] = {}
        self.unopened: list[Tail] = []
        self.asked = asyncio.Event()
        # The longest unwatched first.
        self.unwatched: dict[str, Tail] = {}
        self.draining = False
        # Called at each heartbeat, when the process begins to drain and once more LOOK_AGAIN_S later: connections that
        # have no watcher, or look after more than one.
        self.listeners: set[Callable[[], None]] = set()
        self.channel: str | None = None
        self.naming = asyncio.Lock()
        # In a context of their own: they serve everybody, and must not log as the request that happened to be first.
        self.tasks = [
            asyncio.create_task(forever(work), context=Context())
            for work in (self.receive, self.open_asked, self.compare_heads, self.beat)
        ]

    async def follow(self, run: Run, after: int) -> Watcher:
        """Start watching `run` past `after`."""
        tail = self.tails.get(run.uid.hex)
        if tail is None:
            tail = self.tails[run.uid.hex] = Tail(run.pk, str(run.uid), after)
            self.unopened.append(tail)
            self.asked.set()
        watcher = Watcher(self, tail, after)
        tail.watchers.add(watcher)
        self.unwatched.pop(tail.hex, None)
        if not tail.opened:
            try:
                await watcher.opened()
            except BaseException:
                await self.leave(watcher)
                raise
        return watcher

    async def open_asked(self) -> None:
        """Subscribe first, then read: what is appended in between comes both ways and is passed over once."""
        await self.asked.wait()
        tails, self.unopened = self.unopened[:OPENED_TOGETHER], self.unopened[OPENED_TOGETHER:]
        if not self.unopened:
            self.asked.clear()
        await self.subscribe(tails)
        openings: Sequence[Opening | Exception]
        try:
            openings = await in_database(lambda: [opening_of(tail) for tail in tails])
        except Exception as error:
            openings = [error] * len(tails)
        useless = []
        for tail, opening in zip(tails, openings, strict=True):
            if isinstance(opening, Exception):
                tail.fail(opening)
            else:
                tail.start(*opening)
                for hint in tail.early:
                    self.advance(tail, *hint)
                tail.early.clear()
            # Those who asked may have left meanwhile, and the tail with them.
            if tail.failure is not None or self.tails.get(tail.hex) is not tail:
                useless.append(tail)
        for tail in useless:
            await self.drop(tail)

    async def leave(self, watcher: Watcher) -> None:
        watcher.close()
        tail = watcher.tail
        tail.watchers.discard(watcher)
        if tail.watchers or self.tails.get(tail.hex) is not tail:
            return
        tail.unwatched_since = self.loop.time()
        self.unwatched[tail.hex] = tail
        if tail.done:
            await self.drop(tail)
        elif len(self.unwatched) > UNWATCHED_TAILS:
            await self.drop(next(iter(self.unwatched.values())))

    async def drop(self, tail: Tail) -> None:
        if self.tails.get(tail.hex) is tail:
            del self.tails[tail.hex]
            self.unwatched.pop(tail.hex, None)
        if tail.reading is not None:
            tail.reading.cancel()
        await self.unsubscribe(tail)
        if (newer := self.tails.get(tail.hex)) is not None:
            # Its membership may have gone with the older one's.
            newer.subscribed = False

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

    async def subscribe(self, tails: Sequence[Tail]) -> None:
        """Join the runs' groups. If the layer is out of reach the heads must do until a later try succeeds."""
        try:
            async with asyncio.timeout(LAYER_TIMEOUT_S):
                channel, layer = await self.own_channel(), get_channel_layer()
                for tail in tails:
                    await layer.group_add(hints.group_of(tail.hex), channel)
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
        layer, channel = get_channel_layer(), await self.own_channel()
        while True:
            message = await layer.receive(channel)
            tail = self.tails.get(message["run"])
            if tail is not None:
                self.advance(tail, message["last_seq"], message.get("frames", ()))

    def advance(self, tail: Tail, last_seq: int, frames: Sequence[tuple[str, bytes]]) -> None:
        """Apply a hint: continue the ring with its frames, or read the log if they leave a gap."""
        if not tail.opened:
            tail.early.append((last_seq, frames))
            return
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
        long_ago = self.loop.time() - UNWATCHED_S
        for tail in [tail for tail in self.unwatched.values() if tail.unwatched_since < long_ago]:
            # Unless somebody has come back while another one was dropped.
            if tail.hex in self.unwatched:
                await self.drop(tail)
        if missing := [tail for tail in self.tails.values() if tail.opened and not tail.subscribed]:
            await self.subscribe(missing)
        tails = [tail for tail in self.tails.values() if tail.opened and not tail.done]
        for start in range(0, len(tails), HEADS_PER_QUERY):
            part = {tail.run_pk: tail for tail in tails[start : start + HEADS_PER_QUERY]}
            heads = dict(await in_database(lambda part=part: heads_of(part)))  # type: ignore[misc]
            for run_pk, tail in part.items():
                if run_pk not in heads:
                    tail.end()
                elif (head := heads[run_pk]) is not None:
                    self.advance(tail, head, ())

    async def beat(self) -> None:
        await asyncio.sleep(settings.HEARTBEAT_S * HEARTBEAT_MARGIN)
        for tail in self.tails.values():
            for watcher in tail.watchers:
                watcher.ping_due = True
                watcher.wake()
        self.tell_listeners()


def opening_of(tail: Tail) -> Opening | Exception:
    """What a tail begins with, or why there is none. Raises the database's error, which is no tail's own."""
    try:
        head, done = events.head(tail.run_pk)
        frames = events.read(tail.run_pk, tail.run_id, tail.head) if head > tail.head else []
    except DatabaseError:
        raise
    except Exception as error:
        return error
    if frames and frames[-1].seq > head:
        head, done = frames[-1].seq, frames[-1].terminal
    return frames, head, done


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
