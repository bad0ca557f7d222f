"""What a process remembers of one watched run: the recent end of its log, ready to send."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from generation.wire import Frame

if TYPE_CHECKING:
    from generation.watcher import Watcher

RING_FRAMES = 512
RING_BYTES = 262_144
# A write to a socket takes some 16 µs of the loop, whatever it holds. From this many readers on, what comes within the
# rest of a wake-up is sent together: with 500 of them, and 50 events a second, in two writes where there were three.
MANY_READERS = 100
REST_S = 60e-6


class Tail:
    """What this process knows of one run's log: the frames from `base` (exclusive) to `head`."""

    __slots__ = (
        "base",
        "done",
        "early",
        "failure",
        "frames",
        "head",
        "hex",
        "opened",
        "reading",
        "resting",
        "ring_bytes",
        "run_id",
        "run_pk",
        "subscribed",
        "unwatched_since",
        "watchers",
    )

    def __init__(self, run_pk: int, run_id: str, after: int) -> None:
        self.run_pk = run_pk
        self.run_id = run_id
        self.hex = run_id.replace("-", "")
        self.frames: list[Frame] = []
        self.ring_bytes = 0
        # Until it is opened: what its first reader has seen.
        self.base = self.head = after
        self.done = self.opened = self.subscribed = False
        self.failure: Exception | None = None
        # Hints that came before the log was read.
        self.early: list[tuple[int, Sequence[tuple[str, bytes]]]] = []
        self.unwatched_since = 0.0
        self.reading: asyncio.Task[None] | None = None
        self.resting: asyncio.TimerHandle | None = None
        self.watchers: set[Watcher] = set()

    def start(self, frames: Sequence[Frame], head: int, done: bool) -> None:
        """Begin the ring with the page that was read, if it goes on to the head without a gap."""
        if not (frames and frames[0].seq == self.head + 1 and frames[-1].seq == head):
            frames = ()
            self.base = self.head = head
        self.opened = True
        self.extend(frames)
        self.done = done

    def fail(self, error: Exception) -> None:
        self.failure = error
        self.wake()

    def end(self) -> None:
        """Nothing more will come: the run was deleted."""
        self.done = True
        self.wake()

    def extend(self, frames: Sequence[Frame]) -> None:
        """Take frames that overlap or continue the ring; what it has already is passed over."""
        for frame in frames:
            if frame.seq == self.head + 1:
                self.frames.append(frame)
                self.ring_bytes += len(frame.body)
                self.head = frame.seq
                self.done = frame.terminal
        while len(self.frames) > RING_FRAMES or (self.ring_bytes > RING_BYTES and len(self.frames) > 1):
            dropped = self.frames[: len(self.frames) // 2]
            del self.frames[: len(dropped)]
            self.base += len(dropped)
            self.ring_bytes -= sum(len(frame.body) for frame in dropped)
        self.tell()

    def since(self, cursor: int) -> Sequence[Frame]:
        return self.frames[cursor - self.base :]

    def wake(self) -> None:
        for watcher in self.watchers:
            watcher.wake()

    def tell(self) -> None:
        """Wake the readers, unless there are many and they have just been woken: then they rest a little first."""
        if self.resting is not None and not self.done:
            return
        self.wake()
        if len(self.watchers) >= MANY_READERS:
            loop = next(iter(self.watchers)).feed.loop
            self.resting = loop.call_later(len(self.watchers) * REST_S, self.rested, self.head)

    def rested(self, told: int) -> None:
        self.resting = None
        if self.head > told:
            self.tell()
