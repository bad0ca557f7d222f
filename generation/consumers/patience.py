"""Lets go of clients that have stopped reading: a send to one of them may wait without end."""

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self

from django.conf import settings

from generation.consumers.base import Send
from generation.feed import feed

# How long a send may wait: as a rule, in heartbeats, and once the process wants to end.
STUCK_HEARTBEATS = 2
STUCK_AT_DRAIN_S = 3
# What a server may hold for a client before its stream waits, and how often it then looks.
MOST_UNSENT = 1_000_000
LOOK_AGAIN_S = 0.02


class Connection(Protocol):
    """What a scope's `connection` can do (hepcompanion/dropping.py)."""

    def unsent(self) -> int: ...

    def drop(self) -> bool: ...


class Patience:
    """Sends for one connection, and drops it when the oldest send has waited too long.

    Where the server has no way to drop it its worker is cancelled, which at least frees what we hold for the client.
    """

    __slots__ = ("connection", "forward", "waiting_since", "worker")

    def __init__(self, send: Send, scope: Mapping[str, Any]) -> None:
        self.forward = send
        self.connection: Connection | None = scope.get("connection")
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
            # uvicorn has waited by itself; Daphne takes any amount at once and keeps it.
            while self.connection is not None and self.connection.unsent() > MOST_UNSENT:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(LOOK_AGAIN_S)
        finally:
            if oldest:
                self.waiting_since = None

    def look(self) -> None:
        """Called by the feed at each heartbeat and while the process drains."""
        longest = STUCK_AT_DRAIN_S if feed().draining else STUCK_HEARTBEATS * settings.HEARTBEAT_S
        if self.waiting_since is None or time.monotonic() - self.waiting_since < longest:
            return
        dropped = self.connection is not None and self.connection.drop()
        if not dropped and self.worker is not None:
            self.worker.cancel()

    def part(self) -> None:
        """Called when a stream has had its share: drops the connection if its client goes on reading nothing.

        Daphne would keep what it can't get rid of as long as the client likes.
        """
        if self.connection is not None and self.connection.unsent():
            feed().loop.call_later(settings.HEARTBEAT_S, self.look_at_unsent, self.connection)

    def look_at_unsent(self, connection: Connection) -> None:
        # Only now: at first the kernel takes what nobody reads.
        if unsent := connection.unsent():
            feed().loop.call_later(settings.HEARTBEAT_S, self.drop_if_untouched, connection, unsent)

    def drop_if_untouched(self, connection: Connection, unsent: int) -> None:
        if connection.unsent() >= unsent:
            connection.drop()
