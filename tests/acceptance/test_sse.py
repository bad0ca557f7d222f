"""The server-sent events of wire.md 1.2 and 1.3, byte by byte."""

import json
import time

import pytest

from tests.acceptance.cases import KNEE
from tests.support.clients import RawStream


@pytest.fixture
def finished(standing_server):
    """A run that has ended, and its last number."""
    run = standing_server.start_run(KNEE)
    with standing_server.client() as client:
        events = []
        while not events or events[-1]["event"] != "complete":
            page = client.get(f"/api/runs/{run['id']}/events?after={len(events)}&wait=20").json()
            events += page["events"]
    return run, len(events)


def headers_of(head: bytes) -> dict[str, str]:
    return {
        name.decode().lower(): value.decode().strip()
        for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])
    }


def test_the_headers_keep_proxies_and_caches_out(standing_server, finished):
    run, _ = finished
    with RawStream(standing_server.base_url, f"/api/runs/{run['id']}/stream", standing_server.token) as stream:
        stream.read_until(b'"event":"complete"')
        headers = headers_of(stream.head)
    assert stream.head.startswith(b"HTTP/1.1 200")
    assert headers["content-type"] == "text/event-stream; charset=utf-8"
    assert headers["cache-control"] == "no-cache, no-transform"
    assert headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in headers


def test_the_bytes_are_those_of_the_contract(standing_server, finished):
    run, last = finished
    with RawStream(standing_server.base_url, f"/api/runs/{run['id']}/stream", standing_server.token) as stream:
        stream.read_until(b'"event":"complete"')
        stream.read_until(b"\r\n0\r\n\r\n")
        blocks = stream.body.split(b"\n\n")
    assert blocks[0] == b"retry: 1000"
    assert blocks[-1] == b""
    for seq, block in enumerate(blocks[1:-1], start=1):
        number, data = block.split(b"\n")
        assert number == b"id: %d" % seq
        assert data.startswith(b'data: {"seq":%d,"run_id":"%b","event":"' % (seq, run["id"].encode()))
    assert len(blocks) == last + 2


def test_named_events_say_their_name_first(standing_server, finished):
    run, _ = finished
    with standing_server.client() as client:
        blocks = client.get(f"/api/runs/{run['id']}/stream?named=1").text.split("\n\n")
    assert blocks[1].startswith("event: queued\nid: 1\ndata: ")


@pytest.mark.parametrize("past", [0, 1, 1000])
def test_a_cursor_at_or_past_the_end_is_answered_with_204(standing_server, finished, past):
    run, last = finished
    with standing_server.client() as client:
        answer = client.get(f"/api/runs/{run['id']}/stream", headers={"Last-Event-ID": str(last + past)})
    assert (answer.status_code, answer.content) == (204, b"")


def test_the_header_wins_over_the_query(standing_server, finished):
    run, last = finished
    with standing_server.client() as client:
        answer = client.get(f"/api/runs/{run['id']}/stream?after=0", headers={"Last-Event-ID": str(last - 1)})
    assert answer.text.count("data: ") == 1


def test_start_and_stream_names_the_run_and_begins_with_queued(standing_server):
    with standing_server.client() as client:
        answer = client.post("/api/runs/stream", json={"kind": "exercise_program", "input": {"prompt": KNEE}})
    envelopes = [json.loads(line[6:]) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert answer.headers["location"] == f"/api/runs/{envelopes[0]['run_id']}"
    assert [envelopes[0]["event"], envelopes[-1]["event"]] == ["queued", "complete"]


def test_an_idle_stream_has_a_heartbeat(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=30, HEARTBEAT_S=1)
    run = server.start_run(KNEE)
    with RawStream(server.base_url, f"/api/runs/{run['id']}/stream", server.token) as stream:
        stream.read_until(b"event: ping\ndata: {}\n\n", timeout_s=5)


def test_a_stream_that_has_sent_its_share_ends_and_its_reader_comes_back(kind, make_server):
    server = make_server(kind, STREAM_MAX_BYTES=2000)
    run = server.start_run(KNEE)
    seqs: list[int] = []
    with server.client() as client:
        for _ in range(40):
            answer = client.get(f"/api/runs/{run['id']}/stream", headers={"Last-Event-ID": str(len(seqs))})
            if answer.status_code == 204:
                break
            seqs += [int(line[4:]) for line in answer.text.splitlines() if line.startswith("id: ")]
            time.sleep(0.01)
    assert answer.status_code == 204
    assert seqs == list(range(1, len(seqs) + 1))
