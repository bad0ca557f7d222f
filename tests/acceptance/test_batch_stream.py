"""The state stream of a batch, on real sockets: first all of it, then what changes, at last that it is over."""

import asyncio
import json
import time
from collections import defaultdict

import pytest

from tests.acceptance.asking import answer_to, socket_to, token
from tests.acceptance.cases import KNEE
from tests.support.clients import http_client, parse_sse, sse_events

ROWS = 5
SLOW = {"COMPOSER_PACE_S": 0.1}
URGENT = "45 year old, low back pain since yesterday, saddle numbness and cannot pass urine since this morning."


async def start_batch(server, **more) -> str:
    inputs = [{"prompt": KNEE}] * (ROWS - 1) + [{"prompt": URGENT}]
    async with http_client(server.base_url, server.token) as client:
        answer = await client.post("/api/batches", json={"kind": "exercise_program", "inputs": inputs, **more})
    return answer.raise_for_status().json()["id"]


async def by_stream(server, batch: str) -> list[tuple[float, dict]]:
    told = []
    async with (
        http_client(server.base_url, server.token) as client,
        client.stream("GET", f"/api/batches/{batch}/stream") as answer,
    ):
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        async for event in sse_events(answer):
            if event.data and event.event != "ping":
                assert (event.event, event.id) == ("message", None)
                told.append((time.monotonic(), event.json))
    return told


async def by_socket(server, batch: str) -> list[tuple[float, dict]]:
    told = []
    async with socket_to(server, "/ws/", token(server, "alice")) as socket:
        answer = await answer_to(socket, {"type": "subscribe", "batch": batch, "ref": 1})
        assert answer == {"type": "ok", "ref": 1, "batch": batch}
        async with asyncio.timeout(60):
            while not (told and told[-1][1]["event"] == "batch_complete"):
                message = json.loads(await socket.recv())
                if message["event"] != "ping":
                    told.append((time.monotonic(), message))
    return told


@pytest.mark.parametrize("follow", [by_stream, by_socket])
async def test_a_batch_is_told_from_its_start_to_its_end(kind, make_server, follow):
    server = make_server(kind, **SLOW)
    batch = await start_batch(server, max_parallel=2)
    told = [message for _, message in await follow(server, batch)]
    opening, changes, ending = told[0], told[1:-1], told[-1]
    assert (opening["event"], opening["data"]["id"]) == ("batch", batch)
    assert len(opening["data"]["runs"]) == ROWS
    assert {change["event"] for change in changes} == {"run"}
    assert all(change["batch"]["counts"].get("running", 0) <= 2 for change in changes)
    progress = [change["batch"]["progress"] for change in changes]
    assert progress == sorted(progress)
    assert (ending["event"], ending["data"]["status"]) == ("batch_complete", "succeeded")
    assert ending["data"]["counts"] == {"succeeded": ROWS}
    last = {change["data"]["id"]: change["data"]["status"] for change in changes}
    assert set(last.values()) == {"succeeded"}
    assert len(last) == ROWS


async def test_no_row_is_told_more_than_four_times_a_second(kind, make_server):
    server = make_server(kind, **SLOW)
    told = await by_stream(server, await start_batch(server))
    times = defaultdict(list)
    for at, message in told[1:-1]:
        times[message["data"]["id"]].append(at)
    # The first and the last of them may fall outside whole quarters of a second.
    assert all(len(of) <= 4 * (of[-1] - of[0]) + 2 for of in times.values())


async def test_a_reconnect_begins_again(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=60)
    batch = await start_batch(server)
    async with http_client(server.base_url, server.token) as client:
        for _ in range(2):
            async with client.stream("GET", f"/api/batches/{batch}/stream") as answer:
                async for event in sse_events(answer):
                    if event.data:
                        assert event.json["event"] == "batch"
                        break
        assert (await client.post(f"/api/batches/{batch}/cancel")).status_code == 202
    told = [message for _, message in await by_stream(server, batch)]
    assert told[-1]["data"]["status"] == "cancelled"
    assert {run["status"] for run in told[0]["data"]["runs"]} <= {"cancelling", "cancelled", "succeeded"}


async def test_shutting_down_ends_it_with_a_time_to_come_back(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=60)
    batch = await start_batch(server)
    async with (
        http_client(server.base_url, server.token) as client,
        client.stream("GET", f"/api/batches/{batch}/stream") as answer,
    ):
        pieces = answer.aiter_raw()
        received = await anext(pieces)
        while b'"event":"batch"' not in received:
            received += await anext(pieces)
        server.terminate()
        async for piece in pieces:
            received += piece
    last = parse_sse(received.strip().rsplit(b"\n\n", 1)[-1])
    assert 1000 <= (last.retry or 0) <= 5000
