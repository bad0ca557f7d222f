"""F11: another process keeps SQLite's write lock. Writes wait, streams stay alive, nobody reads about a lock."""

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Iterator

from tests.acceptance.cases import KNEE
from tests.faults.invariants import run_log
from tests.support.clients import FOLLOWERS, TERMINAL, http_client, sse_events
from tests.support.servers import Server

measured = logging.getLogger("measured")

LOCKED_S = 5
SETTINGS = {"HEARTBEAT_S": 1, "COMPOSER_PACE_S": 0.8, "MAX_ACTIVE_RUNS_PER_USER": 50}
EVENTS = "SELECT count(*) FROM generation_event"


@contextlib.contextmanager
def write_lock(server: Server) -> Iterator[None]:
    """What a backup tool, a shell or a virus scanner may do."""
    connection = sqlite3.connect(str(server.database), timeout=20, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
    finally:
        connection.close()


async def arrivals(server: Server, run_id: str) -> list[tuple[float, str]]:
    """When what came on one stream, to its end."""
    seen = []
    async with (
        http_client(server.base_url, server.token, read_timeout_s=30) as client,
        client.stream("GET", f"/api/runs/{run_id}/stream") as response,
    ):
        async for frame in sse_events(response):
            if frame.data:
                seen.append((time.monotonic(), frame.event if frame.event == "ping" else frame.json["event"]))
    return seen


async def test_writes_wait_and_streams_keep_their_heartbeat(kind, make_server):
    server = make_server(kind, **SETTINGS)
    runs = [(await asyncio.to_thread(server.start_run, KNEE))["id"] for _ in range(6)]
    reading = [asyncio.create_task(arrivals(server, run_id)) for run_id in runs]
    await asyncio.sleep(1)

    with write_lock(server):
        began = time.monotonic()
        stored = server.rows(EVENTS)
        # Asked for while nothing can be written: a start waits, what only reads does not fail.
        starting = asyncio.create_task(asyncio.to_thread(server.start_run, KNEE))
        joining = asyncio.create_task(arrivals(server, runs[0]))
        assert (await asyncio.to_thread(server.snapshot, runs[0]))["status"] == "running"
        await asyncio.sleep(LOCKED_S)
        assert not starting.done()
        assert server.rows(EVENTS) == stored, "the lock held nobody up"
        ended = time.monotonic()
    runs.append((await starting)["id"])
    measured.info("%s: the start was answered %.2f s after the lock went", kind, time.monotonic() - ended)

    for seen in await asyncio.gather(*reading):
        pings = [at for at, name in seen if name == "ping" and began < at < ended]
        # One a second are promised; three leave a busy machine some room.
        assert len(pings) >= 3
        assert seen[-1][1] == "complete"
    assert (await joining)[-1][1] in TERMINAL
    reader = FOLLOWERS["poll"]
    assert [event async for event in reader(server.base_url, runs[-1], server.token)][-1]["event"] == "complete"
    for run_id in runs:
        assert [event["event"] for event in await run_log(server, run_id)].count("resumed") == 0
    assert "database is locked" not in server.log_text
