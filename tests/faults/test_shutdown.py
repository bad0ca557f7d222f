"""The server is asked to stop: streams end politely, runs are handed back, nothing is cancelled."""

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import Sequence

import httpx
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.acceptance.cases import KNEE
from tests.faults.invariants import run_log
from tests.support.clients import FOLLOWERS, RawStream, SseEvent, authorised, http_client, sse_events, to_the_end
from tests.support.servers import Server

measured = logging.getLogger("measured")

# Two of the runs stay queued, so that their streams wait in silence.
SETTINGS = {"COMPOSER_PACE_S": 5, "MAX_CONCURRENT_RUNS": 4, "MAX_ACTIVE_RUNS_PER_USER": 50, "OWNED_STREAM_GRACE_S": 0.5}
RUNS = 6
EXITS_WITHIN_S = 10
STATES = "SELECT status, count(*) FROM generation_run GROUP BY status ORDER BY status"
GENERATING = "SELECT count(*) FROM generation_run WHERE status = 'running' AND stage = 'generating'"
HELD = "SELECT count(*) FROM generation_run WHERE holder IS NOT NULL OR lease_until IS NOT NULL"


def retries(frames: Sequence[bytes]) -> list[int]:
    return [int(frame.removeprefix(b"retry: ")) for frame in frames if frame.startswith(b"retry: ")]


def read_to_the_end(stream: RawStream) -> bytes:
    # A stream that is left open would be read for ever; the time-out of the socket bounds that.
    while stream.read(timeout_s=20):
        if stream.received.endswith(b"\r\n0\r\n\r\n"):
            break
    return stream.received


async def close_code(server: Server, path: str) -> int | None:
    options = {"max_queue": None, "proxy": None, "additional_headers": authorised(server.token)}
    async with connect(f"{server.ws_url}{path}", **options) as socket:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
        return socket.close_code


async def owned_stream(server: Server, started: "asyncio.Future[str]") -> list[SseEvent]:
    """Generate in the older dialect; a body that is cut, not ended, raises httpx.RemoteProtocolError."""
    frames = []
    async with (
        http_client(server.base_url, server.token) as client,
        client.stream("POST", "/api/generate-stream", json={"prompt": KNEE}) as response,
    ):
        async for frame in sse_events(response):
            frames.append(frame)
            if not started.done():
                started.set_result(response.headers["location"].rsplit("/", 1)[-1])
    return frames


async def until_generating(server: Server, count: int) -> None:
    give_up = time.monotonic() + 30
    while server.rows(GENERATING) != [(count,)]:
        assert time.monotonic() < give_up
        await asyncio.sleep(0.1)


async def test_sigterm_ends_every_connection_in_its_own_way_and_cancels_nothing(kind, make_server):
    server = make_server(kind, **SETTINGS)
    started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    owned = asyncio.create_task(owned_stream(server, started))
    runs = [await asyncio.wait_for(started, 20)]
    runs += [(await asyncio.to_thread(server.start_run, KNEE))["id"] for _ in range(RUNS - 1)]
    sockets = [f"/ws/runs/{runs[0]}/", f"/ws/runs/{runs[1]}/?after=3", f"/ws/runs/{runs[-1]}/", "/ws/"]
    closing = [asyncio.create_task(close_code(server, path)) for path in sockets]
    await until_generating(server, 4)

    with contextlib.ExitStack() as stack:
        streams = [
            stack.enter_context(RawStream(server.base_url, f"/api/runs/{run}/stream", server.token)) for run in runs
        ]
        for stream in streams:
            await asyncio.to_thread(stream.read_until, b'"event":"queued"')
        reading = [asyncio.to_thread(read_to_the_end, stream) for stream in streams]
        began = time.monotonic()
        _, *wires = await asyncio.gather(asyncio.to_thread(server.terminate, EXITS_WITHIN_S), *reading)
        measured.info("%s: gone %.2f s after SIGTERM", kind, time.monotonic() - began)

        for stream, wire in zip(streams, wires, strict=True):
            assert wire.endswith(b"\r\n0\r\n\r\n")
            frames = stream.body.split(b"\n\n")
            # Its greeting, and the goodbye behind the last event.
            assert len(retries(frames)) == 2
            assert frames[-2:] == [b"retry: %d" % retries(frames)[-1], b""]
            assert 1000 <= retries(frames)[-1] <= 5000
        assert len({stream.body.split(b"\n\n")[-2] for stream in streams}) > 1, "they all come back at once"

    assert await asyncio.gather(*closing) == [1001] * len(sockets)
    goodbye = (await asyncio.wait_for(owned, 10))[-1]
    assert (goodbye.data, goodbye.retry is not None and 1000 <= goodbye.retry <= 5000) == ("", True)
    assert server.rows(STATES) == [("queued", RUNS)]
    assert server.rows(HELD) == [(0,)]

    server.env |= {"COMPOSER_PACE_S": "0.1"}
    await asyncio.to_thread(server.start)
    for run_id in runs:
        log = await to_the_end(FOLLOWERS["sse"], server.base_url, run_id, server.token)
        assert log == await run_log(server, run_id)
        assert log[-1]["event"] == "complete"


async def test_a_waiting_generate_is_answered_with_503_and_its_run_goes_on(kind, make_server):
    server = make_server(kind, **SETTINGS)

    async def generate() -> httpx.Response:
        async with http_client(server.base_url, server.token) as client:
            return await client.post("/api/generate", json={"prompt": KNEE})

    waiting = asyncio.create_task(generate())
    await until_generating(server, 1)
    await asyncio.to_thread(server.terminate, EXITS_WITHIN_S)
    answer = await waiting
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert json.loads(answer.content)["error"]["code"] == "SERVER_ERROR"
    assert server.rows(STATES) == [("queued", 1)]


async def test_a_long_poll_is_answered_on_the_way_out(kind, make_server):
    server = make_server(kind, **SETTINGS)
    run = await asyncio.to_thread(server.start_run, KNEE)
    await until_generating(server, 1)
    async with http_client(server.base_url, server.token) as client:
        told = (await client.get(f"/api/runs/{run['id']}/events?wait=0")).json()["last_seq"]
        waiting = asyncio.create_task(client.get(f"/api/runs/{run['id']}/events?after={told + 20}&wait=55"))
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.terminate, EXITS_WITHIN_S)
        answer = await waiting
    # An early page and an honest "come back" are both fine; a 500 would not be.
    if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
        assert (answer.status_code, answer.json().get("done")) == (200, False)
    else:
        assert int(answer.headers["retry-after"]) > 0


async def test_two_restarts_in_a_row_fail_no_run_and_readers_never_lose_their_place(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=1, MAX_ACTIVE_RUNS_PER_USER=50)
    runs = [(await asyncio.to_thread(server.start_run, KNEE))["id"] for _ in range(RUNS)]
    followers = list(FOLLOWERS.values())
    reading = [
        asyncio.create_task(to_the_end(followers[index % 3], server.base_url, run_id, server.token))
        for index, run_id in enumerate(runs)
    ]
    for _ in range(2):
        await until_generating(server, RUNS)
        await asyncio.to_thread(server.terminate, EXITS_WITHIN_S)
        assert server.rows(STATES) == [("queued", RUNS)]
        await asyncio.to_thread(server.start)
    for run_id, log in zip(runs, await asyncio.gather(*reading), strict=True):
        assert log == await run_log(server, run_id)
        assert log[-1]["event"] == "complete"
