"""Twenty requests at once with one key are one run, whichever way they are sent (wire.md 1.1, I6)."""

import asyncio
import json
from collections import Counter

import httpx
import pytest

from tests.acceptance.asking import CANONICAL, STARTS, STREAMS, TLS, answer_to, runs_made, socket_to, token
from tests.support import servers

KEY = {"Idempotency-Key": "one-and-only"}


async def post(client: httpx.AsyncClient, path: str, key: dict[str, str]) -> tuple[int, str, bool]:
    """Status, location, and whether it was replayed; a stream is left at once."""
    async with client.stream("POST", f"{path}?detach=1", json=STARTS[path], headers=key) as answer:
        if path not in STREAMS:
            await answer.aread()
        headers = answer.headers
        return answer.status_code, headers.get("location", ""), headers.get("idempotent-replayed") == "true"


def client(server, name: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=server.base_url, headers=token(server, name), timeout=60, trust_env=False, verify=TLS
    )


@pytest.mark.parametrize("path", STARTS)
async def test_twenty_posts_with_one_key_start_one_run(standing_server, path):
    key, before = {"Idempotency-Key": f"twenty-{path}"}, runs_made(standing_server)
    async with client(standing_server, "alice") as alice:
        answers = await asyncio.gather(*(post(alice, path, key) for _ in range(20)))
    assert runs_made(standing_server) == before + 1
    assert len({(status, location) for status, location, _ in answers}) == 1
    assert Counter(replayed for _, _, replayed in answers) == {False: 1, True: 19}


async def test_a_run_begun_with_a_plain_post_is_found_again_by_a_stream(standing_server):
    async with client(standing_server, "alice") as alice:
        first = await post(alice, "/api/runs", KEY)
        second = await post(alice, "/api/runs/stream", KEY)
    assert (first[0], second[0]) == (201, 200)
    assert first[1] == second[1]
    assert second[2] is True


async def test_a_key_on_the_socket_is_the_same_key(standing_server):
    key, command = "from the socket".replace(" ", "-"), {"type": "start", **CANONICAL}
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        first = await answer_to(socket, command | {"key": key})
        second = await answer_to(socket, command | {"key": key})
        other = {**command, "key": key, "input": {**CANONICAL["input"], "language": "da"}}
        conflict = await answer_to(socket, other)
    assert (first["type"], first["run"]) == ("ok", second["run"])
    assert conflict["code"] == "IDEMPOTENCY_CONFLICT"
    async with client(standing_server, "alice") as alice:
        _, location, replayed = await post(alice, "/api/runs", {"Idempotency-Key": key})
    assert (location, replayed) == (f"/api/runs/{first['run']}", True)


def test_the_same_on_postgresql(postgres, tmp_path, make_server):
    folder = tmp_path / "database"
    folder.mkdir()
    server = make_server("uvicorn", database=servers.prepare(folder, postgres.new_database()))

    async def twenty() -> list[tuple[int, str, bool]]:
        async with client(server, "alice") as alice:
            return await asyncio.gather(*(post(alice, "/api/runs", KEY) for _ in range(20)))

    answers = asyncio.run(twenty())
    assert len({location for _, location, _ in answers}) == 1
    with server.client() as alice:
        assert len(json.loads(alice.get("/api/runs").content)["results"]) == 1
