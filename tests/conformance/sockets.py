"""A WebSocket of the server under test."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.conformance.target import Target
from tests.support.clients import Envelope, authorised

ANSWER_WITHIN_S = 20


@asynccontextmanager
async def socket_to(target: Target, path: str, token: str | None = None) -> AsyncIterator[ClientConnection]:
    """Opened by the target's user, or with another token."""
    url = target.base_url.replace("http", "ws", 1) + path
    headers = authorised(target.token if token is None else token)
    async with connect(url, additional_headers=headers, proxy=None, max_queue=None) as socket:
        yield socket


async def hear(socket: ClientConnection) -> dict[str, Any]:
    """The next message that is no heartbeat."""
    async with asyncio.timeout(ANSWER_WITHIN_S):
        while (message := json.loads(await socket.recv())) == {"event": "ping"}:
            pass
    heard: dict[str, Any] = message
    return heard


async def ask(socket: ClientConnection, **command: Any) -> dict[str, Any]:
    """The answer to a command, passing over events."""
    await socket.send(json.dumps(command))
    while "type" not in (message := await hear(socket)):
        pass
    return message


async def until_closed(socket: ClientConnection) -> tuple[int | None, list[Envelope]]:
    """The close code, and what came before it."""
    heard: list[Envelope] = []
    try:
        while True:
            heard.append(await hear(socket))
    except ConnectionClosed:
        return socket.close_code, heard
