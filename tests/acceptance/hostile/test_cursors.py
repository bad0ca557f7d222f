"""A cursor that is none is refused on every transport, and one that is replays from there."""

import json
from urllib.parse import quote

import pytest

from tests.acceptance.asking import all_until_closed, client_of, error_of, raw, socket_to, token

BAD_CURSORS = {
    "empty": "",
    "negative": "-1",
    "plus": "+1",
    "exponent": "1e3",
    "letters": "abc",
    "fraction": "1.0",
    "hex": "0x1",
    "underscore": "1_0",
    "list": "1,2",
    "encoded newline": "1%0d%0aX: y",
    "encoded NUL": "%00",
    "beyond 64 bits": str(2**63),
    "10^30": "1" + "0" * 30,
    "10 KB of digits": "1" * 10_240,
    "10 KB of letters": "a" * 10_240,
    "Arabic digit": "٣",
    "full-width digits": "１２",
    "digit with a mark": "1\u200f",
    "another run's": "0b6f1c9e-4f8e-4f0e-9a51-3f2f4f0e9a51:1",
}
# Over the wire these can only be in a query or a frame, where they arrive as they are.
IN_A_QUERY = {**BAD_CURSORS, "newline": "1\r\nX: y", "trailing newline": "1\n", "NUL": "1\0", "space": " 1"}
GOOD_CURSORS = {"zero": "0", "first": "1", "leading zeros": "0001", "future": "1000000", "greatest": str(2**63 - 1)}
FUTURE = ("future", "greatest")
# name: how a cursor is sent there.
BY_HEADER = {
    "stream": lambda client, run, cursor: client.get(f"/api/runs/{run}/stream", headers={"Last-Event-ID": cursor}),
    "older stream": lambda client, run, cursor: client.post(
        "/api/generate-stream", headers={"Last-Event-ID": run.encode() + b":" + cursor}
    ),
}
BY_QUERY = (
    "/api/runs/{id}/stream?after=",
    "/api/runs/{id}/stream?after=0&after=",
    "/api/runs/{id}/events?wait=0&after=",
)


@pytest.mark.parametrize("way", BY_HEADER)
@pytest.mark.parametrize("name", BAD_CURSORS)
def test_a_bad_cursor_in_the_header_is_refused(standing_server, finished, unharmed, way, name):
    with client_of(standing_server, "alice") as client:
        answer = BY_HEADER[way](client, finished, BAD_CURSORS[name].encode())
    if (way, name) == ("older stream", "another run's"):
        # "<run>:<run>:1" names a run that is none.
        assert answer.status_code == 404
    else:
        assert (answer.status_code, error_of(answer)["code"]) == (400, "VALIDATION_ERROR")
    assert "x" not in answer.headers


@pytest.mark.parametrize("path", BY_QUERY)
@pytest.mark.parametrize("name", IN_A_QUERY)
def test_a_bad_cursor_in_the_query_is_refused(standing_server, finished, unharmed, path, name):
    with client_of(standing_server, "alice") as client:
        answer = client.get(path.format(id=finished) + quote(IN_A_QUERY[name]))
    assert (answer.status_code, error_of(answer)["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("name", IN_A_QUERY)
async def test_a_bad_cursor_closes_the_one_run_socket(standing_server, finished, unharmed, name):
    # uvicorn never answers a handshake whose first line is over 8 KiB.
    path = f"/ws/runs/{finished}/?after={quote(IN_A_QUERY[name][:4096])}"
    async with socket_to(standing_server, path, token(standing_server, "alice")) as socket:
        assert await all_until_closed(socket) == (4400, [])


def test_a_good_cursor_replays_from_there(standing_server, finished, unharmed):
    with client_of(standing_server, "alice") as client:
        whole = client.get(f"/api/runs/{finished}/events?wait=0").json()["events"]
        for name, cursor in GOOD_CURSORS.items():
            rest = [] if name in FUTURE else whole[int(cursor) :]
            by_header = BY_HEADER["stream"](client, finished, cursor.encode())
            by_query = client.get(f"/api/runs/{finished}/stream?after={cursor}")
            older = BY_HEADER["older stream"](client, finished, cursor.encode())
            polled = client.get(f"/api/runs/{finished}/events?wait=0&after={cursor}").json()
            for answer in (by_header, by_query):
                data = [json.loads(line[6:]) for line in answer.text.split("\n") if line.startswith("data: ")]
                assert (answer.status_code, data) == (200 if rest else 204, rest)
            assert older.status_code == by_header.status_code
            assert (polled["events"], polled["done"]) == (rest, True)


@pytest.mark.parametrize("values", [("1", "2"), ("1", "abc"), ("", "1")])
def test_two_cursors_are_refused_or_replay_without_a_gap(standing_server, finished, unharmed, values):
    headers = [*token(standing_server, "alice").items(), *(("Last-Event-ID", value) for value in values)]
    status, body = raw(standing_server, "GET", f"/api/runs/{finished}/stream", headers)
    seqs = [int(line[4:]) for line in body.split(b"\n") if line.startswith(b"id: ")]
    assert status == 400 or (status == 200 and seqs == list(range(seqs[0], seqs[-1] + 1)))
