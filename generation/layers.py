"""The channel layer of a single process.

Channels' own in-memory layer copies each message deeply, makes a task per member and looks at every channel for
expired messages on every send. Here a group holds its channels' queues, and a send is an append. Messages
are shared, so a receiver must not change them. A queue that is full drops what arrives, as every channel
layer may; the feed reads the log whenever it finds a gap.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Iterable
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer

Message = dict[str, Any]


class Queue:
    """The waiting messages of one channel; it lives as long as the layer, in which a process has one."""

    __slots__ = ("messages", "waiter")

    def __init__(self) -> None:
        self.messages: deque[Message] = deque()
        self.waiter: asyncio.Future[None] | None = None

    def put(self, message: Message) -> None:
        self.messages.append(message)
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def get(self) -> Message:
        while not self.messages:
            self.waiter = asyncio.get_running_loop().create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None
        return self.messages.popleft()


class InProcessChannelLayer(BaseChannelLayer):  # type: ignore[misc]
    extensions = ["groups", "flush"]

    def __init__(self, expiry: int = 60, capacity: int = 10_000, channel_capacity: Any = None, **_: Any) -> None:
        super().__init__(expiry=expiry, capacity=capacity, channel_capacity=channel_capacity)
        self.queues: dict[str, Queue] = {}
        self.groups: dict[str, dict[str, Queue]] = {}

    async def new_channel(self, prefix: str = "specific") -> str:
        return f"{prefix}.inprocess!{secrets.token_urlsafe(12)}"

    async def send(self, channel: str, message: Message) -> None:
        self.require_valid_channel_name(channel)
        queue = self._queue(channel)
        if len(queue.messages) >= self.capacity:
            raise ChannelFull(channel)
        queue.put(message)

    async def receive(self, channel: str) -> Message:
        return await self._queue(channel).get()

    async def group_add(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.groups.setdefault(group, {})[channel] = self._queue(channel)

    async def group_discard(self, group: str, channel: str) -> None:
        members = self.groups.get(group)
        if members is not None and members.pop(channel, None) is not None and not members:
            del self.groups[group]

    async def group_send(self, group: str, message: Message) -> None:
        members: Iterable[Queue] = self.groups.get(group, {}).values()
        for queue in members:
            if len(queue.messages) < self.capacity:
                queue.put(message)

    async def flush(self) -> None:
        self.queues.clear()
        self.groups.clear()

    def _queue(self, channel: str) -> Queue:
        queue = self.queues.get(channel)
        if queue is None:
            queue = self.queues[channel] = Queue()
        return queue
