"""To anyone else a run does not exist, on every transport and for every command (1.5)."""

import asyncio
import uuid

import httpx
import pytest

from tests.conformance.sockets import ask, socket_to, until_closed
from tests.conformance.states import REACH
from tests.conformance.target import Target
from tests.support.clients import authorised

WAYS = [
    ("GET", ""), ("GET", "/stream"), ("GET", "/stream?named=1"), ("GET", "/stream?after=0"), ("GET", "/events?wait=0"),
    ("GET", "/result"), ("POST", "/cancel"), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/retry"),
    ("DELETE", ""),
]  # fmt: skip


@pytest.fixture
def stranger(target: Target) -> str:
    if target.other_token is None:
        pytest.skip("--other-token was not given")
    return target.other_token


@pytest.mark.parametrize("state", ["running", "paused", "succeeded"])
def test_a_strangers_request_finds_what_a_missing_run_finds(target, stranger, state):
    run = REACH[state](target)
    with httpx.Client(base_url=target.base_url, headers=authorised(stranger), timeout=30, trust_env=False) as client:
        for method, path in WAYS:
            theirs, missing = [client.request(method, f"/api/runs/{one}{path}") for one in (run, uuid.uuid4())]
            assert (theirs.status_code, theirs.json()["error"]["code"]) == (404, "NOT_FOUND"), (method, path)
            assert theirs.content == missing.content
        ticket = client.post("/api/stream-tickets", json={"run": run})
        assert ticket.status_code == 404
    assert target.snapshot(run)["status"] in (state, "succeeded")


async def test_a_strangers_socket_finds_what_a_missing_run_finds(target, stranger):
    run = REACH["paused"](target)
    async with socket_to(target, f"/ws/runs/{run}/", stranger) as socket:
        assert await until_closed(socket) == (4404, [])
    async with socket_to(target, "/ws/", stranger) as socket:
        for command in ("subscribe", "cancel", "pause", "resume"):
            answer = await ask(socket, type=command, run=run)
            assert (answer["type"], answer["code"]) == ("error", "NOT_FOUND")
    assert target.snapshot(run)["status"] == "paused"


def test_who_is_not_signed_in_is_told_so(target):
    run = REACH["succeeded"](target)
    with httpx.Client(base_url=target.base_url, timeout=30, trust_env=False) as client:
        for method, path in WAYS:
            answer = client.request(method, f"/api/runs/{run}{path}")
            assert (answer.status_code, answer.json()["error"]["code"]) == (401, "AUTHENTICATION_ERROR")


async def test_a_socket_of_who_is_not_signed_in_is_closed_with_its_code(target):
    run = await asyncio.to_thread(REACH["succeeded"], target)
    for path in ("/ws/", f"/ws/runs/{run}/"):
        async with socket_to(target, path, token="") as socket:
            assert await until_closed(socket) == (4401, [])
