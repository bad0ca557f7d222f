"""What every HTTP consumer does before its own work, and how each of them answers.

These override `__call__`, so Channels gives them no channel and no `dispatch()`: its dispatch awaits the handler
before it looks at a disconnect, and hops to the one shared database thread for every message.
"""

import asyncio
import uuid
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson
from channels.generic.http import AsyncHttpConsumer
from django.conf import settings
from django.http.request import split_domain_port, validate_host

from generation import idempotency, runs
from generation.database import in_database
from generation.errors import HepError, Invalid, MethodNotAllowed, NotFound, NotSignedIn
from generation.models import Run
from generation.permissions import SAFE_METHODS, Credential, Identity, identify, require_same_origin

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

SECURE = ("https", "wss")


def header_map(scope: Mapping[str, Any]) -> dict[str, str]:
    """Header names in lower case; of a header sent twice the values are joined, as HTTP says."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers


def require_known_host(headers: Mapping[str, str]) -> None:
    """Raises Invalid unless the Host header is one of ALLOWED_HOSTS."""
    domain, _ = split_domain_port(headers.get("host", ""))
    if not validate_host(domain, settings.ALLOWED_HOSTS):
        raise Invalid("This server does not answer for that host.")


async def run_for(identity: Identity, run_id: str | uuid.UUID) -> Run:
    """The run of this id, if it exists for whoever asks. Raises NotFound."""
    run = await in_database(lambda: runs.get_run_for(identity.user, run_id))
    if identity.only not in (None, run.uid):
        raise NotFound
    return run


class HttpConsumer(AsyncHttpConsumer, ABC):  # type: ignore[misc]
    # Whether the run of this answer was started by an earlier request with the same Idempotency-Key.
    replayed = False
    methods: tuple[str, ...] = ("GET",)
    takes_ticket = False

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        self.scope, self.receive, self.base_send = scope, receive, send
        self.headers = header_map(scope)
        try:
            await self.admit()
            await self.answer()
        except HepError as error:
            await self.refuse(error)

    async def admit(self) -> None:
        """Check the host, the method, who asks (`identity`) and from where. Raises HepError."""
        require_known_host(self.headers)
        method = self.scope["method"]
        if method not in self.methods:
            raise MethodNotAllowed(*self.methods)
        credential = Credential.of(self.headers, self.query("ticket") if self.takes_ticket else None)
        self.identity: Identity = await in_database(lambda: identify(credential))
        if self.identity.by_cookie and method not in SAFE_METHODS:
            require_same_origin(self.headers, self.scope.get("scheme") in SECURE)

    def shows(self) -> Iterable[uuid.UUID]:
        """The runs and batches that this answer goes on showing; none for one that is short."""
        return ()

    def lose(self, shown: uuid.UUID | None, error: HepError) -> None:
        """Called when one of them, or with None the sign-in, is no longer this person's."""

    @abstractmethod
    async def answer(self) -> None:
        """Answer a request that was admitted. Raises HepError."""

    def query(self, name: str) -> str | None:
        values = parse_qs(self.scope["query_string"].decode("latin-1"), keep_blank_values=True).get(name)
        return values[-1] if values else None

    def path_argument(self, name: str) -> str:
        value: str = self.scope["url_route"]["kwargs"][name]
        return value

    async def start_once(self, begin: Callable[[], Run], *asks_for: Any) -> Run:
        """Start a run, or find the one that this very request has started before. Raises HepError."""
        asked, user = idempotency.request(self.headers.get("idempotency-key"), *asks_for), self.identity.user
        run, self.replayed = await in_database(lambda: idempotency.once(user, asked, begin))
        return run

    def location(self, run: Run) -> dict[str, str]:
        """The headers of an answer that has started this run."""
        headers = {"location": f"/api/runs/{run.uid}"}
        return headers | {"idempotent-replayed": "true"} if self.replayed else headers

    async def json_body(self) -> Any:
        """Raises Invalid, or TooLarge from the body limit around us."""
        body, more = b"", True
        while more:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Invalid("The request ended before its body did.")
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            return orjson.loads(body)
        except orjson.JSONDecodeError:
            raise Invalid("The body is not valid JSON.") from None

    async def disconnected(self) -> None:
        """Returns when the client has left."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def respond(self, status: int, value: Any, headers: Mapping[str, str] | None = None) -> None:
        await self.send_response(
            status,
            b"" if self.scope["method"] == "HEAD" else orjson.dumps(value),
            headers=[
                (b"content-type", b"application/json"),
                (b"cache-control", b"no-store"),
                *((name.encode(), text.encode()) for name, text in (headers or {}).items()),
            ],
        )

    async def refuse(self, error: HepError) -> None:
        await self.respond(error.status, error.body(), refusal_headers(error))


def refusal_headers(error: HepError) -> dict[str, str]:
    headers = {}
    if isinstance(error, NotSignedIn):
        headers["www-authenticate"] = "Token"
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    if error.retry_after_s is not None:
        headers["retry-after"] = str(error.retry_after_s)
    return headers


async def first_of(work: Awaitable[Any], other: Awaitable[Any]) -> bool:
    """Wait for either; the one that is not done is cancelled. True if `work` finished. Raises what they raise."""
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(other)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
    for task in tasks:
        if task.done() and not task.cancelled():
            task.result()
    return tasks[0].done() and not tasks[0].cancelled()
