"""Any server that speaks OpenAI's chat completions, through the vendor's package, which no other file imports.

One request at a time: it opens the stream, keeps its time, and tells every failure in our own errors.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any, NamedTuple, NoReturn
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import httpx2
import openai
from django.conf import settings

from generation.errors import (
    ModelConnectTimedOut,
    ModelError,
    ModelGarbled,
    ModelInterrupted,
    ModelRateLimited,
    ModelRejected,
    ModelResting,
    ModelTimedOut,
    ModelTimeSpent,
    ModelUnreachable,
    OutputInvalid,
)
from generation.providers.base import Task
from generation.providers.breaker import Breaker, breaker_of
from generation.providers.deadline import Deadline
from generation.providers.dialect import Dialect, dialect_of, remember
from generation.providers.messages import messages, strict

# No answer is a tenth as long; beyond this a server is broken or hostile. An event for each token takes some 300.
MOST_BYTES, BYTES_A_TOKEN = 4_000_000, 1000
# Of one call, read or written; a figure above this is wrong, and would not fit the row of its run.
MOST_TOKENS = 10_000_000
# Closing is one packet; a peer that is gone must not hold a cancelled run.
CLOSE_S = 1.0
# They may pass; 409 and 425 are told by some gateways while they start.
PASSING = {408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529}


class Piece(NamedTuple):
    """What one event of the stream says; `usage` is (tokens read, tokens written)."""

    text: str = ""
    refusal: bool = False
    thinks: bool = False
    finish: str | None = None
    usage: tuple[int, int] | None = None


_servers: WeakKeyDictionary[asyncio.AbstractEventLoop, "ModelServer"] = WeakKeyDictionary()
_making: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()


async def server_here() -> "ModelServer":
    """The configured server as this loop reaches it: connections belong to a loop."""
    loop = asyncio.get_running_loop()
    async with _making.setdefault(loop, asyncio.Lock()):
        if loop not in _servers:
            # Reading the certificates takes a fifth of a second.
            _servers[loop] = await asyncio.to_thread(ModelServer)
    return _servers[loop]


class Watched(httpx2.AsyncByteStream):
    """The bytes of an answer: not more of them than any answer has, and whether its end was marked."""

    def __init__(self, stream: httpx2.AsyncByteStream) -> None:
        self.stream = stream
        self.read = 0
        self.last = b""
        self.done = False
        self.closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self.stream:
            self.read += len(part)
            if self.read > max(MOST_BYTES, BYTES_A_TOKEN * settings.MODEL_MAX_OUTPUT_TOKENS):
                raise OutputInvalid("The model's answer is far too long.")
            self.last = self.last[-16:] + part
            self.done = self.done or b"data: [DONE]" in self.last or b"data:[DONE]" in self.last
            yield part
            if self.closed:
                return

    async def aclose(self) -> None:
        self.closed = True
        await self.stream.aclose()


async def watch(response: httpx2.Response) -> None:
    assert isinstance(response.stream, httpx2.AsyncByteStream)
    response.stream = Watched(response.stream)


class ModelServer:
    """The configured server, from one event loop."""

    def __init__(self) -> None:
        self.name = name()
        self.room = asyncio.Semaphore(settings.MODEL_MAX_STREAMS)
        self.breaker: Breaker = breaker_of(self.name)
        self.sdk = self.client()
        self.completions = self.sdk.chat.completions

    @asynccontextmanager
    async def turn(self, until: float) -> AsyncIterator[None]:
        """The right to one call, among MODEL_MAX_STREAMS of them and while the circuit is closed.

        Raises ModelResting while it is open, and ModelTimedOut when others take until then.
        """
        try:
            async with asyncio.timeout_at(until):
                await self.room.acquire()
        except TimeoutError:
            raise timed_out(heard=False, total=True) from None
        try:
            # A free place is taken without a look at the time.
            if asyncio.get_running_loop().time() >= until:
                raise timed_out(heard=False, total=True)
            if not self.breaker.enter():
                raise ModelResting
            trial = self.breaker.trying
            try:
                yield
            except (ModelRateLimited, ModelRejected, OutputInvalid):
                # It works, whatever it said.
                self.breaker.succeeded()
                raise
            except ModelError:
                self.breaker.failed()
                raise
            except BaseException:
                self.breaker.left(trial)
                raise
            self.breaker.succeeded()
        finally:
            self.room.release()

    async def close(self) -> None:
        """Close the connections that are left; nothing may be asked after this."""
        await self.sdk.close()

    def client(self) -> openai.AsyncOpenAI:
        # The times are kept here, where each has its own error; a redirect would take the case to another server.
        timeout = openai.Timeout(None, connect=settings.MODEL_CONNECT_TIMEOUT_S)
        http = openai.DefaultAsyncHttpxClient(
            follow_redirects=False,
            event_hooks={"response": [watch]},
            timeout=timeout,
            # What is watched are the bytes as they arrive.
            headers={"Accept-Encoding": "identity"},
        )
        # Servers without keys want none, but the package does.
        given: dict[str, Any] = {"api_key": settings.MODEL_API_KEY or "none", "base_url": settings.MODEL_BASE_URL}
        given |= {"max_retries": 0, "timeout": timeout, "http_client": http}
        if settings.MODEL_API_VERSION:
            return openai.AsyncAzureOpenAI(api_version=settings.MODEL_API_VERSION, **given)
        return openai.AsyncOpenAI(**given)

    async def stream(self, model: str, task: Task, until: float) -> AsyncGenerator[Piece, None]:
        """One answer. Raises ModelError or OutputInvalid; closing the iterator closes the connection."""
        loop = asyncio.get_running_loop()
        limit = loop.time() + settings.MODEL_FIRST_TOKEN_TIMEOUT_S
        answer = await self.open(model, task, min(limit, until), until)
        deadline, events, heard = Deadline(), aiter(answer), False
        try:
            while True:
                piece = piece_of(await deadline.next(events, min(limit, until)))
                if heard or piece.text or piece.thinks or piece.refusal:
                    heard, limit = True, loop.time() + settings.MODEL_IDLE_TIMEOUT_S
                yield piece
        except StopAsyncIteration:
            watched = answer.response.stream
            if not isinstance(watched, Watched) or not watched.done:
                raise ModelInterrupted from None
        except TimeoutError:
            raise timed_out(heard, total=limit >= until) from None
        except (openai.OpenAIError, httpx2.HTTPError, ValueError, RecursionError) as error:
            translate(error, heard)
        finally:
            deadline.close()
            try:
                async with asyncio.timeout(CLOSE_S):
                    await answer.close()
            except (TimeoutError, httpx2.HTTPError):
                pass
            # The package leaves the generators behind an unread rest to the garbage collector, which may come in
            # another thread just as the loop closes them.
            with suppress(Exception):
                async for _ in events:
                    pass

    async def open(self, model: str, task: Task, first: float, until: float) -> openai.AsyncStream[Any]:
        """Send the request, in simpler forms until the server takes it; what it took is remembered."""
        dialect = known = dialect_of(model)
        while True:
            try:
                async with asyncio.timeout_at(first):
                    answer = await self.completions.create(**request(model, task, dialect))
                break
            except openai.APIStatusError as error:
                words = str(error.body or error)
                if error.code == "context_length_exceeded":
                    raise ModelRejected("The case and its exercises are too long for this model.") from None
                # llama-cpp-python's server answers 500 to a form that it does not know, and names it.
                if error.status_code not in (400, 422) and "response_format" not in words:
                    translate(error, heard=False)
                simpler = dialect.after(words)
                if simpler is None:
                    raise ModelRejected from None
                dialect = simpler
            except (openai.OpenAIError, httpx2.HTTPError, OutputInvalid) as error:
                translate(error, heard=False)
            except TimeoutError:
                raise timed_out(heard=False, total=first >= until) from None
        if dialect != known:
            remember(model, dialect)
        return answer  # type: ignore[no-any-return]


def name() -> str:
    """The host of the configured server, with its port where it has one; never a user or a key."""
    address = urlsplit(settings.MODEL_BASE_URL)
    return f"{address.hostname}:{address.port}" if address.port else str(address.hostname)


def told(task: Task, dialect: Dialect) -> list[dict[str, str]]:
    return messages(task, with_schema=dialect.form != "json_schema")


def request(model: str, task: Task, dialect: Dialect) -> dict[str, Any]:
    given: dict[str, Any] = {
        "model": model,
        "messages": told(task, dialect),
        "stream": True,
        dialect.limit: settings.MODEL_MAX_OUTPUT_TOKENS,
    }
    if dialect.form == "json_schema":
        form = {"name": task.purpose, "strict": True, "schema": strict(task.schema)}
        given["response_format"] = {"type": "json_schema", "json_schema": form}
    elif dialect.form == "json_object":
        given["response_format"] = {"type": "json_object"}
    if dialect.counts_usage:
        given["stream_options"] = {"include_usage": True}
    return given


def piece_of(event: Any) -> Piece:
    """What an event says; the package checks no types, so nothing is taken for granted."""
    usage = usage_of(getattr(event, "usage", None))
    choices = getattr(event, "choices", None)
    if not isinstance(choices, list) or not choices:
        return Piece(usage=usage)
    delta, finish = getattr(choices[0], "delta", None), getattr(choices[0], "finish_reason", None)
    finish = finish if isinstance(finish, str) else None
    text = getattr(delta, "content", None)
    if isinstance(text, str) and text:
        return Piece(text, finish=finish, usage=usage)
    # Not in the protocol, but what servers of reasoning models call it.
    thinks = bool(getattr(delta, "reasoning_content", None) or getattr(delta, "reasoning", None))
    return Piece("", bool(getattr(delta, "refusal", None)), thinks, finish, usage)


def usage_of(found: Any) -> tuple[int, int] | None:
    if found is None:
        return None
    read, written = getattr(found, "prompt_tokens", None), getattr(found, "completion_tokens", None)
    if isinstance(read, int) and isinstance(written, int) and 0 <= read < MOST_TOKENS > written >= 0:
        # A server that says 0 of both has not counted.
        return (read, written) if read or written else None
    return None


def translate(error: Exception, heard: bool) -> NoReturn:
    """Raise the vendor's error as one of ours, without its text: that may repeat what was sent."""
    match error:
        case openai.APITimeoutError():
            raise ModelConnectTimedOut(
                f"The model server was not reached in {settings.MODEL_CONNECT_TIMEOUT_S:g} s."
            ) from None
        case openai.APIStatusError():
            raise refused(error) from None
        case openai.APIConnectionError() | httpx2.HTTPError():
            raise (ModelInterrupted() if heard else ModelUnreachable()) from None
        case openai.APIError():
            raise (ModelInterrupted() if heard else ModelError()) from None
        case UnicodeDecodeError() | ValueError() | RecursionError():
            raise ModelGarbled from None
        case _:
            raise error


