"""A client that leaves takes everything with it: tasks, channels, memberships, memory, descriptors."""

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from generation.database import in_database
from generation.events import Line
from generation.feed import feed
from generation.models import Run
from generation.models.runs import Status
from tests.acceptance.cases import KNEE
from tests.faults.asgi import Connection, assert_nothing_left, http, left_behind, websocket
from tests.support.clients import RawStream, authorised
from tests.support.servers import Server

measured = logging.getLogger("measured")

GONE_WITHIN_S = 1


@pytest.fixture
async def live(held, cast):
    """A run whose log the test writes, a token, and a process in which no executor runs."""
    run, log = held
    await log.commit(Line("queued", {"position": 1, "eta": None}))
    # The first connection makes what the process keeps: its feed, its writer, its channel on the layer.
    async with await feed().follow(run, 0):
        pass
    return run, log, cast["alice"].token


def on_run(name: str, run: Run, token: str) -> Connection:
    if name == "sse":
        return http("GET", f"/api/runs/{run.uid}/stream", token)
    if name == "poll":
        return http("GET", f"/api/runs/{run.uid}/events?after=5&wait=50", token)
    if name == "run socket":
        return websocket(f"/ws/runs/{run.uid}/", token)
    connection = websocket("/ws/", token)
    command = {"type": "subscribe", "run": str(run.uid), "after": 0}
    connection.inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(command)})
    return connection


async def on_run_for(turns: int, turn_s: float, name: str, run: Run, token: str) -> Connection:
    """A connection that was opened this many turns of the loop ago."""
    connection = on_run(name, run, token)
    connection.open()
    for _ in range(turns):
        await asyncio.sleep(turn_s)
    return connection


CONNECTIONS = ["sse", "poll", "run socket", "many-run socket"]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CONNECTIONS)
async def test_a_client_that_watches_and_leaves_leaves_nothing(live, name):
    run, log, token = live
    before = left_behind()
    connection = on_run(name, run, token)
    connection.open()
    if name == "poll":
        await asyncio.sleep(0.3)
    else:
        await connection.until(lambda sent: any("queued" in str(message) for message in sent))
    assert left_behind()["watchers"] == 1
    connection.leave()
    await connection.ended()
    await assert_nothing_left(before, GONE_WITHIN_S)
    # And it is not missed: the log goes on, and another reader sees all of it.
    await log.commit(Line("progress", {"stage": "started", "progress": 5}))
    seen: list[int] = []
    async with await feed().follow(run, 0) as watcher:
        while len(seen) < 2:
            seen += [frame.seq for frame in await watcher.batch() or ()]
    assert seen == [1, 2]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CONNECTIONS)
async def test_a_client_that_is_gone_before_it_is_answered_leaves_nothing(live, name):
    run, _, token = live
    before = left_behind()
    connection = on_run(name, run, token)
    connection.leave()
    connection.open()
    await connection.ended()
    await assert_nothing_left(before, GONE_WITHIN_S)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CONNECTIONS)
async def test_leaving_at_any_moment_leaves_nothing(live, name):
    """Some turns of the loop after it came, which lets the leaving meet every await of the opening."""
    run, log, token = live
    before = left_behind()
    for turns in range(40):
        # Longer than a turn now and then, or the database's thread would never be met.
        connection = await on_run_for(turns, 0.001 if turns % 2 else 0, name, run, token)
        connection.leave()
        if turns % 3 == 0:
            log.append("progress", stage="started", progress=5)
        await connection.ended()
    await log.commit(Line("progress", {"stage": "started", "progress": 5}))
    await assert_nothing_left(before, GONE_WITHIN_S)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", CONNECTIONS)
async def test_a_connection_that_the_server_cancels_leaves_nothing(live, name):
    """Daphne cancels what has not ended some seconds after its client left."""
    run, _, token = live
    before = left_behind()
    for turns in (0, 1, 2, 5, 20, 60):
        connection = await on_run_for(turns, 0.002, name, run, token)
        connection.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await connection.ended()
    await assert_nothing_left(before, GONE_WITHIN_S)


@pytest.mark.django_db(transaction=True)
async def test_one_of_two_clients_of_a_run_leaves_and_the_other_stays_live(live):
    run, log, token = live
    staying, leaving = on_run("sse", run, token), on_run("sse", run, token)
    for connection in (staying, leaving):
        connection.open()
        await connection.until(lambda sent: any("queued" in str(message) for message in sent))
    leaving.leave()
    await leaving.ended()
    await log.commit(Line("complete", {}))
    await staying.ended()
    assert staying.body.count(b"data: ") == 2
    assert leaving.body.count(b"data: ") == 1


