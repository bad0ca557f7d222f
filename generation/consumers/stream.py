"""Server-sent events: one run's log to one client, from its cursor to the end."""

import asyncio
import contextlib
import random
import uuid
from abc import abstractmethod
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import structlog
from django.conf import settings

from generation import runs
from generation.consumers.base import Headers, HttpConsumer, refusal_headers, run_for
from generation.consumers.open_streams import open_streams
from generation.consumers.owned import owned
from generation.consumers.patience import Patience
from generation.consumers.reconnects import reconnects
from generation.dialects.html import Html
from generation.errors import HepError, Invalid, ServerError
from generation.feed import feed
from generation.models import Reconnect, Run
from generation.serializers import start_request
from generation.wire import SSE_PING, Frame, parse_cursor, refusal_frame, retry_frame

logger = structlog.get_logger(__name__)

RETRY_MS = 1000
# After a shutdown or a cut the clients come back spread over this time.
COME_BACK_MS = (1000, 5000)
FAREWELL_S = 1


class Dialect(Protocol):
    """How a stream writes what it says; the canonical protocol and each older one are such."""

    async def frames(self, frames: Sequence[Any]) -> bytes: ...

    def refusal(self, error: HepError) -> bytes: ...


class Source(Protocol):
    """What a stream is pulled from: a run's `feed.Watcher`, or the state of a batch."""

    @property
    def at_end(self) -> bool: ...

    def close(self) -> None: ...

    async def batch(self) -> Sequence[Any] | None: ...


class Canonical:
    def __init__(self, named: bool = False) -> None:
        self.named = named
        # Readers of one run take the same frames one after the other: of 500 only the first has them encoded.
        self.last: tuple[Frame, Frame] | None = None
        self.body = b""

    async def frames(self, frames: Sequence[Frame]) -> bytes:
        first_and_last = frames[0], frames[-1]
        if self.last != first_and_last:
            self.body = b"".join([frame.named_sse if self.named else frame.sse for frame in frames])
            self.last = first_and_last
        return self.body

    def refusal(self, error: HepError) -> bytes:
        return refusal_frame(error)


CANONICAL, NAMED = Canonical(), Canonical(named=True)
# What follows the headers: how soon an EventSource comes back.
OPENING = retry_frame(RETRY_MS)


class StreamConsumer(HttpConsumer):
    """The machinery that all streams share; subclasses find the run and the cursor."""

    dialect: Dialect = CANONICAL
    owned = False
    # What is shown and where from, once it is.
    shown: uuid.UUID | None = None
    source: Source | None = None

    async def answer(self) -> None:
        # Before anything is started: a stream that is refused must leave nothing behind.
        with open_streams().hold(self):
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

    async def follow(self, run: Run, after: int, more_headers: Mapping[str, str] | None = None) -> None:
        """Answer with the run's events past `after` until the log ends or the client leaves."""
        async with await feed().follow(run, after) as watcher:
            if watcher.at_end:
                await self.send_response(204, b"")
                return
            await watcher.require_kept()
            reconnects().note(run, self.identity.user, Reconnect.Way.SSE, after)
            more = [(name.encode(), text.encode()) for name, text in (more_headers or {}).items()]
            await self.send_headers(headers=[*self.stream_headers(), *more])
            await self.stream(watcher, run.uid, run)

    def shows(self) -> Iterable[uuid.UUID]:
        return () if self.shown is None else (self.shown,)

    def lose(self, shown: uuid.UUID | None, error: HepError) -> None:
        if self.source is not None:
            self.source.close()

    async def stream(self, watcher: Source, shown: uuid.UUID, run: Run | None = None) -> None:
        self.source, self.shown = watcher, shown
        leaving = asyncio.ensure_future(self.close_on_disconnect(watcher))
        # Somebody else's reading of a run does not own it, whatever endpoint it came by.
        held = run if self.owned and run is not None and run.owner_id == self.identity.user.pk else None
        if held is not None:
            owned().attach(held.pk)
        last: bytes | None = b""
        try:
            with Patience(self.base_send, self.scope) as patience:
                last = await self.pump(watcher, patience)
        except asyncio.CancelledError:
            # Daphne cancels what runs when it shuts down, Patience whoever is stuck; they come back by their cursor.
            last = come_back()
            raise
        except Exception as error:
            logger.error("stream_failed", error=type(error).__name__, path=self.scope["path"])
            last = come_back() + self.dialect.refusal(ServerError())
        finally:
            left = leaving.done() and leaving.exception() is None
            leaving.cancel()
            if held is not None:
                owned().detach(held, self.identity.user, gone=left and not feed().draining and not watcher.at_end)
            if last is not None and not left:
                await farewell(self.send_body(last))

    async def pump(self, watcher: Source, patience: Patience) -> bytes | None:
        """Send until there is no more; returns what the stream should end with, None if it has been ended."""
        sent, most, send = 0, settings.STREAM_MAX_BYTES, patience.send
        encode = self.dialect.frames
        await send({"type": "http.response.body", "body": OPENING, "more_body": True})
        while (frames := await watcher.batch()) is not None:
            body = await encode(frames) if frames else SSE_PING
            sent += len(body)
            # The end goes with the last frames: one write less.
            ended = watcher.at_end
            await send({"type": "http.response.body", "body": body, "more_body": not ended})
            if ended:
                return None
            if sent >= most:
                patience.part()
                return come_back()
        return come_back() if feed().draining and not watcher.at_end else b""

    async def close_on_disconnect(self, watcher: Source) -> None:
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

    takes_ticket = True

    async def serve(self) -> None:
        given = self.headers.get("last-event-id"), self.query("after")
        # Each must be a cursor, also the one that does not count.
        cursors = [parse_cursor(cursor) for cursor in given if cursor is not None]
        after = cursors[0] if cursors else 0
        form = self.query("as")
        if form not in (None, "html"):
            raise Invalid(fields={"as": ["Only 'html' is known."]})
        run = await run_for(self.identity, self.path_argument("run_id"))
        self.dialect = Html(run.language) if form else NAMED if self.query("named") == "1" else CANONICAL
        await self.follow(run, after)


class StartStream(StreamConsumer):
    """`POST /api/runs/stream`: start a run and follow it in the same answer."""

    methods = ("POST",)

    async def serve(self) -> None:
        body, user = await self.json_body(), self.identity.user

        def start() -> Run:
            kind, cleaned = start_request(body)
            return runs.start(user, kind, cleaned)

        run = await self.start_once(start, "run", body)
        await self.follow(run, 0, self.location(run))
