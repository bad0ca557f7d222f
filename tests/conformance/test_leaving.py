"""Promise 5: who leaves cancels nothing, except on an owned stream; a cancel is explicit and idempotent."""

import asyncio
import json
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.conformance.states import REACH
from tests.conformance.target import START, TOO_FAST, Target, names
from tests.support.clients import FOLLOWERS, RawStream, take

STOPS_WITHIN_S = 5
# In which an owned stream may be come back to.
GRACE_S = 2


@pytest.mark.parametrize("transport", FOLLOWERS)
async def test_a_reader_that_leaves_cancels_nothing(target, transport):
    run = await asyncio.to_thread(target.start)
    await take(FOLLOWERS[transport](target.base_url, run, target.token), 2)
    assert (await asyncio.to_thread(target.until, run, "succeeded"))["status"] == "succeeded"


@pytest.mark.parametrize("path", ["stream", "events?wait=20&after=100000"])
def test_a_reader_that_is_torn_away_cancels_nothing(target, path):
    run = REACH["running"](target)
    with RawStream(target.base_url, f"/api/runs/{run}/{path}", target.token) as stream:
        if path == "stream":
            stream.read_until(b"data: ")
        stream.reset()
    assert target.until(run, "succeeded")["status"] == "succeeded"


def leave(target: Target, path: str, body: object, after: str = "data: ") -> str:
    """Read a POST's stream until it holds `after`, then leave it; returns the id of its run."""
    with target.client.stream("POST", path, json=body) as response:
        assert response.status_code == 200
        run = target.remember(response.headers["location"].rsplit("/", 1)[1])
        text = ""
        for piece in response.iter_text():
            text += piece
            if after in text:
                break
    return run


def assert_cancelled_for_leaving(target: Target, run: str) -> None:
    began = time.monotonic()
    status = target.until(run, "cancelled")["status"]
    if status == "succeeded" and time.monotonic() - began < GRACE_S + 1:
        target.unreachable(TOO_FAST)
    assert status == "cancelled"
    assert time.monotonic() - began < GRACE_S + STOPS_WITHIN_S


@pytest.mark.parametrize(("path", "body"), [
    ("/api/runs/stream", START),
    ("/api/generate-stream?detach=1", START["input"]),
])  # fmt: skip
def test_a_stream_that_is_not_owned_is_left_without_harm(target, path, body):
    run = leave(target, path, body)
    assert target.until(run, "succeeded")["status"] == "succeeded"


def test_an_owned_stream_that_is_left_cancels_its_run(target):
    assert_cancelled_for_leaving(target, leave(target, "/api/generate-stream", START["input"]))


def test_an_owned_stream_that_is_come_back_to_keeps_its_run(target):
    run = leave(target, "/api/generate-stream", START["input"], after='"progress":')
    answer = target.client.post(
        "/api/generate-stream", json=START["input"], headers={"Last-Event-ID": f"{run}:1"}, timeout=60
    )
    data = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert data[-1]["type"] == "result"
    assert target.snapshot(run)["status"] == "succeeded"


def test_an_owned_request_that_is_left_cancels_its_run(target):
    before = {run["id"] for run in target.client.get("/api/runs").json()["results"]}
    try:
        target.client.post("/api/generate", json=START["input"], timeout=httpx.Timeout(10, read=0.5))
    except httpx.ReadTimeout:
        pass
    else:
        target.unreachable(TOO_FAST)
    [run] = [run["id"] for run in target.client.get("/api/runs").json()["results"] if run["id"] not in before]
    assert_cancelled_for_leaving(target, target.remember(run))


def test_a_cancel_stops_a_run_within_seconds(target):
    run = REACH["running"](target)
    began = time.monotonic()
    assert target.command(run, "cancel").status_code == 202
    assert target.until(run, "cancelled")["status"] == "cancelled"
    assert time.monotonic() - began < STOPS_WITHIN_S


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_of_ten_cancels_at_once_one_is_accepted_and_one_is_told(target, state):
    run = REACH[state](target)
    with ThreadPoolExecutor(10) as threads:
        answers = list(threads.map(lambda _: target.command(run, "cancel"), range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] * 9 + [202]
    assert target.until(run, "cancelled")["status"] == "cancelled"
    told = names(target.events(run))
    assert told.count("cancelled") == 1
    assert told.count("cancelling") <= 1
    assert target.command(run, "cancel").status_code == 200


def test_a_cancel_outlives_a_server_that_is_killed(own):
    target = own(COMPOSER_PACE_S=300)
    run = target.start()
    target.until(run, "running")
    assert target.command(run, "cancel").status_code == 202
    target.server.kill()
    target.server.start()
    assert target.until(run, "cancelled")["status"] == "cancelled"
    assert names(target.events(run))[-1] == "cancelled"
