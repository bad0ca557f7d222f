"""What the other tests stand on: each server and store really is there, and comes back."""

import signal
import time
from collections.abc import Callable

import pytest

from tests.acceptance.asking import cookie
from tests.support import needs, servers
from tests.support.clients import FOLLOWERS, RawStream, take, to_the_end
from tests.support.postgres_server import PostgresServer
from tests.support.redis_server import OuterRedis, RedisServer, ping
from tests.support.servers import Kind, Server

CASE = "62-year-old woman with knee osteoarthritis, moderate pain when climbing stairs, no red flags."


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_what_is_missing_is_skipped_here_and_fails_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type
) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setitem(needs.FINDERS, "redis", lambda: None)
    with pytest.raises(outcome, match="redis is not on this machine"):
        needs.need("redis")


def test_redis_answers_and_comes_back(redis: RedisServer | OuterRedis) -> None:
    assert ping(redis.url)
    redis.kill()
    assert not ping(redis.url)
    redis.restart()
    assert ping(redis.url)


def test_postgres_answers_and_recovers_from_a_crash(postgres: PostgresServer) -> None:
    database = postgres.new_database().rpartition("/")[2]
    postgres.query("CREATE TABLE kept AS SELECT 7 AS value", database)
    postgres.crash()
    postgres.restart()
    assert postgres.query("SELECT value FROM kept", database) == 7


def test_each_server_answers_and_restarts_at_its_address(server: Server) -> None:
    first = server.pid
    assert server.terminate() in (0, -signal.SIGTERM)
    server.restart()
    assert server.pid != first
    with server.client() as client:
        assert client.get("/api/runs").status_code == 200


def test_a_killed_server_is_gone_and_comes_back(server: Server) -> None:
    server.kill()
    assert not server.answers()
    server.restart()
    assert server.answers()


def test_a_stopped_server_goes_on_where_it_was(make_server: Callable[..., Server]) -> None:
    server = make_server("uvicorn")
    server.stop()
    time.sleep(0.2)
    server.cont()
    assert server.answers()


def test_the_cast_is_known_to_the_server(standing_server: Server) -> None:
    with standing_server.client(None) as nobody:
        assert nobody.get("/api/runs").status_code == 401
    for name in ("alice", "bob", "charlie", "dana"):
        with standing_server.client(name) as client:
            assert client.get("/api/runs").status_code == 200


def test_signing_in_leaves_the_other_sessions_of_the_cast(standing_server: Server) -> None:
    held = cookie(standing_server, "bob")
    with standing_server.client(None) as browser:
        browser.get("/login/")
        bob = standing_server.cast["bob"]
        form = {"username": bob.username, "password": bob.password, "csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post("/login/", data=form).status_code == 302
    with standing_server.client(None) as client:
        assert client.get("/api/runs", headers=held).status_code == 200


def test_an_account_can_be_added_beside_a_server(standing_server: Server) -> None:
    erin = standing_server.add_account(f"erin-{standing_server.kind}", clinic="North clinic")
    assert erin.clinic_id == standing_server.cast["alice"].clinic_id
    with standing_server.client(erin) as client:
        assert client.get("/api/runs").status_code == 200


@pytest.mark.parametrize("transport", FOLLOWERS)
async def test_each_client_reads_a_run_to_its_end(standing_server: Server, transport: str) -> None:
    run, follow = standing_server.start_run(CASE), FOLLOWERS[transport]
    address = (standing_server.base_url, run["id"], standing_server.token)
    seen = await to_the_end(follow, *address)
    assert [envelope["seq"] for envelope in seen] == list(range(1, len(seen) + 1))
    assert seen[-1]["event"] == "complete"
    first = await take(follow(*address), 2)
    assert first + await to_the_end(follow, *address, after=2) == seen


def test_the_raw_stream_shows_the_bytes(standing_server: Server) -> None:
    run = standing_server.start_run(CASE)
    with RawStream(standing_server.base_url, f"/api/runs/{run['id']}/stream", standing_server.token) as stream:
        stream.read_until(b'"event":"complete"')
        assert stream.head.startswith(b"HTTP/1.1 200")
        assert stream.body.startswith(b"retry: 1000\n\nid: 1\ndata: {")


@pytest.mark.parametrize("kind", servers.KINDS)
def test_a_server_runs_on_postgres_and_redis(
    kind: Kind,
    make_server: Callable[..., Server],
    postgres: PostgresServer,
    redis: RedisServer | OuterRedis,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    database = servers.prepare(tmp_path_factory.mktemp("postgres"), postgres.new_database())
    server = make_server(kind, database=database, REDIS_URL=redis.url)
    run = server.start_run(CASE)
    give_up = time.monotonic() + 10
    while server.snapshot(run["id"])["status"] != "succeeded":
        assert time.monotonic() < give_up
        time.sleep(0.05)
