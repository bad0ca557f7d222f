"""Promises 3 and 4: the heartbeat, the first words and the headers of a stream."""

import asyncio
import json
import time

import pytest

from tests.conformance.sockets import socket_to
from tests.conformance.states import REACH
from tests.support.clients import RawStream

HEARTBEAT_S = 15
# For a network and a machine that does other things.
SLACK_S = 1.5


def test_an_idle_stream_has_a_heartbeat(target):
    run = REACH["paused"](target)
    last = target.snapshot(run)["last_seq"]
    with RawStream(target.base_url, f"/api/runs/{run}/stream?after={last}", target.token) as stream:
        stream.read_until(b"retry: 1000\n\n")
        for count in (1, 2):
            began = time.monotonic()
            while stream.body.count(b"event: ping\n") < count:
                assert stream.read(HEARTBEAT_S + SLACK_S)
            assert time.monotonic() - began <= HEARTBEAT_S + SLACK_S
    # Without an id: an EventSource keeps its cursor.
    assert stream.body == b"retry: 1000\n\n" + 2 * b"event: ping\ndata: {}\n\n"


@pytest.mark.parametrize("path", ["/ws/", "/ws/runs/{run}/?after={last}"])
async def test_an_idle_socket_has_a_heartbeat(target, path):
    run = await asyncio.to_thread(REACH["paused"], target)
    last = (await asyncio.to_thread(target.snapshot, run))["last_seq"]
    async with socket_to(target, path.format(run=run, last=last)) as socket:
        for _ in range(2):
            assert await asyncio.wait_for(socket.recv(), HEARTBEAT_S + SLACK_S) == '{"event":"ping"}'


@pytest.mark.parametrize("query", ["", "?named=1"])
def test_the_bytes_of_a_stream_are_those_of_the_contract(target, query):
    run = REACH["succeeded"](target)
    events = target.events(run)
    body = target.client.get(f"/api/runs/{run}/stream{query}").content
    first, *frames, end = body.split(b"\n\n")
    assert (first, end) == (b"retry: 1000", b"")
    assert len(frames) == len(events)
    for frame, event in zip(frames, events, strict=True):
        lines = frame.split(b"\n")
        if query:
            # Before its data; an EventSource does not mind where the id stands.
            assert b"event: " + event["event"].encode() in lines[:-1]
            lines.remove(b"event: " + event["event"].encode())
        number, data = lines
        assert number == b"id: %d" % event["seq"]
        assert data.startswith(b"data: {")
        assert json.loads(data.removeprefix(b"data: ")) == event
    assert b"\r" not in body


def test_the_headers_keep_caches_proxies_and_compression_out(target):
    run = REACH["running"](target)
    stream = RawStream(target.base_url, f"/api/runs/{run}/stream", target.token)
    stream.headers["Accept-Encoding"] = "gzip, deflate, br, zstd"
    with stream:
        stream.read_until(b"\r\n\r\n")
    status, *lines = stream.head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert status.split()[1] == "200"
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert headers["connection"].lower() == "keep-alive"
    assert "content-encoding" not in headers
    assert "content-length" not in headers
