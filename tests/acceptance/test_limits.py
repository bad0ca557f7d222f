"""What one person may use at once: active runs, starts in a minute, open streams (wire.md 1.5)."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack

import httpx
import pytest

from tests.acceptance.asking import (
    CANONICAL,
    STARTS,
    TLS,
    all_until_closed,
    answer_to,
    client_of,
    error_of,
    socket_to,
    token,
)
from tests.support import servers
from tests.support.servers import Server

ACTIVE, STARTS_A_MINUTE, OPEN = 5, 8, 3
LIMITS = {
    "MAX_ACTIVE_RUNS_PER_USER": ACTIVE,
    "MAX_STARTS_PER_MINUTE": STARTS_A_MINUTE,
    "MAX_OPEN_STREAMS_PER_USER": OPEN,
    # Longer than the tests take, so that what is active stays so.
    "COMPOSER_PACE_S": 300,
}


@pytest.fixture(scope="module", params=servers.KINDS)
def strict_server(request, tmp_path_factory, prepared):
    folder = tmp_path_factory.mktemp(f"strict-{request.param}")
    server = Server(request.param, folder, prepared.copy_to(folder), LIMITS).start()
    yield server
    server.close()


@pytest.fixture
def newcomer(strict_server):
    """Makes an account that has used nothing yet: limits are of a person, so one server of each kind is enough."""

    def make(name: str) -> str:
        strict_server.cast = {**strict_server.cast, name: strict_server.add_account(name)}
        return name

    return make


def wait_until(true: Callable[[], bool], within_s: float = 30) -> None:
    give_up = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < give_up
        time.sleep(0.1)


def started_by(server, name: str) -> int:
    return int(server.rows("SELECT count(*) FROM generation_run r JOIN generation_user u ON u.id = r.owner_id "
                           "WHERE u.username = ?", name)[0][0])  # fmt: skip


async def post(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """Ask for a run; a stream that is given is left at once, which its run survives."""
    async with client.stream("POST", f"{path}?detach=1", json=STARTS[path]) as answer:
        if answer.status_code != 200:
            await answer.aread()
        return answer


@pytest.mark.parametrize("paths", [["/api/runs"], ["/api/runs", "/api/runs/stream", "/api/generate-stream"]])
async def test_of_twenty_starts_at_once_five_are_let_in(strict_server, newcomer, paths):
    name = await asyncio.to_thread(newcomer, f"eager-{len(paths)}")
    # More streams than the limit of the streams would be refused for another reason.
    order = [paths[number % len(paths)] if number < OPEN else paths[0] for number in range(20)]
    async with httpx.AsyncClient(
        base_url=strict_server.base_url, headers=token(strict_server, name), timeout=60, trust_env=False, verify=TLS
    ) as client:
        answers = await asyncio.gather(*(post(client, path) for path in order))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(answers) - len(refused) == started_by(strict_server, name) == ACTIVE
    assert {answer.status_code for answer in answers} <= {200, 201, 429}
    for answer in refused:
        assert error_of(answer)["code"] == "TOO_MANY_RUNS"
        assert int(answer.headers["retry-after"]) >= 1


def test_a_run_that_ended_makes_room(strict_server, newcomer):
    name = newcomer("patient")
    with client_of(strict_server, name) as client:
        runs = [client.post("/api/runs", json=CANONICAL).raise_for_status().json() for _ in range(ACTIVE)]
        assert client.post("/api/runs", json=CANONICAL).status_code == 429
        with client_of(strict_server, "bob") as other:
            # Of the person, not of the server.
            assert other.post("/api/runs", json=CANONICAL).status_code == 201
        client.post(runs[0]["urls"]["cancel"]).raise_for_status()
        wait_until(lambda: client.get(runs[0]["urls"]["self"]).json()["status"] == "cancelled")
        assert client.post("/api/runs", json=CANONICAL).status_code == 201


async def test_a_socket_has_the_same_limit(strict_server, newcomer):
    name = await asyncio.to_thread(newcomer, "socketeer")
    async with socket_to(strict_server, "/ws/", token(strict_server, name)) as socket:
        answers = [
            await answer_to(socket, {"type": "start", **CANONICAL, "ref": number}) for number in range(ACTIVE + 2)
        ]
        assert (await answer_to(socket, {"type": "ping"}))["type"] == "ok"
    assert [answer["type"] for answer in answers] == ["ok"] * ACTIVE + ["error"] * 2
    assert {answer["code"] for answer in answers[ACTIVE:]} == {"TOO_MANY_RUNS"}
    assert started_by(strict_server, name) == ACTIVE


def test_starts_in_a_minute_are_counted_though_none_is_active(strict_server, newcomer):
    name = newcomer("busy")
    with client_of(strict_server, name) as client:
        for _ in range(STARTS_A_MINUTE):
            run = client.post("/api/runs", json=CANONICAL).raise_for_status().json()
            client.post(run["urls"]["cancel"]).raise_for_status()
        wait_until(lambda: not client.get("/api/runs?status=cancelling").json()["results"])
        answers = [client.post(path, json=body) for path, body in STARTS.items()]
    for answer in answers:
        assert answer.status_code == 429
        assert error_of(answer)["code"] == "RATE_LIMITED"
        assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert started_by(strict_server, name) == STARTS_A_MINUTE


# Streams


@pytest.fixture
def crowded(strict_server, newcomer, request):
    """Somebody with as many open streams as may be, by name, and the run that they follow."""
    name = newcomer(f"watcher-{abs(hash(request.node.name))}")
    with ExitStack() as stack:
        client = stack.enter_context(client_of(strict_server, name))
        run = client.post("/api/runs", json=CANONICAL).raise_for_status().json()
        streams = [stack.enter_context(client.stream("GET", run["urls"]["stream"])) for _ in range(OPEN)]
        assert [stream.status_code for stream in streams] == [200] * OPEN
        yield name, run, streams


@pytest.mark.parametrize("path", ["/stream", "/events?after=100000&wait=1"])
def test_a_stream_too_many_is_refused(strict_server, crowded, path):
    name, run, _ = crowded
    with client_of(strict_server, name) as client:
        answer = client.get(run["urls"]["self"] + path)
        # Plain JSON, so that an EventSource stops; and what is no stream is still served.
        assert answer.headers["content-type"] == "application/json"
        assert client.get(run["urls"]["self"]).status_code == 200
    assert (answer.status_code, error_of(answer)["code"]) == (429, "RATE_LIMITED")
    assert int(answer.headers["retry-after"]) >= 1
    with client_of(strict_server, "dana") as other, other.stream("GET", run["urls"]["stream"]) as stream:
        assert stream.status_code == 200


@pytest.mark.parametrize("path", [path for path in STARTS if path != "/api/runs"])
def test_a_stream_too_many_starts_no_run(strict_server, crowded, path):
    """A refused request that left a run behind would be repeated, and each repetition would leave another."""
    name, _, _ = crowded
    before = started_by(strict_server, name)
    with client_of(strict_server, name) as client:
        answer = client.post(path, json=STARTS[path])
    assert (answer.status_code, error_of(answer)["code"]) == (429, "RATE_LIMITED")
    assert started_by(strict_server, name) == before


@pytest.mark.parametrize("path", ["/ws/", "/ws/runs/{id}/"])
async def test_a_socket_too_many_is_closed_with_its_code(strict_server, crowded, path):
    name, run, _ = crowded
    async with socket_to(strict_server, path.format(id=run["id"]), token(strict_server, name)) as socket:
        assert await all_until_closed(socket) == (4429, [])


async def test_sockets_count_as_streams(strict_server, newcomer):
    name = await asyncio.to_thread(newcomer, "connected")
    with client_of(strict_server, name) as client:
        run = client.post("/api/runs", json=CANONICAL).json()
        async with AsyncExitStack() as stack:
            for _ in range(OPEN):
                socket = await stack.enter_async_context(socket_to(strict_server, "/ws/", token(strict_server, name)))
                assert (await answer_to(socket, {"type": "ping"}))["type"] == "ok"
            answer = await asyncio.to_thread(client.get, run["urls"]["stream"])
    assert answer.status_code == 429


def test_a_stream_that_was_left_makes_room(strict_server, crowded):
    name, run, streams = crowded
    streams[0].close()
    with client_of(strict_server, name) as client:

        def served() -> bool:
            with client.stream("GET", run["urls"]["stream"]) as stream:
                return stream.status_code == 200

        wait_until(served)
