"""One request to the model server of the tests, its record, and the means to answer it in any way, right or wrong."""

import asyncio
import json
import math
import socket
import struct
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.model_answers import Asked

CHARS_PER_TOKEN = 4
# A reset throws away what the client's kernel has not yet been given.
ARRIVED_S = 0.05


@dataclass(slots=True, eq=False)
class Call:
    """One request for an answer; the names of its headers are in lower case, times are of `time.monotonic`.

    `tokens_sent` counts pieces of text. `finished` says that a whole HTTP answer was sent, and `closed_at` when the
    client was seen to close its socket before that; both stay as they are when the server itself broke off.
    """

    model: str
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]
    began_at: float
    status: int | None = None
    tokens_sent: int = 0
    finished: bool = False
    closed_at: float | None = None
    ended_at: float | None = None


class Exchange:
    """Writes one answer. After `cut` and `reset` the connection is gone; `silence` ends when the client leaves."""

    def __init__(
        self, call: Call, asked: Asked, writer: asyncio.StreamWriter, tokens_per_s: float | None, azure: bool
    ) -> None:
        self.call = call
        self.asked = asked
        self._writer = writer
        self._tokens_per_s = tokens_per_s
        self._azure = azure
        self._first_token_at = 0.0

    async def send(self, data: bytes) -> None:
        """Write bytes and wait until the kernel has them all."""
        self._writer.write(data)
        await self._writer.drain()

    # Answers that are no stream

    async def answer(
        self, status: int, body: bytes, headers: Mapping[str, str], kind: str = "application/json"
    ) -> None:
        self.call.status = status
        await self.send(head(status, {**headers, "Content-Type": kind, "Content-Length": str(len(body))}) + body)
        self.call.finished = True

    async def fail(
        self, status: int, message: str, param: str | None = None, code: str | None = None, retry_after: str = ""
    ) -> None:
        """An error as OpenAI words it."""
        kind = "invalid_request_error" if status < 429 else "server_error"
        error = {"message": message, "type": kind, "param": param, "code": code}
        headers = {"Retry-After": retry_after} if retry_after else {}
        await self.answer(status, json.dumps({"error": error}).encode(), headers)

    # Streams

    async def open(self) -> None:
        """The head of a stream, as Azure begins it also with an event that has no choices."""
        self.call.status = 200
        await self.send(head(200, {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}))
        if self._azure:
            await self.event({"choices": [], "prompt_filter_results": [], "model": "", "id": ""})

    async def event(self, data: Any) -> None:
        await self.send(chunked(event_of(data)))

    def completion(self, delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        """A `chat.completion.chunk` with one choice."""
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._chunk([choice])

    def _chunk(self, choices: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": self.call.model,
            "choices": choices,
            **more,
        }

    async def begin(self) -> None:
        await self.open()
        await self.event(self.completion({"role": "assistant", "content": ""}))

    async def say(self, text: str, field: str = "content") -> None:
        """Send text token by token, at the rate that was set."""
        for start in range(0, len(text), CHARS_PER_TOKEN):
            await self._pace()
            await self.event(self.completion({field: text[start : start + CHARS_PER_TOKEN]}))
            self.call.tokens_sent += 1

    async def _pace(self) -> None:
        now = time.monotonic()
        if self.call.tokens_sent == 0:
            self._first_token_at = now
        due = self._first_token_at + self.call.tokens_sent / (self._tokens_per_s or math.inf)
        await asyncio.sleep(max(0.0, due - now))

    async def finish(self, reason: str, usage: bool = True) -> None:
        """Say why the text ended, and what it took when the request wants to know."""
        await self.event(self.completion({}, reason))
        wanted = (self.call.body.get("stream_options") or {}).get("include_usage")
        if usage and wanted:
            read = len(json.dumps(self.call.body.get("messages"), ensure_ascii=False)) // CHARS_PER_TOKEN
            written = self.call.tokens_sent
            counted = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
            await self.event(self._chunk([], usage=counted))

    async def end(self, done: bool = True) -> None:
        """The end of the body; in one piece with `[DONE]`, at which a client may leave."""
        self._writer.write((chunked(b"data: [DONE]\n\n") if done else b"") + b"0\r\n\r\n")
        self.call.finished = True
        await self._writer.drain()

    async def stream(self, text: str, reason: str = "stop", usage: bool = True) -> None:
        """A whole answer."""
        await self.begin()
        await self.say(text)
        await self.finish(reason, usage)
        await self.end()

    # Faults

    async def silence(self) -> None:
        await asyncio.Event().wait()

    async def cut(self) -> None:
        """Close the connection (FIN) before the body has ended."""
        self._writer.close()

    async def reset(self) -> None:
        """Reset the connection (RST), after what was sent has arrived."""
        await asyncio.sleep(ARRIVED_S)
        at_once = struct.pack("ii", 1, 0)
        self._writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
        self._writer.transport.abort()


# Answers a request; the text is the argument in the model's name, empty without one.
Scenario = Callable[[Exchange, str], Awaitable[None]]


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} -", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def event_of(data: Any) -> bytes:
    """One server-sent event; bytes stand for themselves."""
    text = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
    return b"data: " + text + b"\n\n"


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
