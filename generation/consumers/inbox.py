"""What a client has sent and its socket has not looked at yet. Daphne would keep any amount of it."""

import asyncio
import contextlib
from typing import Any

from generation.consumers.base import Receive
from generation.errors import RateLimited

MAX_BYTES = 4_194_304
# What a message takes beside its text.
OVERHEAD_BYTES = 512
# Daphne drops who does not answer a close within a second.
CLOSES_WITHIN_S = 2
GONE: dict[str, Any] = {"type": "websocket.disconnect"}


class Inbox:
    """Reads ahead of the socket, so that it is known how much waits."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.unread: asyncio.Queue[tuple[int, dict[str, Any]]] = asyncio.Queue()
        self.bytes = 0
        self.left = False

    async def take(self) -> dict[str, Any]:
        message = await self.receive()
        self.left = message["type"] == GONE["type"]
        return message

    async def fill(self) -> None:
        """Take in what comes, until the client leaves. Raises RateLimited when too much of it waits."""
        try:
            while not self.left:
                message = await self.take()
                size = OVERHEAD_BYTES + len(message.get("text") or message.get("bytes") or "")
                self.bytes += size
                # One alone is for the socket to judge.
                if self.bytes > MAX_BYTES and not self.unread.empty():
                    raise RateLimited
                self.unread.put_nowait((size, message))
        finally:
            self.unread.put_nowait((0, GONE))

    async def next(self) -> dict[str, Any]:
        """The oldest message, once there is one; the last is a disconnect."""
        size, message = await self.unread.get()
        self.bytes -= size
        return message

    async def outlast(self) -> None:
        """After a close by the server: take in and forget what still comes, until the client has gone too."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSES_WITHIN_S):
                while not self.left:
                    await self.take()
