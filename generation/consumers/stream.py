"""Server-sent events: one run's log to one client, from its cursor to the end."""

import asyncio
import contextlib
import random
from abc import abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Protocol

import structlog
from django.conf import settings

from generation import runs
from generation.consumers.base import Headers, HttpConsumer, Send, refusal_headers
from generation.consumers.open_streams import open_stream
from generation.consumers.owned import owned
from generation.consumers.patience import Patience
from generation.database import in_database
from generation.errors import HepError, ServerError
from generation.feed import Watcher, feed
from generation.models import Run
from generation.serializers import start_request
from generation.wire import SSE_PING, Frame, json_frame, parse_cursor, retry_frame

logger = structlog.get_logger(__name__)

RETRY_MS = 1000
# After a shutdown or a cut the clients come back spread over this time.
COME_BACK_MS = (1000, 5000)
FAREWELL_S = 1


class Dialect(Protocol):
    """How a stream writes what it says; the canonical protocol and each older one are such."""

    async def frames(self, frames: Sequence[Frame]) -> bytes: ...

    def refusal(self, error: HepError) -> bytes: ...


class Canonical:
    def __init__(self, named: bool = False) -> None:
        self.named = named

    async def frames(self, frames: Sequence[Frame]) -> bytes:
        return b"".join([frame.named_sse if self.named else frame.sse for frame in frames])

    def refusal(self, error: HepError) -> bytes:
        # No number and no run: it is said of the stream, not of the run, and is in no log.
        return json_frame({"event": "error", "data": error.body()["error"]}, event="stream_error")


class StreamConsumer(HttpConsumer):
    """The machinery that all streams share; subclasses find the run and the cursor."""

    dialect: Dialect = Canonical()
    owned = False

    async def answer(self) -> None:
        # Before anything is started: a stream that is refused must leave nothing behind.
        with open_stream(self.identity.user.pk):
            await self.serve()

    @abstractmethod
    async def serve(self) -> None:
        """Find the run and the cursor, and `follow`. Raises HepError."""

    async def refuse(self, error: HepError) -> None:
        accepts = self.headers.get("accept", "*/*")
        if self.scope["method"] == "POST" and ("text/event-stream" in accepts or "*/*" in accepts):
            headers = [(name.encode(), text.encode()) for name, text in refusal_headers(error).items()]
            await self.send_headers(status=error.status, headers=[*self.stream_headers(), *headers])
            await self.send_body(self.dialect.refusal(error))
        else:
            await super().refuse(error)

    def stream_headers(self) -> Headers:
        headers = [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache, no-transform"),
            (b"x-accel-buffering", b"no"),
        ]
        if self.scope.get("http_version", "1.1") == "1.1":
            headers.append((b"connection", b"keep-alive"))
        return headers

    async def follow(self, run: Run, after: int, location: str | None = None) -> None:
        """Answer with the run's events past `after` until the log ends or the client leaves."""
        async with await feed().follow(run, after) as watcher:
            if watcher.at_end:
                await self.send_response(204, b"")
                return
            await watcher.require_kept()
            headers = self.stream_headers()
            if location is not None:
                headers.append((b"location", location.encode()))
            await self.send_headers(headers=headers)
            await self.stream(run, watcher)

    async def stream(self, run: Run, watcher: Watcher) -> None:
        leaving = asyncio.ensure_future(self.close_on_disconnect(watcher))
        # Somebody else's reading of a run does not own it, whatever endpoint it came by.
        is_owner = self.owned and run.owner_id == self.identity.user.pk
        if is_owner:
            owned().attach(run.pk)
        last = b""
        try:
            await self.send_body(retry_frame(RETRY_MS), more_body=True)
            with Patience(self.base_send) as patience:
                last = await self.pump(watcher, patience.send)
        except asyncio.CancelledError:
            # Daphne cancels what runs when it shuts down, Patience whoever is stuck; they come back by their cursor.
            last = come_back()
            raise
        except Exception as error:
            logger.error("stream_failed", error=type(error).__name__, run=str(run.uid))
            last = come_back() + self.dialect.refusal(ServerError())
        finally:
            left = leaving.done() and leaving.exception() is None
            leaving.cancel()
            if is_owner:
                owned().detach(run, self.identity.user, gone=left and not feed().draining and not watcher.at_end)
            if not left:
                await farewell(self.send_body(last))

    async def pump(self, watcher: Watcher, send: Send) -> bytes:
        """Send until there is no more; returns what the stream should end with."""
        sent = 0
        encode = self.dialect.frames
        while (frames := await watcher.batch()) is not None:
            body = await encode(frames) if frames else SSE_PING
            sent += len(body)
            await send({"type": "http.response.body", "body": body, "more_body": True})
            if sent >= settings.STREAM_MAX_BYTES:
                return come_back()
        return come_back() if feed().draining and not watcher.at_end else b""

    async def close_on_disconnect(self, watcher: Watcher) -> None:
        try:
            await self.disconnected()
        finally:
            watcher.close()


async def farewell(sending: Awaitable[None]) -> None:
    """Send the last words, unless the client has stopped taking any."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(FAREWELL_S):
            await sending


def come_back() -> bytes:
    return retry_frame(random.randint(*COME_BACK_MS))  # noqa: S311 - spreads load, guards nothing


class RunStream(StreamConsumer):
    """`GET /api/runs/{id}/stream`."""

    async def serve(self) -> None:
        run_id, user = self.path_argument("run_id"), self.identity.user
        cursor = self.headers.get("last-event-id")
        if cursor is None:
            cursor = self.query("after")
        after = parse_cursor(cursor) if cursor is not None else 0
        self.dialect = Canonical(named=self.query("named") == "1")
        run = await in_database(lambda: runs.get_run_for(user, run_id))
        await self.follow(run, after)


class StartStream(StreamConsumer):
    """`POST /api/runs/stream`: start a run and follow it in the same answer."""

    methods = ("POST",)

    async def serve(self) -> None:
        body, user = await self.json_body(), self.identity.user

        def start() -> Run:
            kind, cleaned = start_request(body)
            return runs.start(user, kind, cleaned)

        run = await in_database(start)
        await self.follow(run, 0, location=f"/api/runs/{run.uid}")
