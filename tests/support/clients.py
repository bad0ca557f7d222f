"""Small clients over real sockets. Each follows a run on one connection, as a generator of envelopes.

`follow_sse`, `follow_ws` and `follow_poll` take the same arguments, so that a test can be written once for all
three. Leaving the loop (or `aclosing` it) cuts the connection; `to_the_end` comes back by cursor until the log ends.
"""

import asyncio
import contextlib
import json
import re
import socket
import ssl
import struct
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Envelope = dict[str, Any]
Stream = AsyncGenerator[Envelope, None]
Follow = Callable[..., Stream]
TERMINAL = ("complete", "error", "cancelled")
RECONNECT_S = 0.1
# One for all clients: reading its certificates takes longer than most of the requests here.
TLS = ssl.create_default_context()


@dataclass(slots=True)
class SseEvent:
    """One event as a browser would dispatch it; `id` is None where the frame had none."""

    data: str = ""
    event: str = "message"
    id: str | None = None
    retry: int | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.data)


def parse_sse(frame: bytes) -> SseEvent:
    """Read one frame, without the blank line that ends it."""
    event, data = SseEvent(), []
    for line in re.split(r"\r\n|\n|\r", frame.decode()):
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data.append(value)
        elif name == "event":
            event.event = value
        elif name == "id":
            event.id = value
        elif name == "retry" and value.isdigit():
            event.retry = int(value)
    event.data = "\n".join(data)
    return event


async def sse_events(response: httpx.Response) -> AsyncIterator[SseEvent]:
    """The frames of a stream. Not `aiter_lines`, which also splits at U+2028 and its like."""
    buffer = b""
    async for chunk in response.aiter_raw():
        buffer += chunk
        *frames, buffer = buffer.split(b"\n\n")
        for frame in frames:
            yield parse_sse(frame)


def authorised(token: str | None) -> dict[str, str]:
    return {"Authorization": f"Token {token}"} if token else {}


def http_client(base_url: str, token: str | None, read_timeout_s: float | None = 60) -> httpx.AsyncClient:
    timeout = httpx.Timeout(10, read=read_timeout_s)
    return httpx.AsyncClient(base_url=base_url, headers=authorised(token), timeout=timeout, trust_env=False, verify=TLS)


async def follow_sse(
    base_url: str, run_id: str, token: str | None, after: int = 0, *, by_header: bool = True
) -> Stream:
    """`by_header` sends the cursor as Last-Event-ID, as a browser's reconnect does; else as `?after=`."""
    headers = {"Last-Event-ID": str(after)} if by_header and after else {}
    query = "" if by_header else f"?after={after}"
    async with (
        http_client(base_url, token) as client,
        client.stream("GET", f"/api/runs/{run_id}/stream{query}", headers=headers) as response,
    ):
        response.raise_for_status()
        async for event in sse_events(response):
            if event.data and event.event != "ping":
                assert event.id == str(event.json["seq"])
                yield event.json


class Closed(Exception):
    """The server closed a WebSocket with a code other than 1000."""

    def __init__(self, code: int | None) -> None:
        super().__init__(f"closed with {code}")
        self.code = code


async def follow_ws(base_url: str, run_id: str, token: str | None, after: int = 0) -> Stream:
    """Raises Closed."""
    url = f"{base_url.replace('http', 'ws', 1)}/ws/runs/{run_id}/?after={after}"
    headers = authorised(token)
    # A full queue would keep the server's half of the closing handshake from being read.
    async with connect(url, additional_headers=headers, proxy=None, max_size=2**22, max_queue=None) as socket:
        try:
            while True:
                envelope = json.loads(await socket.recv())
                if envelope["event"] != "ping":
                    yield envelope
        except ConnectionClosed:
            if socket.close_code != 1000:
                raise Closed(socket.close_code) from None


async def follow_poll(base_url: str, run_id: str, token: str | None, after: int = 0, *, wait_s: float = 25) -> Stream:
    async with http_client(base_url, token) as client:
        done = False
        while not done:
            answer = await client.get(f"/api/runs/{run_id}/events?after={after}&wait={wait_s}")
            page = answer.raise_for_status().json()
            done = page["done"]
            for envelope in page["events"]:
                after = envelope["seq"]
                yield envelope


FOLLOWERS: dict[str, Follow] = {"sse": follow_sse, "ws": follow_ws, "poll": follow_poll}
# What a client should take as "come back": the connection, or the server behind it, is gone for now.
GONE = (httpx.TransportError, OSError, Closed, ConnectionClosed, InvalidHandshake, EOFError)


async def take(envelopes: Stream, count: int) -> list[Envelope]:
    """The first `count` events; then the connection is cut."""
    taken: list[Envelope] = []
    async with contextlib.aclosing(envelopes):
        async for envelope in envelopes:
            taken.append(envelope)
            if len(taken) >= count:
                break
    return taken


async def to_the_end(
    follow: Follow, base_url: str, run_id: str, token: str | None, after: int = 0, within_s: float = 60, **options: Any
) -> list[Envelope]:
    """Every event past `after` to the terminal one, over as many connections as that takes.

    What arrives is returned as it came, so that a gap or a repetition shows.
    """
    seen: list[Envelope] = []
    async with asyncio.timeout(within_s):
        while not (seen and seen[-1]["event"] in TERMINAL):
            cursor = seen[-1]["seq"] if seen else after
            try:
                async for envelope in follow(base_url, run_id, token, cursor, **options):
                    seen.append(envelope)
            except GONE:
                pass
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                    raise
            await asyncio.sleep(RECONNECT_S)
    return seen


class RawStream:
    """A GET by hand, to see the bytes as they came, to read slowly or never, and to leave rudely."""

    def __init__(self, base_url: str, path: str, token: str | None, receive_buffer: int | None = None) -> None:
        self.address = urlsplit(base_url)
        self.path = path
        self.headers = authorised(token)
        self.receive_buffer = receive_buffer
        self.received = b""

    def __enter__(self) -> Self:
        self.socket = socket.socket()
        self.socket.settimeout(30)
        if self.receive_buffer is not None:
            # Before connecting, or the window is announced already.
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self.socket.connect((self.address.hostname, self.address.port))
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {self.address.netloc}", "Accept: text/event-stream"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()

    def read(self, timeout_s: float = 30) -> bytes:
        """What comes next; nothing when the server has closed."""
        self.socket.settimeout(timeout_s)
        piece = self.socket.recv(65_536)
        self.received += piece
        return piece

    def read_until(self, end: bytes, timeout_s: float = 30) -> bytes:
        """Everything received so far, once it holds `end`. Raises EOFError."""
        while end not in self.received:
            if not self.read(timeout_s):
                raise EOFError(f"closed before {end!r}")
        return self.received

    @property
    def head(self) -> bytes:
        return self.received.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        """The bytes of the body received so far, freed of the chunked coding."""
        coded = self.received.partition(b"\r\n\r\n")[2]
        if b"transfer-encoding: chunked" not in self.head.lower():
            return coded
        body = b""
        while coded:
            size, _, coded = coded.partition(b"\r\n")
            length = int(size, 16) if size else 0
            body, coded = body + coded[:length], coded[length + 2 :]
            if not length:
                break
        return body

    def reset(self) -> None:
        """Leave with a RST instead of a FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()
