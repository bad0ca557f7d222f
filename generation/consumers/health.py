"""Whether the process lives, and whether it can do its work: for load balancers and supervisors, without sign-in."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

import structlog
from channels.layers import get_channel_layer
from django.db import connection

from generation import runs
from generation.consumers.base import HttpConsumer
from generation.database import in_database
from generation.errors import MethodNotAllowed

logger = structlog.get_logger(__name__)

CHECK_S = 2.0
_channels: "WeakKeyDictionary[Any, str]" = WeakKeyDictionary()
_probing = asyncio.Lock()


class Health(HttpConsumer):
    """`GET /healthz`. Any host will do, since probes come by address, and nobody need sign in."""

    methods = ("GET", "HEAD")

    async def admit(self) -> None:
        if self.scope["method"] not in self.methods:
            raise MethodNotAllowed(*self.methods)

    async def answer(self) -> None:
        await self.respond(200, {"status": "ok"})


class Readiness(Health):
    """`GET /readyz`: the database, the channel layer and the engine, each given CHECK_S to answer.

    How the model server was found is told beside them and makes nothing unready: `auto` does without it.
    """

    async def answer(self) -> None:
        parts = {"database": read, "channel_layer": round_trip, "engine": engine}
        found = await asyncio.gather(*(state_of(name, check) for name, check in parts.items()))
        ready = all(state == "ok" for state in found)
        checks = dict(zip(parts, found, strict=True)) | {"model": runs.model_state()}
        body = {"status": "ok" if ready else "unavailable", "checks": checks}
        await self.respond(200 if ready else 503, body, {} if ready else {"retry-after": "5"})


async def state_of(name: str, check: Callable[[], Awaitable[None]]) -> str:
    try:
        async with asyncio.timeout(CHECK_S):
            await check()
    except Exception as error:
        logger.warning("not_ready", part=name, error=type(error).__name__)
        return "unavailable"
    return "ok"


async def read() -> None:
    def ask() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")

    await in_database(ask)


async def round_trip() -> None:
    """Send a message through the layer and take it out again."""
    layer, nonce = get_channel_layer(), secrets.token_hex(8)
    async with _probing:
        try:
            # One channel for all probes: a layer keeps each that it has given a name.
            channel = _channels.get(layer) or await layer.new_channel("ready")
            _channels[layer] = channel
            await layer.send(channel, {"type": "ready", "nonce": nonce})
            while (await layer.receive(channel))["nonce"] != nonce:
                pass
        except BaseException:
            # A layer may drop the channel of a receiver that gave up.
            _channels.pop(layer, None)
            raise


async def engine() -> None:
    if not runs.engine_running():
        raise RuntimeError
