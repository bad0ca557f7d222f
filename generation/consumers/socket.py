"""WebSockets: one run's log, or many runs over one connection, and the commands that steer them."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from generation import runs
from generation.consumers.base import SECURE, Receive, Send, header_map, require_known_host
from generation.consumers.open_streams import open_stream
from generation.database import in_database
from generation.errors import (
    CursorExpired,
    HepError,
    Invalid,
    NotAllowed,
    NotFound,
    NotSignedIn,
    RateLimited,
    ServerError,
)
from generation.feed import Watcher, feed
from generation.models import Run
from generation.permissions import Identity, allowed_origin, identify
from generation.serializers import start_request
from generation.wire import MAX_CURSOR, WS_PING, parse_cursor

logger = structlog.get_logger(__name__)

MAX_FRAME_BYTES = 65_536

FINISHED, GOING_AWAY, TOO_BIG, TRY_AGAIN = 1000, 1001, 1009, 1012
CLOSE_CODES: dict[type[HepError], int] = {
    Invalid: 4400,
    NotSignedIn: 4401,
    NotAllowed: 4403,
    NotFound: 4404,
    CursorExpired: 4410,
    RateLimited: 4429,
}


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """`/ws/`: many runs. Frames of the server are envelopes, answers to commands carry a `type`."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self.receive_message, self.send_message = scope, receive, send
        self.headers = header_map(scope)
        self.watchers: dict[str, Watcher] = {}
        self.pumps: set[asyncio.Task[None]] = set()
        self.sent_bytes = 0
        self.closing: int | None = None
        # Held while a command is answered, so that the end of a run does not close the socket on the answer.
        self.answering = asyncio.Lock()
        await receive()
        # Accepted first: a socket that is closed before that is a bare 403 to the browser, without our code.
        await send({"type": "websocket.accept"})
        try:
            self.identity = await self.admit()
            with open_stream(self.identity.user.pk):
                await self.serve()
        except HepError as error:
            await self.close_with(CLOSE_CODES.get(type(error), 4400))

    async def admit(self) -> Identity:
        require_known_host(self.headers)
        origin = self.headers.get("origin")
        secure = self.scope.get("scheme") in SECURE
        if origin is not None and not allowed_origin(origin, self.headers["host"], secure):
            raise NotAllowed
        identity = await in_database(lambda: identify(self.headers))
        if identity.by_cookie and origin is None:
            raise NotAllowed
        return identity

    async def serve(self) -> None:
        feed().listeners.add(self.on_beat)
        try:
            await self.opened()
            while self.closing is None:
                message = await self.receive_message()
                if message["type"] == "websocket.disconnect":
                    return
                async with self.answering:
                    await self.on_message(message)
        except asyncio.CancelledError:
            await self.close_with(GOING_AWAY)
            raise
        finally:
            feed().listeners.discard(self.on_beat)
            for pump in list(self.pumps):
                pump.cancel()
            await asyncio.gather(*self.pumps, return_exceptions=True)

    async def opened(self) -> None:
        """What a socket does before it reads commands."""

    def on_beat(self) -> None:
        if feed().draining:
            self.spawn(self.close_with(GOING_AWAY))
        else:
            self.spawn(self.send_message({"type": "websocket.send", "text": WS_PING}))

    def spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self.pumps.add(task)
        task.add_done_callback(self.pumps.discard)

    async def on_message(self, message: dict[str, Any]) -> None:
        text = message.get("text")
        frame = message.get("bytes") or b"" if text is None else text.encode(errors="surrogatepass")
        if len(frame) > MAX_FRAME_BYTES:
            await self.close_with(TOO_BIG)
            return
        ref: Any = None
        try:
            command = parse_command(text)
            ref = ref_of(command)
            run_id = await self.obey(command)
            answer = {"type": "ok", "ref": ref, "run": run_id}
        except HepError as error:
            answer = {"type": "error", "ref": ref, **error.body()["error"]}
        except Exception as error:
            logger.error("command_failed", error=type(error).__name__)
            answer = {"type": "error", "ref": ref, **ServerError().body()["error"]}
        await self.send_message({"type": "websocket.send", "text": orjson.dumps(answer).decode()})

    async def obey(self, command: dict[str, Any]) -> str | None:
        """Carry out a command and return the id of its run. Raises HepError."""
        work: Callable[[dict[str, Any]], Any] | None = {
            "subscribe": self.subscribe,
            "unsubscribe": self.unsubscribe,
            "start": self.start,
            "cancel": self.cancel,
            "ping": self.answer_ping,
        }.get(text_of(command, "type"))
        if work is None:
            raise Invalid("This command is not known here.", fields={"type": ["Unknown."]})
        run_id: str | None = await work(command)
        return run_id

    async def subscribe(self, command: dict[str, Any]) -> str:
        after = command.get("after", 0)
        if type(after) is not int or not 0 <= after <= MAX_CURSOR:
            raise Invalid("The cursor must be a plain number.", fields={"after": ["Not a cursor."]})
        run = await self.run_of(command)
        await self.watch(run, after)
        return str(run.uid)

    async def unsubscribe(self, command: dict[str, Any]) -> str:
        run_id = text_of(command, "run")
        if (watcher := self.watchers.pop(run_id, None)) is not None:
            watcher.close()
        return run_id

    async def start(self, command: dict[str, Any]) -> str:
        request = {name: command[name] for name in ("kind", "input") if name in command}

        def start() -> Run:
            kind, cleaned = start_request(request)
            return runs.start(self.identity.user, kind, cleaned)

        return str((await in_database(start)).uid)

    async def cancel(self, command: dict[str, Any]) -> str:
        run_id = text_of(command, "run")
        run, _ = await in_database(lambda: runs.cancel(self.identity.user, run_id))
        return str(run.uid)

    async def answer_ping(self, command: dict[str, Any]) -> None:
        return None

    async def run_of(self, command: dict[str, Any]) -> Run:
        run_id = text_of(command, "run")
        return await in_database(lambda: runs.get_run_for(self.identity.user, run_id))

    async def watch(self, run: Run, after: int) -> None:
        """Follow a run from `after`; one that is followed already just moves its cursor."""
        run_id = str(run.uid)
        watcher = await feed().follow(run, after)
        if (former := self.watchers.get(run_id)) is not None:
            former.close()
        self.watchers[run_id] = watcher
        self.spawn(self.pump(watcher))

    async def pump(self, watcher: Watcher) -> None:
        try:
            async with watcher:
                while (frames := await watcher.batch()) is not None:
                    for frame in frames:
                        text = frame.body.decode()
                        self.sent_bytes += len(text)
                        await self.send_message({"type": "websocket.send", "text": text})
                    if self.sent_bytes >= settings.STREAM_MAX_BYTES:
                        await self.close_with(TRY_AGAIN)
                        return
            if watcher.at_end:
                await self.ended(watcher)
        except CursorExpired:
            await self.close_with(CLOSE_CODES[CursorExpired])
        except Exception as error:
            logger.error("socket_failed", error=type(error).__name__, run=watcher.tail.run_id)
            await self.close_with(TRY_AGAIN)

    async def ended(self, watcher: Watcher) -> None:
        """Called when a run's log has been sent to its end."""
        if self.watchers.get(watcher.tail.run_id) is watcher:
            del self.watchers[watcher.tail.run_id]

    async def close_with(self, code: int) -> None:
        if self.closing is None:
            self.closing = code
            await self.send_message({"type": "websocket.close", "code": code})


