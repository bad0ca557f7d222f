"""Two servers on one PostgreSQL: a worker that was asleep writes nothing, and hints are only hints."""

import asyncio
import contextlib
import logging
import statistics
import sys
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import psycopg
import pytest

from tests.acceptance.cases import KNEE
from tests.faults.invariants import run_log
from tests.support import servers
from tests.support.clients import FOLLOWERS, Envelope, to_the_end
from tests.support.servers import Prepared, Server

measured = logging.getLogger("measured")

LEASE_S = 2
# Executors look for lost runs every 5 s; the rest is for a busy machine.
TAKEN_OVER_WITHIN_S = 40
# Between processes an event comes by a hint at once, or by the look at the heads within a second.
LIVE_LAG_S = 0.3
RUN = "SELECT status, epoch, attempt, holder::text, last_seq FROM generation_run WHERE uid = %s"
EVENTS = "SELECT count(*), max(seq) FROM generation_event e JOIN generation_run r ON r.id = e.run_id WHERE r.uid = %s"


@pytest.fixture(scope="session")
def shared(postgres_session, tmp_path_factory) -> Prepared:
    return servers.prepare(tmp_path_factory.mktemp("shared"), postgres_session.new_database())


def row(server: Server, query: str, run_id: str) -> tuple[Any, ...]:
    with psycopg.connect(server.database_url, autocommit=True, connect_timeout=5) as connection:
        found = connection.execute(query.encode(), [run_id]).fetchone()
    assert found is not None
    return found


async def until(seen: Callable[[], bool], within_s: float = TAKEN_OVER_WITHIN_S) -> None:
    give_up = time.monotonic() + within_s
    while not await asyncio.to_thread(seen):
        assert time.monotonic() < give_up
        await asyncio.sleep(0.1)


def is_status(server: Server, run_id: str, status: str) -> Callable[[], bool]:
    return lambda: bool(row(server, RUN, run_id)[0] == status)


def two_servers(make_server: Any, shared: Prepared, redis_url: str, **settings: object) -> tuple[Server, Server]:
    """A works; B comes later where a test needs to know who works."""
    common = {"RUN_LEASE_S": LEASE_S, "REDIS_URL": redis_url, "MAX_ACTIVE_RUNS_PER_USER": 1000, **settings}
    common |= {"MAX_STARTS_PER_MINUTE": 1000, "MAX_OPEN_STREAMS_PER_USER": 1000}
    worker = make_server("uvicorn", database=shared, **common)
    return worker, make_server("uvicorn", database=shared, **{**common, "COMPOSER_PACE_S": 0.2})


@pytest.mark.parametrize("layer", ["with Redis", "without Redis"])
async def test_a_worker_that_slept_through_its_lease_writes_nothing_more(make_server, shared, request, layer):
    redis_url = request.getfixturevalue("redis").url if layer == "with Redis" else ""
    zombie, other = two_servers(make_server, shared, redis_url, COMPOSER_PACE_S=1)
    # Asleep while the runs are claimed, so that all of them are the zombie's.
    other.stop()
    runs = [(await asyncio.to_thread(zombie.start_run, KNEE))["id"] for _ in range(3)]
    for run_id in runs:
        await until(lambda run_id=run_id: row(zombie, EVENTS, run_id)[0] >= 7)
    zombie.stop()
    before = {run_id: row(other, RUN, run_id) for run_id in runs}
    assert {status for status, *_ in before.values()} == {"running"}
    slept = time.monotonic()
    other.cont()

    reading = [asyncio.create_task(to_the_end(FOLLOWERS["sse"], other.base_url, run, other.token)) for run in runs]
    for run_id in runs:
        await until(is_status(other, run_id, "succeeded"))
    measured.info("%s: taken over and finished %.1f s after the worker slept", layer, time.monotonic() - slept)
    logs = dict(zip(runs, await asyncio.gather(*reading), strict=True))
    stored = {run_id: (row(other, RUN, run_id), row(other, EVENTS, run_id)) for run_id in runs}

    # It wakes in the middle of an item: whatever it does now, it does late.
    zombie.cont()
    late = [asyncio.create_task(to_the_end(FOLLOWERS["ws"], zombie.base_url, run, zombie.token)) for run in runs]
    await asyncio.sleep(3)
    for run_id, seen in zip(runs, await asyncio.gather(*late), strict=True):
        assert (row(other, RUN, run_id), row(other, EVENTS, run_id)) == stored[run_id]
        assert seen == logs[run_id] == await run_log(other, run_id) == await run_log(zombie, run_id)
        (_, epoch, attempt, *_), (_, first_epoch, *_) = stored[run_id][0], before[run_id]
        # One epoch for the taking away and one for the claim that followed.
        assert (epoch, attempt) == (first_epoch + 2, 2)
        assert [event["data"]["attempt"] for event in seen if event["event"] == "resumed"] == [2]

    # Its events were refused for their epoch; that their numbers were taken would be luck.
    assert "IntegrityError" not in zombie.log_text

    async def serves(server: Server) -> None:
        run_id = (await asyncio.to_thread(server.start_run, KNEE))["id"]
        log = await to_the_end(FOLLOWERS["sse"], server.base_url, run_id, server.token)
        assert log == await run_log(server, run_id)

    await asyncio.gather(serves(zombie), serves(other))


Arrival = tuple[float, Envelope]


