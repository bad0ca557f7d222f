"""Lets go of clients that have stopped reading: a send to one of them may wait without end."""

import asyncio
from types import TracebackType
from typing import Any, Self

from generation.consumers.base import Send
from generation.feed import feed

# How long a send may wait: as a rule, and once the process wants to end. Letting go frees what we hold for the client;
# its connection is the server's to drop.
STUCK_S = 30
STUCK_AT_DRAIN_S = 3


class Patience:
    """Sends for one connection, and cancels its worker when the oldest send has waited too long."""

    def __init__(self, send: Send) -> None:
        self.forward = send
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
            self.waiting_since = feed().loop.time()
        try:
            await self.forward(message)
        finally:
            if oldest:
                self.waiting_since = None

    def look(self) -> None:
        """Called by the feed at each heartbeat and while the process drains."""
        longest = STUCK_AT_DRAIN_S if feed().draining else STUCK_S
        if self.waiting_since is None or feed().loop.time() - self.waiting_since < longest:
            return
        if self.worker is not None:
            self.worker.cancel()
