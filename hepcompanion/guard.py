"""The outermost layer: no exception leaves a started response, and no body is larger than we allow.

One exception after the headers stops Daphne's reaper for the rest of the process, so the last word on every
response is said here.
"""

import asyncio
from typing import Any

import orjson
import structlog
from django.conf import settings

from generation.consumers.base import refusal_headers
from generation.errors import HepError, Restarting, ServerError, TooLarge
from generation.traces import where
from hepcompanion.lifecycle import ensure_started

logger = structlog.get_logger(__name__)

FAREWELL_S = 1


class Guard:
    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.application(scope, receive, send)
            return
        answer = Answer(scope, receive, send)
        try:
            await ensure_started()
            await self.application(scope, answer.receive, answer.send)
            await answer.end(ServerError())
        except asyncio.CancelledError:
            await answer.end(Restarting())
            raise
        except HepError as error:
            await answer.end(error)
        except ClientLeft:
            logger.info("client_left")
        except Exception as error:
            logger.error("request_failed", path=scope.get("path"), error=type(error).__name__, at=where(error))
            await answer.end(ServerError())


class ClientLeft(Exception):
    """A send found nobody there; uvicorn says so by an OSError, Daphne not at all."""


class Answer:
    """Knows how far a response has come, and can end it from there."""

    __slots__ = ("ended", "fetch", "forward", "room", "started", "websocket")

    def __init__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        self.websocket = scope["type"] == "websocket"
        self.fetch, self.forward = receive, send
        self.started = self.ended = False
        # Bytes of a body that may still come; none when the request itself says that it is too large.
        self.room = settings.MAX_BODY_BYTES
        if not self.websocket and declared_length(scope) > self.room:
            self.room = -1

    async def receive(self) -> Any:
        """Raises TooLarge once the body is past MAX_BODY_BYTES, before it is read if it says so itself."""
        if self.room < 0:
            raise TooLarge
        message = await self.fetch()
        if message["type"] == "http.request":
            self.room -= len(message.get("body", b""))
            if self.room < 0:
                raise TooLarge
        elif message["type"] in ("http.disconnect", "websocket.disconnect"):
            # Nobody is there to end it for.
            self.ended = True
        return message

    async def send(self, message: dict[str, Any]) -> None:
        kind = message["type"]
        if kind == "http.response.body":
            if not message.get("more_body"):
                self.ended = True
        elif kind in ("http.response.start", "websocket.accept"):
            self.started = True
        elif kind == "websocket.close":
            self.ended = True
        try:
            await self.forward(message)
        except OSError as error:
            raise ClientLeft from error

    async def end(self, error: HepError) -> None:
        if self.ended:
            return
        self.ended = True
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self.say_last(error)
        except Exception as failure:
            logger.info("client_was_gone", error=type(failure).__name__)

    async def say_last(self, error: HepError) -> None:
        if self.websocket:
            await self.forward({"type": "websocket.close", "code": 1011})
        elif not self.started:
            headers = [
                (b"content-type", b"application/json"),
                (b"cache-control", b"no-store"),
                *((name.encode(), text.encode()) for name, text in refusal_headers(error).items()),
            ]
            await self.forward({"type": "http.response.start", "status": error.status, "headers": headers})
            await self.forward({"type": "http.response.body", "body": orjson.dumps(error.body())})
        else:
            await self.forward({"type": "http.response.body", "body": b""})


def declared_length(scope: dict[str, Any]) -> int:
    """The Content-Length, 0 without one."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
