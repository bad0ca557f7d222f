"""A reader that never reads costs little and is cut off, and nobody waits for it."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

from tests.support.clients import RawStream, follow_sse, to_the_end
from tests.support.logs import ended_runs
from tests.support.servers import Server
from tests.support.waiting import eventually

READERS = 10
# Several times what a stream may carry, and more than the kernel keeps for a reader.
EVENTS, EVENT_BYTES = 600, 40_000
MOST_MB_EACH = {"daphne": 5, "uvicorn": 2}
HEARTBEAT_S = 1
# Two heartbeats of patience, seen at the next.
CUT_OFF_WITHIN_S = 20


def resident_mb(server: Server) -> float:
    [line] = [line for line in Path(f"/proc/{server.pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def open_sockets(server: Server) -> int:
    return sum("socket:" in str(each.readlink()) for each in Path(f"/proc/{server.pid}/fd").iterdir() if each.exists())


async def test_readers_that_never_read_cost_little_while_another_reads_all(make_server, kind):
    server = make_server(kind, HEARTBEAT_S=HEARTBEAT_S, MAX_OPEN_STREAMS_PER_USER=2 * READERS)
    [run_id] = ended_runs(server, events=EVENTS, size=EVENT_BYTES)
    # What reading costs once is no reader's own: threads, connections, the allocator's arenas.
    await to_the_end(follow_sse, server.base_url, run_id, server.token)
    before, most = resident_mb(server), 0.0
    with ExitStack() as stack:
        for _ in range(READERS):
            stack.enter_context(RawStream(server.base_url, f"/api/runs/{run_id}/stream", server.token, 4096))
        reading = asyncio.create_task(to_the_end(follow_sse, server.base_url, run_id, server.token))
        while not reading.done():
            await asyncio.wait([reading], timeout=0.05)
            most = max(most, resident_mb(server) - before)
        assert [event["seq"] for event in reading.result()] == list(range(1, EVENTS + 1))
    assert most < READERS * MOST_MB_EACH[kind], f"{most / READERS:.1f} MB each"


async def test_a_connection_whose_client_never_reads_is_closed(make_server, kind):
    server = make_server(kind, HEARTBEAT_S=HEARTBEAT_S)
    [run_id] = ended_runs(server, events=EVENTS, size=EVENT_BYTES)
    idle = open_sockets(server)
    with RawStream(server.base_url, f"/api/runs/{run_id}/stream", server.token, 4096) as stream:
        stream.read_until(b"\r\n\r\n")
        assert open_sockets(server) > idle

        async def closed() -> bool:
            return open_sockets(server) <= idle

        await eventually(closed, CUT_OFF_WITHIN_S)
    assert "Traceback" not in server.log_text


async def test_what_was_cut_off_ends_with_a_time_to_come_back(make_server):
    server = make_server("daphne")
    [run_id] = ended_runs(server, events=EVENTS, size=EVENT_BYTES)
    with RawStream(server.base_url, f"/api/runs/{run_id}/stream", server.token) as stream:
        stream.read_until(b"\r\n0\r\n\r\n")
    last = stream.body.rstrip().rpartition(b"\n")[2]
    assert last.startswith(b"retry: ")
    # Daphne takes whatever it is given, so this is what a client that does not read may cost.
    assert len(stream.body) < 5_000_000
