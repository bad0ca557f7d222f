"""What a process remembers of one watched run: the recent end of its log, ready to send."""

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from generation.wire import Frame

if TYPE_CHECKING:
    from generation.feed import Watcher

RING_FRAMES = 512
RING_BYTES = 262_144


class Tail:
    """What this process knows of one run's log: the frames from `base` (exclusive) to `head`."""

    __slots__ = (
        "base",
        "done",
        "frames",
        "head",
        "reading",
        "ring_bytes",
        "run_id",
        "run_pk",
        "subscribed",
        "watchers",
    )

    def __init__(self, run_pk: int, run_id: str) -> None:
        self.run_pk = run_pk
        self.run_id = run_id
        self.frames: list[Frame] = []
        self.ring_bytes = 0
        self.base = self.head = 0
        self.done = False
        self.subscribed = False
        self.reading: asyncio.Task[None] | None = None
        self.watchers: set[Watcher] = set()

    @property
    def hex(self) -> str:
        return self.run_id.replace("-", "")

    def start(self, after: int, frames: Sequence[Frame], head: int, done: bool) -> None:
        """Begin the ring with the page that follows `after`, if it goes from there to the head without a gap."""
        whole = bool(frames) and frames[0].seq == after + 1 and frames[-1].seq == head
        self.base = self.head = after if whole else head
        if whole:
            self.extend(frames)
        self.done = done

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
        self.wake()

    def since(self, cursor: int) -> Sequence[Frame]:
        return self.frames[cursor - self.base :]

    def wake(self) -> None:
        for watcher in self.watchers:
            watcher.wake()
