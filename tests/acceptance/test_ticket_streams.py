"""Streams opened by a ticket in their address, as a browser's EventSource and WebSocket on another origin must."""

import json

import httpx
import pytest

from tests.acceptance.asking import TLS, all_until_closed, answer_to, client_of, error_of, finished_run, hear, socket_to
from tests.acceptance.cases import KNEE
from tests.support.clients import parse_sse
from tests.support.servers import Server


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    return finished_run(standing_server)


def ticket(server: Server, **what: str) -> str:
    with client_of(server, "alice") as client:
        answer = client.post("/api/stream-tickets", json=what)
    assert answer.status_code == 201
    return str(answer.json()["ticket"])


def get(server: Server, path: str, **query: str) -> httpx.Response:
    return httpx.get(f"{server.base_url}{path}", params=query, trust_env=False, verify=TLS, timeout=30)


def test_a_ticket_opens_its_stream_and_its_pages_again_and_again(standing_server, finished):
    opens = ticket(standing_server, run=finished)
    for _ in range(3):
        stream = get(standing_server, f"/api/runs/{finished}/stream", ticket=opens)
        page = get(standing_server, f"/api/runs/{finished}/events", ticket=opens, wait="0").json()
        frames = [parse_sse(frame) for frame in stream.content.strip().split(b"\n\n")]
        assert [frame.json for frame in frames if frame.data] == page["events"]
        assert page["done"] is True


def test_for_everything_else_it_is_nothing(standing_server, finished):
    opens, other = ticket(standing_server, run=finished), finished_run(standing_server)
    assert get(standing_server, f"/api/runs/{other}/stream", ticket=opens).status_code == 404
    for path in (f"/api/runs/{finished}", "/api/runs", f"/api/runs/{finished}/result"):
        assert get(standing_server, path, ticket=opens).status_code == 401


async def test_a_ticket_opens_the_socket_of_its_run(standing_server, finished):
    opens = ticket(standing_server, run=finished)
    async with socket_to(standing_server, f"/ws/runs/{finished}/?ticket={opens}", {}) as socket:
        code, heard = await all_until_closed(socket)
    assert (code, heard[-1]["event"]) == (1000, "complete")
    async with socket_to(standing_server, f"/ws/runs/{finished}/?ticket={opens[:-1]}", {}) as socket:
        assert await all_until_closed(socket) == (4401, [])


async def test_on_the_shared_socket_it_watches_and_does_not_steer(standing_server, finished):
    opens, other = ticket(standing_server, run=finished), finished_run(standing_server)
    async with socket_to(standing_server, f"/ws/?ticket={opens}", {}) as socket:
        for command in ("cancel", "pause", "resume"):
            refused = await answer_to(socket, {"type": command, "run": finished})
            assert refused["code"] == "PERMISSION_DENIED"
        start = {"type": "start", "kind": "exercise_program", "input": {"prompt": KNEE}}
        assert (await answer_to(socket, start))["code"] == "PERMISSION_DENIED"
        assert (await answer_to(socket, {"type": "subscribe", "run": other}))["code"] == "NOT_FOUND"
        await socket.send(json.dumps({"type": "subscribe", "run": finished}))
        heard = [await hear(socket) for _ in range(3)]
    assert {"event", "type"} <= {key for said in heard for key in said}


def test_a_batch_has_tickets_too(standing_server):
    body = {"kind": "exercise_program", "inputs": [{"prompt": KNEE}]}
    with client_of(standing_server, "alice") as client:
        batch = client.post("/api/batches", json=body).raise_for_status().json()["id"]
    opens = ticket(standing_server, batch=batch)
    answer = get(standing_server, f"/api/batches/{batch}/stream", ticket=opens)
    assert b'"event":"batch_complete"' in answer.content
    assert get(standing_server, f"/api/batches/{finished_run(standing_server)}/stream", ticket=opens).status_code == 404


def test_a_refused_ticket_is_said_in_the_words_of_the_api(standing_server, finished):
    answer = get(standing_server, f"/api/runs/{finished}/stream", ticket="made-up")
    assert (answer.status_code, error_of(answer)["code"]) == (401, "AUTHENTICATION_ERROR")