def refused(error: openai.APIStatusError) -> ModelError:
    status, code = error.status_code, str(error.code or "")
    if code == "insufficient_quota":
        return ModelRejected("The account at the model server has no credit left.")
    after = seconds_of(error.response.headers.get("retry-after", ""))
    if status == 429:
        return ModelRateLimited(retry_after_s=after)
    if status in PASSING:
        return ModelError(f"The model server failed ({status}).", retry_after_s=after)
    if status in (401, 403):
        return ModelRejected("The model server refused the key.")
    if status == 404:
        return ModelRejected("The model server has no such model or address.")
    return ModelRejected(f"The model server rejected the request ({status}).")


def seconds_of(retry_after: str) -> int | None:
    """The header Retry-After in whole seconds from now, 0 or more; None when it is neither a number nor a date."""
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(retry_after) - datetime.now(UTC)).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return None
        seconds = max(0.0, seconds)
    return ceil(seconds) if 0 <= seconds < 1e9 else None


def timed_out(heard: bool, *, total: bool) -> ModelTimedOut:
    if total:
        return ModelTimeSpent(f"The model server took more than {settings.MODEL_TOTAL_TIMEOUT_S:g} s in all.")
    if heard:
        return ModelTimedOut(f"The model server fell silent for {settings.MODEL_IDLE_TIMEOUT_S:g} s.")
    return ModelTimedOut(f"The model server did not begin in {settings.MODEL_FIRST_TOKEN_TIMEOUT_S:g} s.")
