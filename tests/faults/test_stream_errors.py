"""Something breaks inside the server: the stream says so and ends, and everybody else is served."""

import asyncio
import contextlib
import json
import logging
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from generation import events, runs
from generation.events import Line
from generation.feed import feed
from generation.tail import RING_FRAMES
from tests.acceptance.cases import KNEE
from tests.faults.asgi import assert_nothing_left, http, left_behind, websocket
from tests.faults.invariants import run_log
from tests.support.clients import FOLLOWERS, Closed, RawStream, parse_sse, to_the_end
from tests.support.servers import Server

SECRET = "the text of a case"


class Broken(Exception):
    pass


@pytest.fixture
async def long_run(held, cast):
    """A run that has ended, with a log too long for one page, and a token."""
    run, log = held
    log.append("queued")
    for _ in range(RING_FRAMES * 2):
        log.append("progress")
    await log.commit(Line("complete", {}))
    # The first reader makes what the process keeps.
    async with await feed().follow(run, 0):
        pass
    return run, cast["alice"].token


def break_reading(monkeypatch: pytest.MonkeyPatch, past: int) -> None:
    """From this number on the log can't be read."""
    read = events.read

    def reading(run_pk: int, run_id: str, after: int, limit: int = events.PAGE) -> Any:
        if after >= past:
            raise Broken(SECRET)
        return read(run_pk, run_id, after, limit)

    monkeypatch.setattr(events, "read", reading)


@pytest.mark.django_db(transaction=True)
async def test_an_error_in_the_middle_of_a_stream_is_its_last_frame(long_run, monkeypatch):
    run, token = long_run
    before = left_behind()
    with monkeypatch.context() as broken:
        break_reading(broken, past=1)
        stream = http("GET", f"/api/runs/{run.uid}/stream", token)
        stream.open()
        await stream.ended()
    assert stream.status == 200
    assert stream.sent[-1].get("more_body", False) is False
    assert [message.get("more_body", False) for message in stream.sent[1:-1]] == [True] * (len(stream.sent) - 2)
    *_, retry, last, rest = stream.body.split(b"\n\n")
    assert retry.startswith(b"retry: ")
    frame = parse_sse(last)
    # No number: it is in no log, and a browser comes back with the number of the last real event.
    assert (frame.event, frame.id, rest) == ("stream_error", None, b"")
    assert frame.json == {
        "event": "error",
        "data": {"code": "SERVER_ERROR", "message": "Something went wrong on our side."},
    }
    assert SECRET.encode() not in stream.body
    await assert_nothing_left(before, 1)

    again = http("GET", f"/api/runs/{run.uid}/stream", token)
    again.open()
    await again.ended()
    assert again.body.count(b"\ndata: ") == RING_FRAMES * 2 + 2


@pytest.mark.django_db(transaction=True)
async def test_an_error_in_the_middle_of_a_socket_closes_it_to_come_back(long_run, monkeypatch):
    run, token = long_run
    before = left_behind()
    break_reading(monkeypatch, past=1)
    socket = websocket(f"/ws/runs/{run.uid}/", token)
    socket.open()
    await socket.until(lambda sent: socket.close_code is not None)
    assert socket.close_code == 1012
    socket.leave()
    await socket.ended()
    assert SECRET not in str(socket.sent)
    await assert_nothing_left(before, 1)