class RunSocket(Socket):
    """`/ws/runs/{id}/?after=SEQ`: one run, closed after its terminal event."""

    async def opened(self) -> None:
        cursor = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True).get("after", ["0"])[-1]
        after = parse_cursor(cursor)
        run_id = self.scope["url_route"]["kwargs"]["run_id"]
        run = await in_database(lambda: runs.get_run_for(self.identity.user, run_id))
        self.run_id = str(run.uid)
        await self.watch(run, after)

    async def ended(self, watcher: Watcher) -> None:
        await super().ended(watcher)
        if watcher.tail.run_id == self.run_id:
            async with self.answering:
                await self.close_with(FINISHED)


class NoSuchSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Every other address: accepted and closed, so that a browser learns why."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": CLOSE_CODES[NotFound]})


def parse_command(text: str | None) -> dict[str, Any]:
    """Raises Invalid."""
    if text is None:
        raise Invalid("Commands are text frames, not binary ones.")
    try:
        command = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Invalid("The frame is not valid JSON.") from None
    if not isinstance(command, dict):
        raise Invalid("A command is a JSON object.")
    return command


def ref_of(command: dict[str, Any]) -> str | int | None:
    """Whatever the client sent to know the answer by. Raises Invalid: the answer must be able to carry it."""
    ref = command.get("ref")
    if ref is not None and type(ref) not in (str, int):
        raise Invalid(fields={"ref": ["Text or a number."]})
    return ref


def text_of(command: dict[str, Any], name: str) -> str:
    value = command.get(name)
    if not isinstance(value, str):
        raise Invalid(fields={name: ["Text is needed here."]})
    return value
