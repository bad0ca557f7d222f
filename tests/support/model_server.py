"""A server that speaks OpenAI's protocol over real HTTP on 127.0.0.1, in a thread of its own.

    with ModelServer() as server:
        … OPENAI_BASE_URL=server.base_url, OPENAI_MODEL="status-503-twice" …
        assert [call.status for call in server.calls] == [503, 503, 200]

The model's name says what it does, see `model_scenarios`. It answers at `azure_url` as Azure does, too.
"""

import asyncio
import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

from tests.support import model_scenarios
from tests.support.model_answers import asked_by
from tests.support.model_exchange import Call, Exchange, head

STARTS_WITHIN_S = ENDS_WITHIN_S = 10
LOOK_AGAIN_S = 0.005
_AZURE = re.compile(r"/openai/deployments/(?P<model>[^/]+)/chat/completions")


class ModelServer:
    """`calls` are the requests for an answer, in the order they came; `open_streams` of them are open now.

    The records may be read from any thread. The `wait_` methods block theirs: in a coroutine, use `asyncio.to_thread`.
    """

    def __init__(self, tokens_per_s: float | None = None) -> None:
        self.calls: list[Call] = []
        self.open_streams = 0
        self.most_open = 0
        self._tokens_per_s = tokens_per_s
        self._of_model: Counter[str] = Counter()
        self._seen: dict[str, Mapping[str, Any]] = {}
        self._failures: list[BaseException] = []
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="model-server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(STARTS_WITHIN_S), "the model server did not start"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(ENDS_WITHIN_S)
        assert not self._thread.is_alive(), "the model server did not end"
        if self._failures and error is None:
            raise self._failures[0]

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def azure_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/openai"

    def wait_until(self, holds: Callable[[], bool], timeout: float = 10) -> None:
        """Raises TimeoutError."""
        give_up = time.monotonic() + timeout
        while not holds():
            if time.monotonic() > give_up:
                raise TimeoutError(f"not within {timeout} s; the calls were {self.calls}")
            time.sleep(LOOK_AGAIN_S)

    def wait_for_calls(self, count: int, timeout: float = 10) -> list[Call]:
        """The calls, once there are so many. Raises TimeoutError."""
        self.wait_until(lambda: len(self.calls) >= count, timeout)
        return self.calls

    def wait_for_tokens(self, call: Call, count: int, timeout: float = 10) -> None:
        self.wait_until(lambda: call.tokens_sent >= count, timeout)

    def wait_closed(self, call: Call, timeout: float = 10) -> float:
        """When the client closed its socket before the answer was whole. Raises TimeoutError."""
        self.wait_until(lambda: call.closed_at is not None, timeout)
        assert call.closed_at is not None
        return call.closed_at

    # In the thread

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._connections: set[asyncio.Task[None]] = set()
        server = await self._loop.create_server(lambda: _Connection(self._connected), "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _connected(self, connection: "_Connection", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._converse(connection, reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._parted)

    def _parted(self, task: asyncio.Task[None]) -> None:
        self._connections.discard(task)
        failure = None if task.cancelled() else task.exception()
        if failure is not None and not isinstance(failure, ConnectionError):
            self._failures.append(failure)

    async def _converse(
        self, connection: "_Connection", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request after the other, until one side closes."""
        # `drain` then waits until the kernel has everything.
        writer.transport.set_write_buffer_limits(0)
        try:
            while not connection.gone.is_set():
                try:
                    request = await _read(reader)
                except (asyncio.IncompleteReadError, ConnectionError):
                    return
                if not await self._answer(request, connection, writer):
                    return
        finally:
            writer.transport.abort() if connection.gone.is_set() else writer.close()
            # One turn of the loop closes the socket; there is nobody to wait for.
            await asyncio.sleep(0)

    async def _answer(self, request: "_Request", connection: "_Connection", writer: asyncio.StreamWriter) -> bool:
        """Whether the connection can take another request."""
        url = urlsplit(request.target)
        azure = _AZURE.fullmatch(url.path)
        if request.method == "GET" and url.path.endswith("/models"):
            models = [{"id": name, "object": "model", "owned_by": "tests"} for name in model_scenarios.PLAIN]
            return await _plain(writer, 200, {"object": "list", "data": models})
        if request.method != "POST" or not url.path.endswith("/chat/completions"):
            return await _plain(writer, 404, {"error": {"message": f"No such address: {url.path}"}})
        if azure and ("api-key" not in request.headers or "api-version" not in parse_qs(url.query)):
            return await _plain(writer, 401, {"error": {"message": "api-key and api-version are wanted"}})
        body = json.loads(request.body)
        model = unquote(azure["model"]) if azure else str(body.get("model"))
        call = Call(model, request.target, request.headers, body, time.monotonic())
        self._of_model[model] += 1
        played = model_scenarios.named(model)
        asked = asked_by(body, self._seen)
        rate = played.tokens_per_s if played and played.tokens_per_s else self._tokens_per_s
        exchange = Exchange(call, asked, writer, rate, azure=azure is not None)
        self.calls.append(call)
        self.open_streams += 1
        self.most_open = max(self.most_open, self.open_streams)
        try:
            return await self._play(played, exchange, connection)
        finally:
            call.ended_at = time.monotonic()
            self.open_streams -= 1

    async def _play(self, played: model_scenarios.Played | None, exchange: Exchange, connection: "_Connection") -> bool:
        call = exchange.call
        if played is None:
            await exchange.fail(404, f"The model '{call.model}' does not exist", "model")
            return True
        if not call.body.get("stream"):
            await exchange.fail(400, "This server only streams", "stream")
            return True
        over = played.times is not None and self._of_model[call.model] > played.times
        scenario = model_scenarios.PLAIN["good"] if over else played.scenario
        playing = asyncio.ensure_future(scenario(exchange, played.argument))
        leaving = asyncio.ensure_future(connection.gone.wait())
        try:
            await asyncio.wait([playing, leaving], return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                playing.result()
            left = not playing.done()
        except ConnectionError:
            left = True
        finally:
            playing.cancel()
            leaving.cancel()
        if left and not call.finished:
            call.closed_at = time.monotonic()
        return call.finished


class _Connection(asyncio.StreamReaderProtocol):
    """Knows at once when the other side has closed, whether or not anyone reads."""

    def __init__(self, connected: Callable[["_Connection", asyncio.StreamReader, asyncio.StreamWriter], None]) -> None:
        self.gone = asyncio.Event()
        super().__init__(asyncio.StreamReader(), lambda reader, writer: connected(self, reader, writer))

    def eof_received(self) -> bool:
        self.gone.set()
        super().eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone.set()
        super().connection_lost(exc)


class _Request:
    def __init__(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> None:
        self.method, self.target, self.headers, self.body = method, target, headers, body


async def _read(reader: asyncio.StreamReader) -> _Request:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.partition(":") for line in lines)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return _Request(method, target, headers, body)


async def _plain(writer: asyncio.StreamWriter, status: int, body: Mapping[str, Any]) -> bool:
    data = json.dumps(body).encode()
    kind = {"Content-Type": "application/json", "Content-Length": str(len(data))}
    writer.write(head(status, kind) + data)
    await writer.drain()
    return True
