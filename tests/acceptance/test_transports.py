"""One log, three transports, and connections that break anywhere."""

import asyncio
import random
import time
from datetime import datetime

import pytest

from tests.acceptance.cases import KNEE
from tests.support.clients import FOLLOWERS, TERMINAL, take, to_the_end
from tests.support.waiting import eventually

SLOW = {"COMPOSER_PACE_S": 0.4}
# The promise is 1.5 s, of which the look at the heads takes one; the rest is for two cores that do much else.
LATEST_S = 2.5
# Of the case below: six stages that begin and end, five exercises with progress, queued, cost and the end.
SHORTEST_LOG = 25
RECONNECTS = "SELECT way, after FROM generation_reconnect ORDER BY id"


async def test_sse_websocket_and_polling_tell_the_same_story(kind, make_server):
    server = make_server(kind, **SLOW)
    run = await asyncio.to_thread(server.start_run, KNEE)
    logs = await asyncio.gather(
        *(to_the_end(follow, server.base_url, run["id"], server.token) for follow in FOLLOWERS.values())
    )
    assert logs[0] == logs[1] == logs[2]
    assert [envelope["seq"] for envelope in logs[0]] == list(range(1, len(logs[0]) + 1))
    assert [envelope["event"] for envelope in logs[0] if envelope["event"] in TERMINAL] == ["complete"]
    assert logs[0][0]["event"] == "queued"


@pytest.mark.parametrize("transport", FOLLOWERS)
async def test_a_connection_cut_twenty_times_misses_and_repeats_nothing(kind, make_server, transport):
    server = make_server(kind, **SLOW)
    run = await asyncio.to_thread(server.start_run, KNEE)
    chance = random.Random(transport)  # noqa: S311 - where to cut
    seen: list[dict] = []
    for place in sorted(chance.sample(range(1, SHORTEST_LOG), 20)):
        follower = FOLLOWERS[transport](server.base_url, run["id"], server.token, len(seen))
        seen += await take(follower, place - len(seen))
    assert not any(envelope["event"] in TERMINAL for envelope in seen)
    seen += await to_the_end(FOLLOWERS[transport], server.base_url, run["id"], server.token, len(seen))
    assert [envelope["seq"] for envelope in seen] == list(range(1, len(seen) + 1))
    assert seen == await to_the_end(FOLLOWERS["poll"], server.base_url, run["id"], server.token)


@pytest.mark.parametrize("lossy", ["dropping", "doubling", "reordering"])
async def test_a_channel_layer_at_its_worst_delays_but_loses_nothing(kind, make_server, lossy):
    server = make_server(kind, DJANGO_SETTINGS_MODULE="tests.support.lossy_settings", LOSSY=lossy, **SLOW)
    run = await asyncio.to_thread(server.start_run, KNEE)
    logs = await asyncio.gather(*(timed_log(follow, server, run["id"]) for follow in FOLLOWERS.values()))
    seen = [[envelope for _, envelope in log] for log in logs]
    assert seen[0] == seen[1] == seen[2]
    assert [envelope["seq"] for envelope in seen[0]] == list(range(1, len(seen[0]) + 1))
    assert max(late for log in logs for late, _ in log) < LATEST_S


async def timed_log(follow, server, run_id: str) -> list[tuple[float, dict]]:
    """The log over one connection, each event with the seconds from its writing to its arrival."""
    return [
        (time.time() - datetime.fromisoformat(envelope["ts"]).timestamp(), envelope)
        async for envelope in follow(server.base_url, run_id, server.token)
    ]


async def test_a_reader_may_change_its_transport_in_the_middle(kind, make_server):
    server = make_server(kind, **SLOW)
    run = await asyncio.to_thread(server.start_run, KNEE)
    seen: list[dict] = []
    for transport in ("sse", "ws", "poll", "ws", "sse"):
        seen += await take(FOLLOWERS[transport](server.base_url, run["id"], server.token, len(seen)), 3)
    seen += await to_the_end(FOLLOWERS["sse"], server.base_url, run["id"], server.token, len(seen))
    assert [envelope["seq"] for envelope in seen] == list(range(1, len(seen) + 1))

    async def noted() -> bool:
        # For its timeline. A poll holds no connection that could be lost.
        return server.rows(RECONNECTS) == [("ws", 3), ("ws", 9), ("sse", 12), ("sse", 15)]

    await eventually(noted)
