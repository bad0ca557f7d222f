"""What must hold of every run when a fault test ends: I1 to I3 of `design/reliability.md`, said once.

I1: each reader saw 1..n, each number once, in order. I2: one terminal event, the last one, and the row says the
same as the log. I3: what one holder of the run wrote comes before what the next one wrote.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tests.support.clients import TERMINAL, Envelope, follow_poll
from tests.support.servers import Server

STATUS = {"complete": "succeeded", "error": "failed", "cancelled": "cancelled"}


def assert_log(events: Sequence[Envelope]) -> None:
    """The log of a run that has ended, as anybody who followed it from the start must have seen it."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert len({event["run_id"] for event in events}) == 1
    names = [event["event"] for event in events]
    assert names[0] == "queued"
    assert [name for name in names if name in TERMINAL] == names[-1:]

    percents = [event["data"]["progress"] for event in events if event["event"] == "progress"]
    assert percents == sorted(percents)
    assert_once(event["data"]["stage"] for event in events if event["event"] == "stage_complete")
    items = [(event["data"]["path"], event["data"]["index"]) for event in events if event["event"] == "item"]
    for path in {path for path, _ in items}:
        indices = [index for of, index in items if of == path]
        assert indices == list(range(len(indices)))
    # Whoever takes a run over says so before anything else, and nobody says it with a former attempt's number.
    attempts = [event["data"]["attempt"] for event in events if event["event"] == "resumed"]
    assert attempts == sorted(set(attempts))
    assert all(attempt > 1 for attempt in attempts)


def assert_once(values: Iterable[Any]) -> None:
    seen = list(values)
    assert len(seen) == len(set(seen)), seen


def fold(events: Sequence[Envelope]) -> dict[str, Any]:
    """What the row of a run that has ended must say after these events."""
    state: dict[str, Any] = {"stage": None, "progress": 0.0, "error": None}
    for event in events:
        if event["event"] == "progress":
            state["stage"], state["progress"] = event["data"]["stage"], event["data"]["progress"]
    last = events[-1]
    state |= {"status": STATUS[last["event"]], "last_seq": last["seq"]}
    if last["event"] == "complete":
        state["progress"] = 100
    if last["event"] == "error":
        state["error"] = last["data"]
    return state


def assert_agree(row: Mapping[str, Any], events: Sequence[Envelope]) -> None:
    """The row of a run and its log tell one story."""
    assert_log(events)
    folded = fold(events)
    for name in ("status", "last_seq", "error"):
        assert row[name] == folded[name], name
    assert (row["stage"] or None) == folded["stage"]
    # The log rounds to one decimal, the row does not.
    assert abs(row["progress"] - folded["progress"]) <= 0.05
    if folded["status"] == "succeeded" and row.get("result"):
        items = [event["data"]["value"] for event in events if event["event"] == "item"]
        made = ((row["result"].get("program") or {}).get("items")) or []
        assert [item["slug"] for item in items] == [item["slug"] for item in made]


def assert_run(server: Server, run_id: str) -> list[Envelope]:
    """Ask a server for a run that should have ended; returns its log."""
    return asyncio.run(run_log(server, run_id))


async def run_log(server: Server, run_id: str) -> list[Envelope]:
    """The same from within a loop."""
    events = [event async for event in follow_poll(server.base_url, run_id, server.token, wait_s=0)]
    assert_agree(await asyncio.to_thread(server.snapshot, run_id), events)
    return events