class Watching:
    """One connection to a run that is held to its end; a reconnect would be an error."""

    def __init__(self, server: Server, run_id: str, transport: str) -> None:
        self.seen: list[Arrival] = []
        self.task = asyncio.create_task(self.watch(server, run_id, transport))

    async def watch(self, server: Server, run_id: str, transport: str) -> None:
        async for event in FOLLOWERS[transport](server.base_url, run_id, server.token):
            self.seen.append((time.time(), event))

    async def until_seen(self, count: int, within_s: float = 40) -> None:
        async with asyncio.timeout(within_s):
            while len(self.seen) < count:
                assert not self.task.done() or len(self.seen) >= count, "the connection ended"
                await asyncio.sleep(0.05)

    def lags(self, since: float = 0.0) -> list[float]:
        """Seconds from writing to arrival of what was written after `since`."""
        return [
            at - written
            for at, event in self.seen
            if (written := datetime.fromisoformat(event["ts"]).timestamp()) > since
        ]


def median_lag(watching: list[Watching], since: float) -> float:
    lags = [lag for one in watching for lag in one.lags(since)]
    assert len(lags) >= 8, "too little came to judge by"
    return statistics.median(lags)


async def start_watched(worker: Server, web: Server, count: int) -> tuple[list[str], list[Watching]]:
    runs, watching = [], []
    for number in range(count):
        run_id = (await asyncio.to_thread(worker.start_run, KNEE))["id"]
        runs.append(run_id)
        watching.append(Watching(web, run_id, ("sse", "ws")[number % 2]))
        # Not in step, or all of them would meet the look at the heads at the same lucky moment.
        await asyncio.sleep(0.3)
    return runs, watching


async def test_a_run_of_one_server_is_live_on_the_other_through_losses_of_redis(make_server, shared, redis):
    worker, web = two_servers(make_server, shared, redis.url, COMPOSER_PACE_S=2.5)
    # It works on nothing: what it shows has come from the other process.
    web.env |= {"MAX_CONCURRENT_RUNS": "0"}
    await asyncio.to_thread(web.restart)
    began = time.time()
    runs, watching = await start_watched(worker, web, 4)
    for one in watching:
        await one.until_seen(7)
    # What was written before the stream opened is old when it comes.
    lag = median_lag(watching, since=began + 1)
    measured.info("lag through Redis: median %.0f ms", lag * 1000)
    assert lag < LIVE_LAG_S

    await asyncio.to_thread(redis.kill)
    counts = [len(one.seen) for one in watching]
    for one, count in zip(watching, counts, strict=True):
        await one.until_seen(count + 2)
    # New readers come too, while it is gone.
    late = Watching(web, runs[0], "sse")
    await late.until_seen(counts[0])

    await asyncio.to_thread(redis.start)
    # The layer looks again each second.
    await asyncio.sleep(2.5)
    back = time.time()
    await asyncio.gather(*(one.task for one in (*watching, late)))
    lag = median_lag([*watching, late], since=back)
    measured.info("lag after Redis came back: median %.0f ms", lag * 1000)
    assert lag < LIVE_LAG_S
    for run_id, one in zip([*runs, runs[0]], [*watching, late], strict=True):
        assert [event for _, event in one.seen] == await run_log(worker, run_id)


async def test_a_redis_that_does_not_answer_holds_up_neither_runs_nor_readers(make_server, shared, redis):
    """Stopped, not gone: connections stay open and every call on them hangs."""
    worker, web = two_servers(make_server, shared, redis.url, COMPOSER_PACE_S=0.6)
    web.stop()
    [run_id] = [(await asyncio.to_thread(worker.start_run, KNEE))["id"]]
    await until(lambda: row(worker, EVENTS, run_id)[0] >= 7)
    redis.stop()
    with contextlib.ExitStack() as stack:
        stack.callback(redis.cont)
        worker.kill()
        web.cont()
        logs = await asyncio.gather(
            *(to_the_end(follow, web.base_url, run_id, web.token) for follow in FOLLOWERS.values())
        )
        assert logs[0] == logs[1] == logs[2] == await run_log(web, run_id)
        assert [event["data"]["attempt"] for event in logs[0] if event["event"] == "resumed"] == [2]


async def test_a_worker_stopped_inside_a_transaction_holds_nobody_up(make_server, shared):
    """Its row locks live as long as its transaction; the database ends that after a lease."""
    worker, other = two_servers(make_server, shared, "", COMPOSER_PACE_S=1)
    other.stop()
    run_id = (await asyncio.to_thread(worker.start_run, KNEE))["id"]
    await until(lambda: row(worker, EVENTS, run_id)[0] >= 7)
    holding = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD_A_LOCK, run_id, env=worker.env, cwd=worker.folder, stdout=asyncio.subprocess.PIPE
    )
    assert holding.stdout is not None
    try:
        assert await asyncio.wait_for(holding.stdout.readline(), 30) == b"held\n"
        worker.kill()
        other.cont()
        await until(is_status(other, run_id, "succeeded"))
    finally:
        holding.kill()
        await holding.wait()


# A worker's connection that has begun to write and then sleeps, as under SIGSTOP.
HOLD_A_LOCK = """
import sys, time, django
django.setup()
from django.db import transaction
from generation.models import Run
with transaction.atomic():
    Run.objects.select_for_update().get(uid=sys.argv[1])
    print("held", flush=True)
    time.sleep(120)
"""
