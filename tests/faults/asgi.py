"""The application driven by hand on the running loop, so that a test sees what a connection leaves behind."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from channels.layers import get_channel_layer

from generation.consumers.open_streams import open_streams
from generation.feed import feed
from generation.hints import group_of
from hepcompanion.asgi import application

Message = dict[str, Any]
HOST = [(b"host", b"127.0.0.1")]
DISCONNECT = {"http": {"type": "http.disconnect"}, "websocket": {"type": "websocket.disconnect", "code": 1006}}


@dataclass
class Connection:
    """One connection to the application; `sent` is what came out of it."""

    scope: Message
    sent: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.inbox: asyncio.Queue[Message] = asyncio.Queue()
        self.grown = asyncio.Event()

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        self.grown.set()

    def open(self, *messages: Message) -> None:
        """Start the application, with these messages waiting for it already."""
        for message in messages:
            self.inbox.put_nowait(message)
        self.task = asyncio.ensure_future(application(self.scope, self.inbox.get, self.send))

    def leave(self) -> None:
        self.inbox.put_nowait(DISCONNECT[self.scope["type"]])

    async def until(self, seen: Callable[[list[Message]], bool], within_s: float = 10) -> None:
        async with asyncio.timeout(within_s):
            while not seen(self.sent):
                self.grown.clear()
                await self.grown.wait()

    async def ended(self, within_s: float = 10) -> None:
        """Wait for the application; an exception that left it is raised here."""
        await asyncio.wait_for(asyncio.shield(self.task), within_s)

    @property
    def status(self) -> int:
        [start] = [message for message in self.sent if message["type"] == "http.response.start"]
        status: int = start["status"]
        return status

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode().lower(): value.decode() for name, value in self.sent[0]["headers"]}

    @property
    def answered(self) -> bool:
        """Whether the last body has come."""
        bodies = [message for message in self.sent if message["type"] == "http.response.body"]
        return bool(bodies) and not bodies[-1].get("more_body", False)

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent if message["type"] == "http.response.body")

    @property
    def close_code(self) -> int | None:
        codes = [message["code"] for message in self.sent if message["type"] == "websocket.close"]
        return codes[-1] if codes else None


def http(method: str, path: str, token: str, body: bytes | None = None, **headers: str) -> Connection:
    """A request; a client that has sent its whole body says no more until it leaves."""
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    route, _, query = path.partition("?")
    connection = Connection(
        {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": route,
            "raw_path": route.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [*HOST, (b"authorization", f"Token {token}".encode()), *given],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
    )
    connection.inbox.put_nowait({"type": "http.request", "body": body or b"", "more_body": False})
    return connection


def websocket(path: str, token: str) -> Connection:
    route, _, query = path.partition("?")
    connection = Connection(
        {
            "type": "websocket",
            "asgi": {"version": "3.0"},
            "scheme": "ws",
            "path": route,
            "raw_path": route.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [*HOST, (b"authorization", f"Token {token}".encode())],
            "subprotocols": [],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
    )
    connection.inbox.put_nowait({"type": "websocket.connect"})
    return connection


def left_behind() -> dict[str, Any]:
    """Everything in this process that a connection may add to."""
    own = feed()
    layer = get_channel_layer()
    kept = {group_of(uid_hex) for uid_hex in own.unwatched}
    return {
        "tasks": {task for task in asyncio.all_tasks() if not task.done()},
        # Less those that are kept for a while in case their reader comes back.
        "tails": set(own.tails) - set(own.unwatched),
        "watchers": sum(len(tail.watchers) for tail in own.tails.values()),
        "listeners": len(own.listeners),
        "groups": {name: set(members) for name, members in layer.groups.items() if name not in kept},
        "channels": set(layer.queues),
        "open streams": dict(open_streams().of),
    }


async def assert_nothing_left(before: dict[str, Any], within_s: float) -> None:
    give_up = time.monotonic() + within_s
    while (now := left_behind()) != before and time.monotonic() < give_up:  # noqa: ASYNC110 - nothing tells
        await asyncio.sleep(0.02)
    assert {name: now[name] for name in now if now[name] != before[name]} == {}
