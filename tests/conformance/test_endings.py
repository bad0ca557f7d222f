"""Promises 6 and 7: a stream that the server ends says when to come back, and nothing is lost by it."""

import asyncio
import re
from contextlib import ExitStack

from tests.conformance.sockets import hear, socket_to, until_closed
from tests.conformance.target import seqs
from tests.support.clients import FOLLOWERS, RawStream, to_the_end

RETRY = re.compile(rb"retry: (\d+)\n\n\Z")
COME_BACK_MS = range(1000, 5001)


def retry_at_the_end(body: bytes) -> int:
    found = RETRY.search(body)
    assert found is not None, body[-200:]
    return int(found[1])


def read_to_the_end(stream: RawStream) -> bytes:
    """The body of a stream that was ended as HTTP ends one. Raises EOFError."""
    stream.read_until(b"\r\n0\r\n\r\n")
    return stream.body


async def test_a_stream_that_has_had_its_share_is_cut_off_and_come_back_to(own):
    target = own(STREAM_MAX_BYTES=2000)
    run = await asyncio.to_thread(target.start)
    with RawStream(target.base_url, f"/api/runs/{run}/stream", target.token) as stream:
        async with socket_to(target, f"/ws/runs/{run}/") as socket:
            code, heard = await until_closed(socket)
        body = await asyncio.to_thread(read_to_the_end, stream)
    assert retry_at_the_end(body) in COME_BACK_MS
    assert code == 1012
    assert seqs(heard) == list(range(1, len(heard) + 1))
    logs = [await to_the_end(follow, target.base_url, run, target.token) for follow in FOLLOWERS.values()]
    assert logs[0] == logs[1] == logs[2]
    assert len(heard) < len(logs[0])


async def test_a_server_that_shuts_down_ends_its_streams_and_they_go_on_elsewhere(own):
    target = own(COMPOSER_PACE_S=1.5)
    server, run = target.server, await asyncio.to_thread(target.start)
    await asyncio.to_thread(target.until_event, run, "progress")
    with RawStream(server.base_url, f"/api/runs/{run}/stream", server.token) as stream:
        stream.read_until(b"id: 1\n")
        async with socket_to(target, f"/ws/runs/{run}/") as socket:
            first = await hear(socket)
            await asyncio.to_thread(server.terminate)
            code, heard = await until_closed(socket)
        body = await asyncio.to_thread(read_to_the_end, stream)
    assert retry_at_the_end(body) in COME_BACK_MS
    assert code == 1001
    server.env |= {"COMPOSER_PACE_S": "0"}
    await asyncio.to_thread(server.start)
    last = int(re.findall(rb"^id: (\d+)$", body, re.MULTILINE)[-1])
    rests = [await to_the_end(follow, server.base_url, run, server.token, last) for follow in FOLLOWERS.values()]
    assert seqs(rests[0]) == list(range(last + 1, last + 1 + len(rests[0])))
    assert rests[0] == rests[1] == rests[2]
    assert rests[0][-1]["event"] == "complete"
    assert seqs([first, *heard]) == list(range(1, len(heard) + 2))


def test_the_times_to_come_back_are_spread(own):
    target = own(COMPOSER_PACE_S=300)
    run = target.start()
    target.until_event(run, "progress")
    with ExitStack() as stack:
        streams = [
            stack.enter_context(RawStream(target.base_url, f"/api/runs/{run}/stream", target.token)) for _ in range(8)
        ]
        for stream in streams:
            stream.read_until(b"id: 1\n")
        target.server.terminate()
        times = {retry_at_the_end(read_to_the_end(stream)) for stream in streams}
    assert len(times) > 1
    assert times <= set(COME_BACK_MS)
