"""The server is killed with runs in flight, and nobody notices more than a pause."""

import asyncio
import logging
import time

from tests.acceptance.cases import KNEE
from tests.faults.invariants import run_log
from tests.support.clients import FOLLOWERS, to_the_end
from tests.support.servers import Server

# Figures for a report, shown by `--log-level=INFO -rP`; no test asserts a speed.
measured = logging.getLogger("measured")

RUNS = 50
ROOM = {
    "MAX_ACTIVE_RUNS_PER_USER": 1000,
    "MAX_STARTS_PER_MINUTE": 1000,
    "MAX_CONCURRENT_RUNS": 100,
    "MAX_OPEN_STREAMS_PER_USER": 1000,
}
# Slow enough that every run is in flight when the server is killed; brisk, as nobody needs to wait after that.
SLOW, BRISK = {"COMPOSER_PACE_S": 3}, {"COMPOSER_PACE_S": "0.2"}
WITHIN_S = 60
LIVE = "SELECT count(*) FROM generation_run WHERE status IN ('queued', 'running')"
RUNNING = "SELECT count(*) FROM generation_run WHERE status = 'running' AND stage = 'generating'"
SOME_ITEMS = "SELECT count(*) > 10 FROM generation_event WHERE name = 'item'"
EVENTS = "SELECT count(*) FROM generation_event"
NOT_SUCCEEDED = "SELECT count(*) FROM generation_run WHERE status <> 'succeeded'"
STAGES_KEPT = """
    SELECT outcome, whole, count(*), count(DISTINCT run_id || stage) FROM generation_metrics GROUP BY outcome, whole
"""
ENDS_KEPT = "SELECT outcome, attempts, count(*) FROM metrics_runmetric GROUP BY outcome, attempts"


async def start_runs(server: Server, count: int) -> list[str]:
    def start() -> str:
        run_id: str = server.start_run(KNEE)["id"]
        return run_id

    # A few at a time: one SQLite file takes them one after the other anyway.
    gate = asyncio.Semaphore(8)

    async def one() -> str:
        async with gate:
            return await asyncio.to_thread(start)

    return list(await asyncio.gather(*(one() for _ in range(count))))


async def until(server: Server, query: str, wanted: object, within_s: float = WITHIN_S) -> float:
    """Ask the file, not the server, until the answer is `wanted`; returns the seconds that took."""
    began = time.monotonic()
    while (answer := server.rows(query)[0][0]) != wanted:
        assert time.monotonic() - began < within_s, f"{query}: {answer}"
        await asyncio.sleep(0.1)
    return time.monotonic() - began


async def test_fifty_runs_outlive_the_server_and_their_readers_miss_nothing(kind, make_server):
    server = make_server(kind, **SLOW, **ROOM)
    runs = await start_runs(server, RUNS)
    transports = list(FOLLOWERS.values())
    reading = [
        asyncio.create_task(to_the_end(transports[index % 3], server.base_url, run_id, server.token, within_s=WITHIN_S))
        for index, run_id in enumerate(runs)
    ]
    await until(server, RUNNING, RUNS)
    await until(server, SOME_ITEMS, 1)
    await asyncio.to_thread(server.kill)
    assert server.rows(LIVE) == [(RUNS,)]

    began = time.monotonic()
    server.env |= BRISK
    await asyncio.to_thread(server.start)
    logs = await asyncio.gather(*reading)
    measured.info("%s: all %d runs ended %.1f s after the restart began", kind, RUNS, time.monotonic() - began)
    for run_id, log in zip(runs, logs, strict=True):
        assert log == await run_log(server, run_id)
        assert [event["data"]["attempt"] for event in log if event["event"] == "resumed"] == [2]
        assert log[-1]["event"] == "complete"
    # All were in `generating`: what the first attempt had done of it is kept as lost, and the second had but the rest.
    assert sorted(server.rows(STAGES_KEPT)) == [
        ("lost", 1, RUNS, RUNS),
        ("succeeded", 0, RUNS, RUNS),
        ("succeeded", 1, 5 * RUNS, 5 * RUNS),
    ]
    assert server.rows(ENDS_KEPT) == [("succeeded", 2, RUNS)]


async def test_runs_go_on_after_the_restart_though_nobody_visits(kind, make_server, monkeypatch):
    server = make_server(kind, **SLOW, **ROOM)
    runs = await start_runs(server, 5)
    await until(server, RUNNING, 5)
    await asyncio.to_thread(server.kill)
    assert server.rows(LIVE) == [(5,)]
    left = server.rows(EVENTS)[0][0]

    # Whether it answers is not asked: that would be a visit.
    monkeypatch.setattr(server, "answers", lambda: True)
    server.env |= BRISK
    began = time.monotonic()
    server.start()
    while server.rows(EVENTS)[0][0] == left:
        assert time.monotonic() - began < WITHIN_S
        await asyncio.sleep(0.05)
    measured.info("%s: the first event came %.1f s after the restart began", kind, time.monotonic() - began)
    await until(server, NOT_SUCCEEDED, 0)
    for run_id in runs:
        await run_log(server, run_id)


async def test_a_run_killed_twice_still_has_one_story(make_server):
    server = make_server("uvicorn", COMPOSER_PACE_S=0.7, **ROOM)
    [run_id] = await start_runs(server, 1)
    reading = asyncio.create_task(to_the_end(FOLLOWERS["sse"], server.base_url, run_id, server.token))
    for items in (1, 3):
        await until(server, f"SELECT count(*) >= {items} FROM generation_event WHERE name = 'item'", 1)  # noqa: S608
        await asyncio.to_thread(server.kill)
        assert server.rows(LIVE) == [(1,)]
        await asyncio.to_thread(server.start)
    log = await reading
    assert log == await run_log(server, run_id)
    assert [event["data"]["attempt"] for event in log if event["event"] == "resumed"] == [2, 3]