REQUESTS = {
    "stream": ("GET", "/api/runs/{}/stream", None),
    "poll": ("GET", "/api/runs/{}/events", None),
    "start and stream": ("POST", "/api/runs/stream", {"kind": "exercise_program", "input": {"prompt": KNEE}}),
    "older dialect": ("POST", "/api/generate-stream", {"prompt": KNEE}),
    "classic": ("POST", "/api/generate", {"prompt": KNEE}),
    "snapshot": ("GET", "/api/runs/{}", None),
    "start": ("POST", "/api/runs", {"kind": "exercise_program", "input": {"prompt": KNEE}}),
    "cancel": ("POST", "/api/runs/{}/cancel", {}),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("request_", REQUESTS)
async def test_an_error_before_the_headers_is_a_500_in_the_words_of_the_wire(long_run, monkeypatch, request_):
    run, token = long_run
    before = left_behind()

    def broken(*args: Any, **options: Any) -> Any:
        raise Broken(SECRET)

    for name in ("get_run_for", "start", "cancel", "visible_to"):
        monkeypatch.setattr(runs, name, broken)
    method, path, body = REQUESTS[request_]
    encoded = None if body is None else json.dumps(body).encode()
    length = {} if encoded is None else {"content_length": str(len(encoded)), "content_type": "application/json"}
    asked = http(method, path.format(run.uid), token, encoded, **length)
    asked.open()
    await asked.until(
        lambda sent: bool(sent) and sent[-1]["type"] == "http.response.body" and not sent[-1].get("more_body")
    )
    asked.leave()
    await asked.ended()
    assert asked.status == 500
    assert dict(asked.sent[0]["headers"])[
        b"content-type" if b"content-type" in dict(asked.sent[0]["headers"]) else b"Content-Type"
    ].startswith(b"application/json")
    assert json.loads(asked.body) == {"error": {"code": "SERVER_ERROR", "message": "Something went wrong on our side."}}
    await assert_nothing_left(before, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("request_", ["stream", "snapshot"])
async def test_an_error_is_logged_without_its_message_which_may_quote_a_case(long_run, monkeypatch, caplog, request_):
    run, token = long_run

    def broken(*args: Any, **options: Any) -> Any:
        raise Broken(SECRET)

    monkeypatch.setattr(runs, "get_run_for", broken)
    method, path, _ = REQUESTS[request_]
    asked = http(method, path.format(run.uid), token)
    asked.open()
    await asked.until(lambda sent: asked.answered)
    asked.leave()
    await asked.ended()
    # As the application's own handler writes it; pytest's knows nothing of it.
    formatter = logging.getLogger().handlers[0].formatter
    assert formatter is not None
    written = "\n".join(formatter.format(record) for record in caplog.records)
    assert "Broken" in written
    assert SECRET not in written


# On a real server, with a file that a disk has damaged


def corrupt(server: Server, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(str(server.database), timeout=20)) as connection, connection:
        assert connection.execute(statement, values).rowcount == 1


def key_of(run_id: str) -> str:
    return run_id.replace("-", "")


async def finished_run(server: Server) -> str:
    run_id: str = (await asyncio.to_thread(server.start_run, KNEE))["id"]
    await to_the_end(FOLLOWERS["poll"], server.base_url, run_id, server.token)
    return run_id


DAMAGE_EVENT = (
    "UPDATE generation_event SET data = zeroblob(64)"
    " WHERE seq = 5 AND run_id = (SELECT id FROM generation_run WHERE uid = ?)"
)


async def test_a_damaged_log_ends_its_own_streams_and_no_others(kind, make_server):
    server = make_server(kind)
    damaged, healthy = await finished_run(server), await finished_run(server)
    corrupt(server, DAMAGE_EVENT, key_of(damaged))

    def raw(path: str) -> RawStream:
        with RawStream(server.base_url, path, server.token) as stream:
            while stream.read() and not stream.received.endswith(b"\r\n0\r\n\r\n"):
                # A plain answer says its length instead.
                if b"content-length" in stream.head.lower() and stream.body:
                    break
            return stream

    for _ in range(3):
        stream = await asyncio.to_thread(raw, f"/api/runs/{damaged}/stream")
        assert b"SERVER_ERROR" in stream.body
        assert b"Traceback" not in stream.received
        with pytest.raises(Closed) as closed:
            async with asyncio.timeout(10):
                [event async for event in FOLLOWERS["ws"](server.base_url, damaged, server.token)]
        assert closed.value.code in (1011, 1012)
        with server.client() as client:
            answer = await asyncio.to_thread(client.get, f"/api/runs/{damaged}/events?wait=0")
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "SERVER_ERROR")
        for follow in FOLLOWERS.values():
            assert [event["seq"] async for event in follow(server.base_url, healthy, server.token)][-1] >= 7
    assert "Exception inside application" not in server.log_text
    assert "Traceback" not in server.log_text
    await run_log(server, healthy)


async def test_a_damaged_row_is_shown_without_what_cannot_be_read(kind, make_server):
    server = make_server(kind)
    damaged, healthy = await finished_run(server), await finished_run(server)
    corrupt(server, "UPDATE generation_run SET input = zeroblob(64) WHERE uid = ?", key_of(damaged))
    with server.client() as client:
        answer = client.get(f"/api/runs/{damaged}")
        assert (answer.status_code, answer.json()["input"], answer.json()["status"]) == (200, None, "succeeded")
        listed = client.get("/api/runs").json()["results"]
        assert {run["id"] for run in listed} == {damaged, healthy}
    assert "value_unreadable" in server.log_text
    assert "Traceback" not in server.log_text


async def test_a_run_whose_input_cannot_be_opened_fails_and_the_next_one_runs(make_server):
    server = make_server("uvicorn", MAX_CONCURRENT_RUNS=0)
    damaged = (await asyncio.to_thread(server.start_run, KNEE))["id"]
    # Newer than the damaged one, which would otherwise be on the page that the fixture asks for.
    healthy = (await asyncio.to_thread(server.start_run, KNEE))["id"]
    corrupt(server, "UPDATE generation_run SET input = zeroblob(64) WHERE uid = ?", key_of(damaged))
    server.env |= {"MAX_CONCURRENT_RUNS": "10"}
    await asyncio.to_thread(server.restart)
    log = await to_the_end(FOLLOWERS["sse"], server.base_url, damaged, server.token)
    assert (log[-1]["event"], log[-1]["data"]["code"]) == ("error", "SERVER_ERROR")
    log = await to_the_end(FOLLOWERS["sse"], server.base_url, healthy, server.token)
    assert log[-1]["event"] == "complete"


class CountingDaphne(Server):
    """Quickstart with a file beside it that says how many connections Daphne still knows of."""

    def known_since(self, moment: float) -> str | None:
        """The number it wrote last; None if that was before this time."""
        counted = self.folder / "connections"
        return counted.read_text() if counted.exists() and counted.stat().st_mtime > moment else None

    def command(self) -> list[str | Path]:
        program = (
            "import pathlib, daphne.server\n"
            "from django.core.management import execute_from_command_line\n"
            "check = daphne.server.Server.application_checker\n"
            "def checker(self):\n"
            "    check(self)\n"
            "    pathlib.Path('connections').write_text(str(len(self.connections)))\n"
            "daphne.server.Server.application_checker = checker\n"
            f"execute_from_command_line(['manage.py', 'quickstart', '--port', '{self.port}'])\n"
        )
        return [sys.executable, "-c", program]


async def test_daphne_goes_on_reaping_its_connections_after_errors(tmp_path, prepared):
    server = CountingDaphne("daphne", tmp_path, prepared.copy_to(tmp_path), {})
    try:
        await asyncio.to_thread(server.start)
        damaged = await finished_run(server)
        corrupt(server, DAMAGE_EVENT, key_of(damaged))
        for follow in list(FOLLOWERS.values()) * 2:
            # However it ends for the reader, or does not: here only what is left of it counts.
            with contextlib.suppress(TimeoutError, AssertionError, httpx.HTTPError, Closed):
                async with asyncio.timeout(3):
                    [event async for event in follow(server.base_url, damaged, server.token)]
        # The reaper looks once a second and writes its number; one that has stopped would write no more.
        errors_ended = time.time()
        give_up = time.monotonic() + 20
        while (known := server.known_since(errors_ended + 1)) != "0":
            assert time.monotonic() < give_up, f"{known} connections are left, or nobody counts any more"
            await asyncio.sleep(0.2)
    finally:
        server.close()
