"""What must hold of every run when a fault test ends: I1 to I3 of `design/reliability.md`, said once.

I1: each reader saw 1..n, each number once, in order. I2: one terminal event, the last one, and the row says the
same as the log. I3: what one holder of the run wrote comes before what the next one wrote.
"""

import asyncio

from tests.support.clients import TERMINAL, Envelope, follow_poll
from tests.support.fold import assert_agree
from tests.support.servers import Server


def assert_run(server: Server, run_id: str) -> list[Envelope]:
    """Ask a server for a run that should have ended; returns its log."""
    return asyncio.run(run_log(server, run_id))


async def run_log(server: Server, run_id: str) -> list[Envelope]:
    """The same from within a loop."""
    events = [event async for event in follow_poll(server.base_url, run_id, server.token, wait_s=0)]
    assert events[-1]["event"] in TERMINAL
    assert_agree(await asyncio.to_thread(server.snapshot, run_id), events)
    return events
