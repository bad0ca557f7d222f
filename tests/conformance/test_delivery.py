"""Promise 1: each event of a run once, in order, without a gap, from the cursor to the terminal event."""

import asyncio
import itertools
import json

import pytest

from tests.conformance.sockets import ask, hear, socket_to
from tests.conformance.states import REACH
from tests.conformance.target import START, Target, names, seqs
from tests.support.clients import (
    FOLLOWERS,
    TERMINAL,
    Envelope,
    follow_poll,
    follow_sse,
    http_client,
    sse_events,
    take,
    to_the_end,
)

STATUS = {"complete": "succeeded", "error": "failed", "cancelled": "cancelled"}


def assert_whole(events: list[Envelope]) -> None:
    assert seqs(events) == list(range(1, len(events) + 1))
    assert len({event["run_id"] for event in events}) == 1
    assert events[0]["event"] == "queued"
    assert [name for name in names(events) if name in TERMINAL] == names(events)[-1:]
    for event in events:
        assert set(event) == {"seq", "run_id", "event", "ts", "data"}


async def started(target: Target) -> str:
    return await asyncio.to_thread(target.start)


async def finished_log(target: Target) -> tuple[str, list[Envelope]]:
    run = await asyncio.to_thread(REACH["succeeded"], target)
    return run, await to_the_end(follow_poll, target.base_url, run, target.token)


async def test_every_transport_tells_the_whole_story_while_it_happens(target):
    run = await started(target)
    logs = await asyncio.gather(
        *(to_the_end(follow, target.base_url, run, target.token) for follow in FOLLOWERS.values())
    )
    assert_whole(logs[0])
    assert logs[0] == logs[1] == logs[2]
    snapshot = await asyncio.to_thread(target.snapshot, run)
    assert (snapshot["status"], snapshot["last_seq"]) == (STATUS[logs[0][-1]["event"]], len(logs[0]))


@pytest.mark.parametrize("transport", FOLLOWERS)
@pytest.mark.parametrize("at_once", [1, 3])
async def test_a_connection_cut_after_every_few_events_misses_and_repeats_nothing(target, transport, at_once):
    run = await started(target)
    seen: list[Envelope] = []
    while not seen or seen[-1]["event"] not in TERMINAL:
        seen += await take(FOLLOWERS[transport](target.base_url, run, target.token, len(seen)), at_once)
    assert_whole(seen)
    assert seen == await to_the_end(follow_poll, target.base_url, run, target.token)


async def test_a_reader_that_changes_its_transport_misses_and_repeats_nothing(target):
    run = await started(target)
    seen: list[Envelope] = []
    for follow in itertools.cycle(FOLLOWERS.values()):
        seen += await take(follow(target.base_url, run, target.token, len(seen)), 2)
        if seen[-1]["event"] in TERMINAL:
            break
    assert_whole(seen)


@pytest.mark.parametrize("transport", FOLLOWERS)
async def test_a_finished_run_replays_from_every_cursor_and_closes(target, transport):
    run, whole = await finished_log(target)
    assert_whole(whole)
    for cursor in range(len(whole)):
        # One connection each: it ends by itself after the terminal event.
        replayed = [event async for event in FOLLOWERS[transport](target.base_url, run, target.token, cursor)]
        assert replayed == whole[cursor:]


async def test_the_cursor_in_the_address_does_what_the_header_does(target):
    run, whole = await finished_log(target)
    for cursor in (0, 1, len(whole) - 1):
        replayed = [event async for event in follow_sse(target.base_url, run, target.token, cursor, by_header=False)]
        assert replayed == whole[cursor:]


async def test_two_runs_on_one_socket_are_each_told_whole(target):
    runs = [await started(target) for _ in range(2)]
    told: dict[str, list[Envelope]] = {run: [] for run in runs}
    async with socket_to(target, "/ws/") as socket:
        for run in runs:
            await socket.send(json.dumps({"type": "subscribe", "run": run, "after": 0}))
        while not all(log and log[-1]["event"] in TERMINAL for log in told.values()):
            message = await hear(socket)
            if "event" in message:
                told[message["run_id"]].append(message)
    for log in told.values():
        assert_whole(log)


async def test_subscribing_again_moves_the_cursor(target):
    run, whole = await finished_log(target)
    async with socket_to(target, "/ws/") as socket:
        for cursor in (0, len(whole) - 2):
            await ask(socket, type="subscribe", run=run, after=cursor)
            heard = [await hear(socket) for _ in whole[cursor:]]
            assert heard == whole[cursor:]


async def test_a_run_started_with_its_stream_is_told_whole(target):
    async with (
        http_client(target.base_url, target.token) as client,
        client.stream("POST", "/api/runs/stream", json=START) as response,
    ):
        assert response.status_code == 200
        events = [event.json async for event in sse_events(response) if event.data and event.event != "ping"]
    assert response.headers["location"] == f"/api/runs/{events[0]['run_id']}"
    assert_whole(events)


@pytest.mark.parametrize("how", ["kill", "restart"])
async def test_a_reader_outlives_the_server(own, how):
    target = own()
    server, run = target.server, await started(target)
    reading = [
        asyncio.create_task(to_the_end(follow, server.base_url, run, server.token)) for follow in FOLLOWERS.values()
    ]
    seen = await take(follow_sse(server.base_url, run, server.token), 8)
    assert seen[-1]["event"] not in TERMINAL
    if how == "kill":
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    else:
        await asyncio.to_thread(server.restart)
    logs = await asyncio.gather(*reading)
    assert_whole(logs[0])
    assert logs[0] == logs[1] == logs[2]
    assert logs[0][-1]["event"] == "complete"
