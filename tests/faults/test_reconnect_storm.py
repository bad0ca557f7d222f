"""Everybody comes back at once."""

import asyncio
import re
import time

from tests.support.logs import ended_runs
from tests.support.servers import Server

CLIENTS, RUNS, EVENTS, READ_BEFORE = 500, 25, 100, 50
LEVEL_WITHIN_S = 10


async def numbers_past(server: Server, run_id: str, cursor: int) -> list[int]:
    """What a stream numbers its events from this cursor to its end; by hand, since 500 of httpx take a minute."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    lines = [
        f"GET /api/runs/{run_id}/stream HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Authorization: Token {server.token}",
        f"Last-Event-ID: {cursor}",
    ]
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        received = await reader.readuntil(b"\r\n0\r\n\r\n")
    finally:
        writer.close()
    assert received.startswith(b"HTTP/1.1 200"), received[:200]
    return [int(number) for number in re.findall(rb"^id: (\d+)$", received, re.MULTILINE)]


async def test_500_clients_that_reconnect_at_once_are_soon_level(make_server, kind):
    server = make_server(kind, MAX_OPEN_STREAMS_PER_USER=CLIENTS)
    run_ids = ended_runs(server, runs=RUNS, events=EVENTS, size=100)
    server.kill()
    server.start()
    began = time.monotonic()
    seen = await asyncio.gather(
        *(numbers_past(server, run_ids[number % RUNS], READ_BEFORE) for number in range(CLIENTS))
    )
    took = time.monotonic() - began
    assert seen == [list(range(READ_BEFORE + 1, EVENTS + 1))] * CLIENTS
    assert took < LEVEL_WITHIN_S
