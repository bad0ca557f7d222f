"""WebSockets: one run's log, or many runs over one connection, and the commands that steer them."""

import asyncio
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from generation import idempotency, runs
from generation.consumers.base import SECURE, Receive, Send, header_map, require_known_host, run_for
from generation.consumers.batch import batch_for
from generation.consumers.commands import cursor_of, id_of, key_of, parse_command, ref_of, text_of
from generation.consumers.following import Following
from generation.consumers.inbox import Inbox
from generation.consumers.open_streams import open_streams
from generation.consumers.pace import Pace
from generation.consumers.patience import Patience
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
from generation.feed import feed
from generation.models import Run, User
from generation.permissions import Credential, Identity, allowed_origin, identify
from generation.serializers import start_request
from generation.wire import WS_PING, parse_cursor

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


def code_of(error: HepError) -> int:
    return CLOSE_CODES.get(type(error), CLOSE_CODES[Invalid])


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """`/ws/`: many runs. Frames of the server are envelopes, answers to commands carry a `type`."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self.inbox = scope, Inbox(receive)
        self.patience = Patience(send, scope)
        self.headers = header_map(scope)
        self.following = Following(self.say, lambda: self.close_with(TRY_AGAIN), self.ended)
        self.tasks: set[asyncio.Task[None]] = set()
        self.pace = Pace()
        self.sent_bytes = 0
        self.closing: int | None = None
        # Held while a command is answered, so that the end of a run does not close the socket on the answer.
        self.answering = asyncio.Lock()
        await receive()
        # Accepted first: a socket that is closed before that is a bare 403 to the browser, without our code.
        await send({"type": "websocket.accept"})
        try:
            await self.admit()
            with open_streams().hold(self), self.patience:
                await self.serve()
        except HepError as error:
            await self.close_with(code_of(error))
        if self.closing is not None:
            await self.inbox.outlast()

    async def admit(self) -> None:
        require_known_host(self.headers)
        origin = self.headers.get("origin")
        secure = self.scope.get("scheme") in SECURE
        if origin is not None and not allowed_origin(origin, self.headers["host"], secure):
            raise NotAllowed
        credential = Credential.of(self.headers, self.query("ticket"))
        self.identity: Identity = await in_database(lambda: identify(credential))
        if self.identity.by_cookie and origin is None:
            raise NotAllowed

    def shows(self) -> Iterable[uuid.UUID]:
        return self.following.ids()

    def lose(self, shown: uuid.UUID | None, error: HepError) -> None:
        self.spawn(self.close_with(code_of(error)) if shown is None else self.drop(str(shown), error))

    async def drop(self, followed: str, error: HepError) -> None:
        """Stop showing what is no longer this person's, and say so."""
        about = "batch" if self.following.is_batch(followed) else "run"
        await self.following.stop(followed)
        await self.say(orjson.dumps({"type": "error", "ref": None, about: followed, **error.body()["error"]}).decode())

    def query(self, name: str) -> str | None:
        values = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True).get(name)
        return values[-1] if values else None

    async def serve(self) -> None:
        feed().listeners.add(self.on_beat)
        try:
            if feed().draining:
                # Begun before we were among its listeners.
                await self.close_with(GOING_AWAY)
                return
            await self.opened()
            self.spawn(self.take_in())
            while self.closing is None:
                message = await self.inbox.next()
                if message["type"] == "websocket.disconnect":
                    return
                async with self.answering:
                    await self.on_message(message)
        except asyncio.CancelledError:
            # By the server, which shuts down, or by ourselves, because the client takes nothing.
            await self.close_with(GOING_AWAY if feed().draining else TRY_AGAIN)
            raise
        finally:
            feed().listeners.discard(self.on_beat)
            for task in list(self.tasks):
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)
            await self.following.stop_all()

    async def take_in(self) -> None:
        try:
            await self.inbox.fill()
        except RateLimited as error:
            await self.close_with(code_of(error))

    async def opened(self) -> None:
        """What a socket does before it reads commands."""

    def on_beat(self) -> None:
        self.spawn(self.close_with(GOING_AWAY) if feed().draining else self.say(WS_PING))

    def spawn(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    async def say(self, text: str) -> bool:
        """Send a frame, and cut the socket off when it has had its share: nobody sees whether a client reads.

        False once the socket is being closed.
        """
        if self.closing is not None:
            return False
        self.sent_bytes += len(text.encode())
        await self.patience.send({"type": "websocket.send", "text": text})
        if self.sent_bytes >= settings.STREAM_MAX_BYTES:
            await self.close_with(TRY_AGAIN)
        return self.closing is None

    async def on_message(self, message: dict[str, Any]) -> None:
        text = message.get("text")
        frame = message.get("bytes") or b"" if text is None else text.encode(errors="surrogatepass")
        if len(frame) > MAX_FRAME_BYTES:
            await self.close_with(TOO_BIG)
            return
        ref: str | int | None = None
        try:
            command = parse_command(text)
            ref = ref_of(command)
            about = "batch" if "batch" in command else "run"
            answer = {"type": "ok", "ref": ref, about: await self.obey(command)}
        except HepError as error:
            answer = {"type": "error", "ref": ref, **error.body()["error"]}
        except Exception as error:
            logger.error("command_failed", error=type(error).__name__)
            answer = {"type": "error", "ref": ref, **ServerError().body()["error"]}
        await self.say(orjson.dumps(answer).decode())

    async def obey(self, command: dict[str, Any]) -> str | None:
        """Carry out a command and return the id of its run or batch. Raises HepError."""
        work: Callable[[dict[str, Any]], Any] | None = {
            "subscribe": self.subscribe,
            "unsubscribe": self.unsubscribe,
            "start": self.start,
            "cancel": self.steer(runs.cancel),
            "pause": self.steer(runs.pause),
            "resume": self.steer(runs.resume),
            "ping": self.answer_ping,
        }.get(text_of(command, "type"))
        if work is None:
            raise Invalid("This command is not known here.", fields={"type": ["Unknown."]})
        if work != self.answer_ping and not self.pace.take():
            raise RateLimited("Too many commands at once; go on in a moment.")
        run_id: str | None = await work(command)
        return run_id

    async def subscribe(self, command: dict[str, Any]) -> str:
        if "batch" in command:
            batch = await batch_for(self.identity, id_of(command, "batch"))
            await self.following.batch(batch, self.identity)
            return str(batch.pk)
        after = cursor_of(command)
        run = await run_for(self.identity, id_of(command, "run"))
        await self.following.run(run, after, self.identity)
        return str(run.uid)

    async def unsubscribe(self, command: dict[str, Any]) -> str:
        followed = str(id_of(command, "batch" if "batch" in command else "run"))
        await self.following.stop(followed)
        return followed

    async def start(self, command: dict[str, Any]) -> str:
        self.require_own_credential()
        body = {name: command[name] for name in ("kind", "input") if name in command}
        asked = idempotency.request(key_of(command), "run", body)
        kind, cleaned = await in_database(lambda: start_request(body))
        user = self.identity.user
        run, _ = await in_database(lambda: idempotency.once(user, asked, lambda: runs.start(user, kind, cleaned)))
        return str(run.uid)

    def steer(self, act: Callable[[User, uuid.UUID], tuple[Run, bool]]) -> Callable[[dict[str, Any]], Any]:
        async def work(command: dict[str, Any]) -> str:
            self.require_own_credential()
            run_id = id_of(command, "run")
            run, _ = await in_database(lambda: act(self.identity.user, run_id))
            return str(run.uid)

        return work

    def require_own_credential(self) -> None:
        """Raises NotAllowed for a ticket, which stands in an address and therefore only lets its bearer watch."""
        if self.identity.only is not None:
            raise NotAllowed("A ticket only lets you watch.")

    async def answer_ping(self, command: dict[str, Any]) -> None:
        return None

    async def ended(self, followed: str) -> None:
        """Called when what was followed has been told to its end."""

    async def close_with(self, code: int) -> None:
        if self.closing is None:
            self.closing = code
            await self.patience.send({"type": "websocket.close", "code": code})


class RunSocket(Socket):
    """`/ws/runs/{id}/?after=SEQ`: one run, closed after its terminal event."""

    async def opened(self) -> None:
        cursor = self.query("after")
        after = 0 if cursor is None else parse_cursor(cursor)
        run = await run_for(self.identity, self.scope["url_route"]["kwargs"]["run_id"])
        self.run_id = str(run.uid)
        await self.following.run(run, after, self.identity)

    async def drop(self, followed: str, error: HepError) -> None:
        if followed == self.run_id:
            await self.close_with(code_of(error))
        else:
            await super().drop(followed, error)

    async def ended(self, followed: str) -> None:
        if followed == self.run_id:
            async with self.answering:
                # Unless it was subscribed again meanwhile; that reading ends by itself.
                if followed not in self.following:
                    await self.close_with(FINISHED)


class NoSuchSocket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Every other address: accepted and closed, so that a browser learns why."""

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": CLOSE_CODES[NotFound]})
        await Inbox(receive).outlast()
