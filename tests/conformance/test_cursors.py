"""Promise 2: what each cursor gets, on each transport."""

import asyncio
from urllib.parse import quote

import pytest

from tests.conformance.sockets import socket_to, until_closed
from tests.conformance.states import REACH
from tests.conformance.target import Target
from tests.support.clients import FOLLOWERS, take

MALFORMED = [
    "",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0x1",
    "abc",
    " 1",
    "1 ",
    "1,2",
    "1_0",
    "٣",
    "１",
    "NaN",
    str(2**63),
    "9" * 30,
]
GREATEST = 2**63 - 1


@pytest.fixture
def finished(target: Target) -> tuple[str, int]:
    """A run that has ended, and its last number."""
    run = REACH["succeeded"](target)
    return run, target.snapshot(run)["last_seq"]


@pytest.mark.parametrize("transport", FOLLOWERS)
async def test_a_cursor_past_the_head_of_a_live_log_waits_for_what_follows_it(target, transport):
    run = await asyncio.to_thread(REACH["running"], target)
    cursor = (await asyncio.to_thread(target.snapshot, run))["last_seq"] + 4
    came = await asyncio.wait_for(take(FOLLOWERS[transport](target.base_url, run, target.token, cursor), 1), 30)
    assert came[0]["seq"] == cursor + 1


@pytest.mark.parametrize("transport", FOLLOWERS)
async def test_a_cursor_that_the_log_never_reaches_waits_until_it_ends(target, transport):
    run = await asyncio.to_thread(REACH["running"], target)

    async def read() -> list[object]:
        return [event async for event in FOLLOWERS[transport](target.base_url, run, target.token, GREATEST)]

    reading = asyncio.create_task(read())
    status = (await asyncio.to_thread(target.until, run, "succeeded"))["status"]
    assert (status, await asyncio.wait_for(reading, 20)) == ("succeeded", [])


def test_a_malformed_cursor_is_refused_over_http(target, finished):
    run, _ = finished
    for cursor in MALFORMED:
        answers = [
            target.client.get(f"/api/runs/{run}/stream?after={quote(cursor)}"),
            target.client.get(f"/api/runs/{run}/events?wait=0&after={quote(cursor)}"),
        ]
        # Space around a header's value is not part of it.
        if cursor.strip() == cursor:
            headers = {"Last-Event-ID": cursor.encode()}
            answers.append(target.client.get(f"/api/runs/{run}/stream", headers=headers))
        for answer in answers:
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR"), cursor


async def test_a_malformed_cursor_closes_the_socket_with_its_code(target, finished):
    for cursor in MALFORMED:
        async with socket_to(target, f"/ws/runs/{finished[0]}/?after={quote(cursor)}") as socket:
            assert await until_closed(socket) == (4400, []), cursor


@pytest.mark.parametrize("cursor", ["abc", "-1", ""])
def test_a_malformed_header_is_not_saved_by_a_good_address(target, finished, cursor):
    answer = target.client.get(f"/api/runs/{finished[0]}/stream?after=0", headers={"Last-Event-ID": cursor})
    assert answer.status_code == 400


@pytest.mark.parametrize("past", [0, 1, GREATEST])
async def test_a_finished_run_has_no_more_to_say_past_its_end(target, finished, past):
    run, last = finished
    cursor = min(last + past, GREATEST)
    by_query = target.client.get(f"/api/runs/{run}/stream?after={cursor}")
    by_header = target.client.get(f"/api/runs/{run}/stream", headers={"Last-Event-ID": str(cursor)})
    for answer in (by_query, by_header):
        assert (answer.status_code, answer.content) == (204, b"")
    page = target.client.get(f"/api/runs/{run}/events?after={cursor}&wait=20").json()
    assert page == {"events": [], "last_seq": cursor, "done": True}
    async with socket_to(target, f"/ws/runs/{run}/?after={cursor}") as socket:
        assert await until_closed(socket) == (1000, [])


def test_the_header_wins_over_the_address(target, finished):
    run, last = finished
    answer = target.client.get(f"/api/runs/{run}/stream?after=0", headers={"Last-Event-ID": str(last - 1)})
    assert answer.text.count("\ndata: ") == 1


@pytest.mark.parametrize("wait", ["-1", "55.1", "56", "1e9", "nan", "abc", ""])
def test_a_poll_waits_55_seconds_at_most(target, finished, wait):
    answer = target.client.get(f"/api/runs/{finished[0]}/events?wait={wait}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_a_poll_without_wait_is_answered_at_once(target):
    run = REACH["paused"](target)
    last = target.snapshot(run)["last_seq"]
    page = target.client.get(f"/api/runs/{run}/events?after={last}&wait=0", timeout=5).json()
    assert page == {"events": [], "last_seq": last, "done": False}


async def test_a_cursor_older_than_what_is_kept_is_told_so(own):
    target = own()
    run = await asyncio.to_thread(REACH["succeeded"], target)
    pruned = await asyncio.to_thread(target.server.manage, "prune", "--days", "0")
    assert pruned.returncode == 0, pruned.stderr
    last = target.snapshot(run)["last_seq"]
    for path in ("stream", "events"):
        answer = target.client.get(f"/api/runs/{run}/{path}?after={last - 1}")
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (410, "CURSOR_EXPIRED")
        assert f"/api/runs/{run}" in error.values()
    async with socket_to(target, f"/ws/runs/{run}/?after=0") as socket:
        assert await until_closed(socket) == (4410, [])
    assert target.client.get(f"/api/runs/{run}/stream?after={last}").status_code == 204
