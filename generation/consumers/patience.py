"""Lets go of clients that have stopped reading: a send to one of them may wait without end."""

import asyncio
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from django.conf import settings

from generation.consumers.base import Send
from generation.feed import feed

# How long a send may wait: as a rule, in heartbeats, and once the process wants to end.
STUCK_HEARTBEATS = 2
STUCK_AT_DRAIN_S = 3


def undroppable() -> bool:
    return False


class Patience:
    """Sends for one connection, and drops it when the oldest send has waited too long.

    Where the server has no way to drop it (hepcompanion/dropping.py) its worker is cancelled, which at least frees
    what we hold for the client.
    """

    __slots__ = ("drop", "forward", "waiting_since", "worker")

    def __init__(self, send: Send, scope: Mapping[str, Any]) -> None:
        self.forward = send
        self.drop: Callable[[], bool] = scope.get("drop", undroppable)
        self.worker = asyncio.current_task()
        self.waiting_since: float | None = None

    def __enter__(self) -> Self:
        feed().listeners.add(self.look)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        feed().listeners.discard(self.look)

    async def send(self, message: dict[str, Any]) -> None:
        oldest = self.waiting_since is None
        if oldest:
            self.waiting_since = time.monotonic()
        try:
            await self.forward(message)
        finally:
            if oldest:
                self.waiting_since = None

    def look(self) -> None:
        """Called by the feed at each heartbeat and while the process drains."""
        longest = STUCK_AT_DRAIN_S if feed().draining else STUCK_HEARTBEATS * settings.HEARTBEAT_S
        if self.waiting_since is None or time.monotonic() - self.waiting_since < longest:
            return
        if not self.drop() and self.worker is not None:
            self.worker.cancel()