@pytest.mark.django_db(transaction=True)
async def test_a_client_that_opens_a_run_first_and_leaves_does_not_take_the_second_one_with_it(live):
    """Two open the same run at once and share the reading of it; the first is cancelled in the middle."""
    run, log, token = live
    await log.commit(Line("complete", {}))
    for turns in range(12):
        first, second = on_run("sse", run, token), on_run("sse", run, token)
        first.open()
        second.open()
        await asyncio.sleep(turns / 2000)
        first.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await first.ended()
        await second.ended()
        assert second.status == 200, turns
        assert second.body.count(b"data: ") == 2, turns


@pytest.mark.django_db(transaction=True)
async def test_an_owned_stream_that_is_left_leaves_nothing_but_a_cancelled_run(live, alice, settings):
    settings.OWNED_STREAM_GRACE_S = 0.2
    _, _, token = live
    before = left_behind()
    connection = http("POST", "/api/generate-stream", token, json.dumps({"prompt": KNEE}).encode())
    connection.open()
    await connection.until(lambda sent: len(sent) >= 2)
    connection.leave()
    await connection.ended()
    await assert_nothing_left(before, GONE_WITHIN_S)

    def status() -> str:
        return Run.objects.get(status__in=(Status.QUEUED, Status.CANCELLED)).status

    async with asyncio.timeout(10):
        while await in_database(status) != Status.CANCELLED:  # noqa: ASYNC110 - a row does not call back
            await asyncio.sleep(0.05)
    await assert_nothing_left(before, GONE_WITHIN_S)


# On a real server, from outside

CONNECTS = 500
AT_ONCE = 25


class Usage:
    """What the operating system says of a process."""

    def __init__(self, server: Server) -> None:
        folder = Path(f"/proc/{server.pid}")
        self.resident_mb = int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
        self.descriptors = len(list((folder / "fd").iterdir()))
        self.threads = len(list((folder / "task").iterdir()))


def leave_a_stream(server: Server, run_id: str, rudely: bool) -> None:
    with RawStream(server.base_url, f"/api/runs/{run_id}/stream", server.token) as stream:
        stream.read_until(b'"event":"queued"')
        if rudely:
            stream.reset()


async def leave_a_socket(server: Server, run_id: str, rudely: bool) -> None:
    options = {"max_queue": None, "proxy": None, "additional_headers": authorised(server.token)}
    async with connect(f"{server.ws_url}/ws/runs/{run_id}/", **options) as client:
        await client.recv()
        if rudely:
            raw: socket.socket = client.transport.get_extra_info("socket")
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.transport.abort()


async def connects(server: Server, run_id: str, count: int) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        rudely = number % 4 >= 2
        async with gate:
            if number % 2:
                await leave_a_socket(server, run_id, rudely)
            else:
                await asyncio.to_thread(leave_a_stream, server, run_id, rudely)

    await asyncio.gather(*(one(number) for number in range(count)))


async def test_five_hundred_connects_leave_a_server_as_it_was(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=60, MAX_OPEN_STREAMS_PER_USER=1000)
    run_id = (await asyncio.to_thread(server.start_run, KNEE))["id"]
    # Threads, caches and the allocator's arenas grow to their size first.
    await connects(server, run_id, CONNECTS)
    await asyncio.sleep(3)
    before = Usage(server)
    await connects(server, run_id, CONNECTS)
    after = Usage(server)
    for _ in range(50):
        if after.descriptors <= before.descriptors + 2 and after.resident_mb <= before.resident_mb * 1.1:
            break
        await asyncio.sleep(0.2)
        after = Usage(server)
    for name in ("resident_mb", "descriptors", "threads"):
        measured.info("%s: %s %.1f before, %.1f after", kind, name, getattr(before, name), getattr(after, name))
    assert after.descriptors <= before.descriptors + 2
    assert after.threads <= before.threads + 2
    assert after.resident_mb <= before.resident_mb * 1.1
    # The limit counts what is open, and nothing is.
    with server.client() as client:
        assert client.get(f"/api/runs/{run_id}/events?wait=0").status_code == 200
    assert "Traceback" not in server.log_text
    assert "took too long to shut down" not in server.log_text
