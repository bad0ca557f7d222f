"""Table 1.6 over WebSockets, and the events that tell of it on each transport."""

import asyncio

import pytest

from tests.conformance.sockets import ask, socket_to
from tests.conformance.states import REACH
from tests.conformance.target import Target, names
from tests.conformance.test_steering import LEADS_TO, TABLE
from tests.support.clients import FOLLOWERS, Envelope, follow_poll

COMMANDS = ("cancel", "pause", "resume")
LIVE_STATES = ("queued", "running", "paused")


async def assert_answered(target: Target, path: str, state: str, run: str, command: str) -> None:
    async with socket_to(target, path) as socket:
        answer = await ask(socket, type=command, run=run, ref="r")
    assert answer["ref"] == "r"
    status, _ = TABLE[state][command]
    if status == 409:
        assert (answer["type"], answer["code"]) == ("error", "CONFLICT")
        # One that stops may have stopped when the command arrives.
        assert state in answer["message"] or (state == "cancelling" and "cancelled" in answer["message"])
    else:
        assert answer == {"type": "ok", "ref": "r", "run": run}
    if status == 202:
        after = await asyncio.to_thread(target.until, run, *LEADS_TO[command])
        assert after["status"] in LEADS_TO[command]


@pytest.mark.parametrize("state", REACH)
@pytest.mark.parametrize("command", COMMANDS)
async def test_the_shared_socket_answers_as_the_table_says(target: Target, state: str, command: str) -> None:
    run = await asyncio.to_thread(REACH[state], target)
    await assert_answered(target, "/ws/", state, run, command)


@pytest.mark.parametrize("state", LIVE_STATES)
@pytest.mark.parametrize("command", COMMANDS)
async def test_the_socket_of_one_run_answers_as_the_table_says(target: Target, state: str, command: str) -> None:
    run = await asyncio.to_thread(REACH[state], target)
    await assert_answered(target, f"/ws/runs/{run}/?after=0", state, run, command)


@pytest.mark.parametrize("transport", FOLLOWERS)
async def test_each_transport_tells_of_pause_resume_and_cancel(target: Target, transport: str) -> None:
    await asyncio.to_thread(target.require_pace)
    run = await asyncio.to_thread(target.start)
    # What is asked when an event of this name comes, and what must have been asked before.
    wishes = [("progress", "pause"), ("paused", "resume"), ("item", "cancel")]
    seen: list[Envelope] = []
    async for event in FOLLOWERS[transport](target.base_url, run, target.token):
        seen.append(event)
        if wishes and event["event"] == wishes[0][0]:
            answer = await asyncio.to_thread(target.command, run, wishes.pop(0)[1])
            assert answer.status_code == 202
    told = [event for event in seen if event["event"] in ("paused", "resumed", "cancelling", "cancelled")]
    assert names(told) == ["paused", "resumed", "cancelling", "cancelled"]
    paused, resumed, cancelling, cancelled = (event["data"] for event in told)
    snapshot = await asyncio.to_thread(target.snapshot, run)
    assert {data["by"] for data in (paused, resumed, cancelling, cancelled)} == {snapshot["cancelled_by"]}
    assert resumed["attempt"] == snapshot["attempt"] == 2
    assert isinstance(resumed["from_stage"], str)
    assert set(cancelled) == {"by", "reason", "upstream_closed_ms"}
    assert seen == [event async for event in follow_poll(target.base_url, run, target.token, wait_s=0)]
