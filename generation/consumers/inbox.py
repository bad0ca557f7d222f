"""What a client has sent and its socket has not looked at yet. Daphne would keep any amount of it."""

import asyncio
from typing import Any

from generation.consumers.base import Receive
from generation.errors import RateLimited

MAX_BYTES = 4_194_304
# What a message takes beside its text.
OVERHEAD_BYTES = 512
GONE: dict[str, Any] = {"type": "websocket.disconnect"}


class Inbox:
    """Reads ahead of the socket, so that it is known how much waits."""

    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.unread: asyncio.Queue[tuple[int, dict[str, Any]]] = asyncio.Queue()
        self.bytes = 0

    async def fill(self) -> None:
        """Take in what comes, until the client leaves. Raises RateLimited when too much of it waits."""
        try:
            while (message := await self.receive())["type"] != GONE["type"]:
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
