"""Input made to break things: each is refused in our own words, and the server goes on (reliability.md 2.4)."""

import gzip
import json
from base64 import b64encode
from urllib.parse import quote

import pytest

from tests.acceptance.asking import (
    CANONICAL,
    STARTS,
    STREAMS,
    all_until_closed,
    answer_to,
    client_of,
    error_of,
    hear,
    raw,
    runs_made,
    socket_to,
    token,
)
from tests.acceptance.cases import KNEE

LIMIT = 262_144
# What the log says when something of ours, or of a library's, did not expect its input.
ALARMS = ("Traceback", "request_failed", "command_failed", "stream_failed", "socket_failed", "Internal Server Error",
          "Exception in ASGI", "attempt_failed", "log_not_written")  # fmt: skip


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    with client_of(standing_server, "alice") as client:
        answer = client.post("/api/generate", json={"prompt": KNEE}).raise_for_status()
    return answer.headers["location"].rsplit("/", 1)[1]


@pytest.fixture
def unharmed(standing_server):
    """Afterwards nothing was started, nothing surprised the server, and it serves on."""
    before, said = runs_made(standing_server), len(standing_server.log_text)
    yield
    with client_of(standing_server, "alice") as client:
        assert client.get("/api/runs?page_size=1").status_code == 200
    assert runs_made(standing_server) == before
    lines = standing_server.log_text[said:].splitlines()
    # uvicorn's word for a client that left.
    log = "\n".join(line for line in lines if "ClientDisconnected" not in line)
    assert not [alarm for alarm in ALARMS if alarm in log], log[-3000:]


# Cursors

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


PAGE_CURSORS = ["x", "%00", "=", "a" * 5000, "٣"] + [
    b64encode(text).decode()
    for text in (b"p=abc", b"p=\x00", b"p=2026-13-45T99:99", b"o=1e3&p=x", b"o=-1", b"o=999999999999999", b"r=1&p=\xff")
]


@pytest.mark.parametrize("cursor", PAGE_CURSORS)
def test_a_bad_place_in_the_list_is_refused(standing_server, finished, unharmed, cursor):
    with client_of(standing_server, "alice") as client:
        answer = client.get("/api/runs", params={"cursor": cursor})
    assert answer.status_code in (200, 400, 404)


@pytest.mark.parametrize("query", [
    "status=flying", "clinic=x", "clinic=%00", "created_after=yesterday", "created_after=99999-01-01", "page_size=-1",
    "page_size=" + "9" * 5000, "page_size=%D9%A3x", "kind=%00", "surprise=1",
])  # fmt: skip
def test_a_bad_filter_is_refused(standing_server, unharmed, query):
    with client_of(standing_server, "alice") as client:
        answer = client.get(f"/api/runs?{query}")
    assert (answer.status_code, error_of(answer)["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("query", [
    "created_before=0001-01-01T00:00:00%2B14:00", "created_after=9999-12-31T23:59:59-14:00", "page_size=%D9%A3",
])  # fmt: skip
def test_a_filter_at_the_edge_is_refused_or_applied(standing_server, unharmed, query):
    with client_of(standing_server, "alice") as client:
        assert client.get(f"/api/runs?{query}").status_code in (200, 400)


# Bodies


def send(server, path, content, **headers):
    with client_of(server, "alice") as client:
        return client.post(path, content=content, headers={"Content-Type": "application/json", **headers})


def own_form(path: str) -> str:
    return "text/event-stream; charset=utf-8" if path in STREAMS else "application/json"


def in_chunks(body: bytes):
    """Without a Content-Length."""
    for start in range(0, len(body), 16_384):
        yield body[start : start + 16_384]


POSTS = (*STARTS, "/api/runs/{id}/cancel")


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("size", [LIMIT + 1, 1_048_577])
@pytest.mark.parametrize("how", [bytes, in_chunks])
def test_a_body_over_the_limit_is_refused_in_the_addresss_own_form(
    standing_server, finished, unharmed, path, size, how
):
    body = json.dumps({"prompt": ""}).encode()
    padded = body[:-2] + b"x" * (size - len(body)) + body[-2:]
    assert len(padded) == size
    answer = send(standing_server, path.format(id=finished), how(padded))
    assert (answer.status_code, answer.headers["content-type"]) == (413, own_form(path))
    assert error_of(answer)["code"] == "VALIDATION_ERROR"


@pytest.mark.parametrize("path", STARTS)
@pytest.mark.parametrize("how", [bytes, in_chunks])
def test_a_body_at_the_limit_is_read(standing_server, unharmed, path, how):
    body = json.dumps({"prompt": ""}).encode()
    answer = send(standing_server, path, how(body[:-2] + b"x" * (LIMIT - len(body)) + body[-2:]))
    assert (answer.status_code, answer.headers["content-type"]) == (400, own_form(path))


@pytest.mark.parametrize("path", STREAMS)
@pytest.mark.parametrize(("accept", "form"), [
    ("application/json", "application/json"), ("text/event-stream", None), ("*/*", None),
    ("text/html, */*;q=0.1", None),
])  # fmt: skip
def test_a_stream_is_refused_in_the_form_that_is_asked_for(standing_server, unharmed, path, accept, form):
    answer = send(standing_server, path, b"{}", Accept=accept)
    assert (answer.status_code, answer.headers["content-type"]) == (400, form or own_form(path))
    assert error_of(answer)["code"] == "VALIDATION_ERROR"


def keys(count: int) -> bytes:
    return json.dumps({f"{number:x}": 0 for number in range(count)}, separators=(",", ":")).encode()


def nested(depth: int, closed: bool = True) -> bytes:
    return b"[" * depth + b"]" * (depth * closed)


def nested_objects(depth: int) -> bytes:
    return b'{"prompt":' * depth + b"1" + b"}" * depth


# What no address takes.
BAD_BODIES = {
    "empty": b"",
    "cut off": b'{"prompt": ',
    "words": b"not json",
    "two values": b"{} {}",
    "list": b"[]",
    "text": b'"prompt"',
    "null": b"null",
    "number": b"1",
    "true": b"true",
    "no UTF-8": b'{"prompt": "\xff\xfe"}',
    "UTF-16": '{"prompt": "x"}'.encode("utf-16"),
    "raw control character": b'{"prompt": "a\x00b"}',
    "NaN": b'{"prompt": NaN}',
    "Infinity": b'{"prompt": Infinity}',
    "a bare NaN": b"NaN",
    "lists 5,000 deep": nested(5_000),
    "lists 100,000 deep": nested(100_000),
    "lists that never end": nested(100_000, closed=False),
    "objects 5,000 deep": nested_objects(5_000),
    "as many keys as fit": keys(25_000),
    "a surrogate as a field": b'{"\\ud800": 1}',
    "unpacked gzip": gzip.compress(json.dumps(STARTS["/api/generate"]).encode()),
}


@pytest.mark.parametrize("path", STARTS)
@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_body_that_is_no_request_is_refused(standing_server, unharmed, path, name):
    answer = send(standing_server, path, BAD_BODIES[name])
    assert (answer.status_code, error_of(answer)["code"]) == (400, "VALIDATION_ERROR"), answer.text[:300]
    # A refusal does not repeat what it refuses at length.
    assert len(answer.content) < 10_000


@pytest.mark.parametrize("path", STARTS)
def test_100_000_keys_are_too_large(standing_server, unharmed, path):
    assert send(standing_server, path, keys(100_000)).status_code == 413


@pytest.mark.parametrize("path", STARTS)
def test_a_compressed_body_is_not_unpacked(standing_server, unharmed, path):
    bomb = gzip.compress(b'{"prompt": "' + b"a" * 50_000_000 + b'"}')
    answer = send(standing_server, path, bomb, **{"Content-Encoding": "gzip"})
    assert answer.status_code in (400, 413, 415)


# The JSON of one input, which lies under "input" in the canonical addresses: name, body, field at fault (None: no
# JSON to begin with, or the fault is not in a field).
BAD_INPUTS = {
    "19 characters": (json.dumps({"prompt": "x" * 19}), "prompt"),
    "4,001 characters": (json.dumps({"prompt": "x" * 4001}), "prompt"),
    "20 spaces": (json.dumps({"prompt": " " * 20}), "prompt"),
    "100 KB of marks": (json.dumps({"prompt": "e" + "\u0301" * 50_000}, ensure_ascii=False), "prompt"),
    "no prompt": ("{}", "prompt"),
    "null": ('{"prompt": null}', "prompt"),
    "true": ('{"prompt": true}', "prompt"),
    "list": (json.dumps({"prompt": [KNEE]}), "prompt"),
    "object": (json.dumps({"prompt": {"text": KNEE}}), "prompt"),
    "NUL": (json.dumps({"prompt": KNEE + "\0"}), "prompt"),
    "infinite number": ('{"prompt": 1e999}', None),
    "10^400": ('{"prompt": 1' + "0" * 400 + ', "mrn": []}', None),
    "5,000 digits": ('{"prompt": 1' + "0" * 5000 + "}", None),
    "lone surrogate": ('{"prompt": "' + "x" * 30 + '\\ud800"}', None),
    "lone surrogate as a language": (json.dumps({"prompt": KNEE, "language": "\ud800"}), None),
    "lone surrogate as an engine": (json.dumps({"prompt": KNEE, "engine": "\udfff"}), None),
    "lone surrogate as a clinic": (json.dumps({"prompt": KNEE, "clinic_id": "\ud800"}), None),
    "lone surrogate as a field": (json.dumps({"prompt": KNEE, "\udc00": 1}), None),
    "65 characters of mrn": (json.dumps({"prompt": KNEE, "mrn": "x" * 65}), "mrn"),
    "mrn as a list": (json.dumps({"prompt": KNEE, "mrn": ["x"]}), "mrn"),
    "another language": (json.dumps({"prompt": KNEE, "language": "xx"}), "language"),
    "another engine": (json.dumps({"prompt": KNEE, "engine": "magic"}), "engine"),
    "engine as a list": (json.dumps({"prompt": KNEE, "engine": ["auto"]}), "engine"),
    "no clinic": (json.dumps({"prompt": KNEE, "clinic_id": "x"}), "clinic_id"),
    "clinic as an object": (json.dumps({"prompt": KNEE, "clinic_id": {}}), "clinic_id"),
    "huge clinic": (json.dumps({"prompt": KNEE, "clinic_id": 2**200}), "clinic_id"),
    "negative clinic": (json.dumps({"prompt": KNEE, "clinic_id": -1}), "clinic_id"),
    "unknown field": (json.dumps({"prompt": KNEE, "surprise": 1}), "surprise"),
    "prototype": (json.dumps({"prompt": KNEE, "__proto__": {"staff": True}}), "__proto__"),
    "owner": (json.dumps({"prompt": KNEE, "owner": "bob"}), "owner"),
    "status": (json.dumps({"prompt": KNEE, "status": "succeeded"}), "status"),
    "a bad value after a good one": (f'{{"prompt": {json.dumps(KNEE)}, "prompt": "short"}}', "prompt"),
    "deep prompt": ('{"prompt": ' + "[" * 900 + "]" * 900 + "}", "prompt"),
}


@pytest.mark.parametrize("path", STARTS)
@pytest.mark.parametrize("name", BAD_INPUTS)
def test_a_bad_input_is_refused_by_its_field(standing_server, unharmed, path, name):
    text, field = BAD_INPUTS[name]
    body = text if STARTS[path] is not CANONICAL else f'{{"kind": "exercise_program", "input": {text}}}'
    answer = send(standing_server, path, body.encode())
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR"), answer.text[:300]
    if field is not None:
        assert set(error["fields"]) == {field}


@pytest.mark.parametrize("path", [path for path in STARTS if STARTS[path] is CANONICAL])
@pytest.mark.parametrize(("change", "field"), [
    ({"kind": "unknown"}, "kind"),
    ({"kind": ""}, "kind"),
    ({"kind": None}, "kind"),
    ({"kind": ["exercise_program"]}, "kind"),
    ({"kind": {"a": 1}}, "kind"),
    ({"kind": "exercise_program\0"}, "kind"),
    ({"kind": "\ud800"}, None),
    ({"kind": "../settings"}, "kind"),
    ({"input": None}, "input"),
    ({"input": []}, "input"),
    ({"input": KNEE}, "input"),
    ({"surprise": 1, "input2": 2}, "surprise"),
])  # fmt: skip
def test_a_bad_kind_or_frame_is_refused_by_its_field(standing_server, unharmed, path, change, field):
    answer = send(standing_server, path, json.dumps(CANONICAL | change).encode())
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR"), answer.text[:300]
    assert field is None or field in error["fields"]


def test_every_unknown_field_is_named(standing_server, unharmed):
    for path, body in STARTS.items():
        answer = send(standing_server, path, json.dumps(body | {"one": 1, "two": 2}).encode())
        assert set(error_of(answer)["fields"]) == {"one", "two"}


MULTIPART = f'--b\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n{KNEE}\r\n--b--\r\n'


@pytest.mark.parametrize("path", STARTS)
@pytest.mark.parametrize(("kind_of_body", "body"), [
    ("application/x-www-form-urlencoded", f"prompt={quote(KNEE)}&kind=exercise_program".encode()),
    ("multipart/form-data; boundary=b", MULTIPART.encode()),
    ("application/xml", b"<prompt>x</prompt>"),
    ("", b"<>"),
    ("nonsense", b"x"),
    ("application/json; charset=nonsense", b"{}"),
    ("application/json; charset=utf-16", b"{}"),
    ("application/json; charset=base64", b"{}"),
    ("application/json; charset=hex", b"{}"),
    ("application/json; charset=zlib", b"{}"),
    ("application/json; charset=bz2", b"{}"),
    ("application/json; charset=rot13", b"{}"),
    ("application/json; charset=undefined", b"{}"),
    ("application/json; charset=idna", b"{}"),
])  # fmt: skip
def test_a_body_of_another_type_is_refused(standing_server, unharmed, path, kind_of_body, body):
    answer = send(standing_server, path, body, **{"Content-Type": kind_of_body})
    assert answer.status_code in (400, 415), answer.text[:300]
    assert error_of(answer)["code"] == "VALIDATION_ERROR"


# Text that a stream must carry whole

HOSTILE_TEXT = (
    "68 yo woman, right\n\ndata: {\"event\":\"complete\"}\n\nid: 99\nevent: error\r\rretry: 1\r\n\r\n"
    "knee\u2028OA\u2029, pain\u0085 4/10 on stairs,\x0b\x0c\x1c\x1d\x1e 8 months \u202eesrever\u202c, "
    "\ufeff👩🏽‍⚕️ e\u0301\u0301 </script><script>alert(1)</script> {{7*7}} %s \\u0000 "
    "\ufffd\U0010ffff wants to walk 30 min."
)  # fmt: skip


def frames(content: bytes) -> list[tuple[bytes | None, dict]]:
    """(id, data) of each frame; a line that is no field of ours fails."""
    found = []
    for block in content.split(b"\n\n")[:-1]:
        lines = [line.split(b": ", 1) for line in block.split(b"\n")]
        assert {name for name, _ in lines} <= {b"id", b"data", b"retry"}, block
        fields = dict(lines)
        assert len(fields) == len(lines), block
        if b"data" in fields:
            assert b"\r" not in fields[b"data"]
            found.append((fields.get(b"id"), json.loads(fields[b"data"])))
    return found


def test_hostile_text_arrives_as_one_event_and_comes_back_unchanged(standing_server):
    before = len(standing_server.log_text)
    with client_of(standing_server, "alice") as client:
        answer = client.post("/api/runs/stream", json={"kind": "exercise_program", "input": {"prompt": HOSTILE_TEXT}})
        run = client.get(answer.headers["location"]).json()
        polled = client.get(run["urls"]["events"] + "?wait=0").json()["events"]
        result = client.get(run["urls"]["self"] + "/result").json()
        older = client.post("/api/generate-stream", headers={"Last-Event-ID": f"{run['id']}:0"})
    told = frames(answer.content)
    assert run["input"]["prompt"] == HOSTILE_TEXT
    assert [int(number) for number, _ in told] == list(range(1, run["last_seq"] + 1))
    assert [event for _, event in told] == polled
    assert polled[-1]["event"] == "complete"
    assert frames(older.content)[-1][1] == {"type": "result", "data": result}
    assert not [alarm for alarm in ALARMS if alarm in standing_server.log_text[before:]]


@pytest.mark.parametrize(
    "gap", [" ", "  ", "\t", "\n", "\r\n", "\n\n", "\r", "\u00a0", "\u2028", "\u200b ", "\u00ad "], ids=ascii
)
def test_white_space_hides_no_red_flag(standing_server, gap):
    """Notes come out of other systems wrapped and padded, and what is quoted of them stays one frame."""
    prompt = f"Low back pain for two days with saddle{gap}numbness and new urinary{gap}retention since last night."
    with client_of(standing_server, "alice") as client:
        answer = client.post("/api/generate-stream", json={"prompt": prompt})
        result = client.get(answer.headers["location"] + "/result").json()
    assert frames(answer.content)[-1][1] == {"type": "result", "data": result}
    assert (result["outcome"], result["program"]) == ("referral", None)


@pytest.mark.parametrize("prompt", [
    "a" * 4000, "no " * 1300, "1" * 4000, "1/" * 2000, " x" * 2000, "\n" * 3000 + KNEE, "e" + "\u0301" * 3999,
    "pain " * 800, "((((" * 1000, "knee, " * 660, "not not " * 500, "😀" * 4000, "-" * 4000, "İ" * 4000,
])  # fmt: skip
def test_a_prompt_made_to_be_slow_ends(standing_server, prompt):
    with client_of(standing_server, "charlie") as client:
        answer = client.post("/api/generate", json={"prompt": prompt})
    assert answer.status_code == 200, answer.text[:300]


# Headers

FLOODED = (
    "X-Noise",
    "Cookie",
    "Last-Event-ID",
    "Origin",
    "Accept",
    "Authorization",
    "Sec-Fetch-Site",
    "X-Forwarded-For",
)


@pytest.mark.parametrize("name", FLOODED)
def test_a_thousand_headers_of_one_name_do_no_harm(standing_server, finished, unharmed, name):
    flood = [(name, f"v{number}") for number in range(1000)]
    for method, path in (("GET", "/api/runs"), ("GET", f"/api/runs/{finished}/stream"), ("POST", "/api/generate")):
        try:
            status, _ = raw(standing_server, method, path, flood, b"{}" if method == "POST" else None)
        except ConnectionError:
            # A server may hang up on that.
            continue
        assert 400 <= status < 500


@pytest.mark.parametrize("kind_of_body", ["zlib", "nonsense", "base64", "undefined", "utf-16"])
def test_a_charset_that_is_none_does_no_harm_to_reading(standing_server, unharmed, kind_of_body):
    headers = {**token(standing_server, "alice"), "Content-Type": f"application/json; charset={kind_of_body}"}
    status, _ = raw(standing_server, "GET", "/api/runs?kind=%e9", headers.items())
    assert status in (200, 400)


@pytest.mark.parametrize("byte", [0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0xFF])
def test_odd_bytes_in_headers_do_no_harm(standing_server, finished, unharmed, byte):
    odd = b"a" + bytes((byte,)) + b"b"
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
               ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]  # fmt: skip
    for name in ("X-Odd", "Origin", "Cookie", "Authorization", "Last-Event-ID", "Accept-Language", "Sec-Fetch-Site"):
        for path, more in ((f"/api/runs/{finished}/stream", []), ("/api/runs", []), ("/ws/", upgrade)):
            pairs = [*more, (name, odd)]
            try:
                status, _ = raw(standing_server, "GET", path, pairs)
            except ConnectionError:
                continue
            assert status < 500


# Sockets

DEEP_REF = json.dumps({"type": "ping", "ref": 0}).replace("0", "[" * 500 + "]" * 500)
START_WITH_MORE = json.dumps({"type": "start", "kind": "exercise_program", "input": {"prompt": KNEE, "surprise": 1}})
BAD_FRAMES = {
    "binary": b"\x00\x01\xff",
    "binary JSON": b'{"type": "ping"}',
    "empty": "",
    "words": "hello",
    "list": "[]",
    "number": "1",
    "text": '"ping"',
    "null": "null",
    "true": "true",
    "two values": '{"type":"ping"}{"type":"ping"}',
    "NUL": '{"type":"ping"}\0',
    "NaN": "NaN",
    "NaN in an object": '{"type": "subscribe", "run": "{id}", "after": NaN}',
    "lists 5,000 deep": "[" * 5_000 + "]" * 5_000,
    "objects 5,000 deep": '{"type":' * 5_000 + "1" + "}" * 5_000,
    "lone surrogate": '{"type": "\\ud800"}',
    "no type": "{}",
    "null type": '{"type": null}',
    "number as type": '{"type": 1}',
    "list as type": '{"type": ["ping"]}',
    "object as type": '{"type": {"ping": 1}}',
    "unknown type": '{"type": "fly"}',
    "method as type": '{"type": "close_with"}',
    "dunder as type": '{"type": "__init__"}',
    "channel as type": '{"type": "websocket.disconnect"}',
    "subscribe to nothing": '{"type": "subscribe"}',
    "unsubscribe from nothing": '{"type": "unsubscribe"}',
    "cancel nothing": '{"type": "cancel"}',
    "start nothing": '{"type": "start"}',
    "start without input": '{"type": "start", "kind": "exercise_program"}',
    "start without kind": '{"type": "start", "input": {}}',
    "start a list": '{"type": "start", "kind": [], "input": []}',
    "start a short prompt": '{"type": "start", "kind": "exercise_program", "input": {"prompt": "short"}}',
    "start with more": START_WITH_MORE,
    "run as a number": '{"type": "subscribe", "run": 1}',
    "run as null": '{"type": "cancel", "run": null}',
    "run as a list": '{"type": "unsubscribe", "run": []}',
    "negative cursor": '{"type": "subscribe", "run": "{id}", "after": -1}',
    "cursor with a fraction": '{"type": "subscribe", "run": "{id}", "after": 1.0}',
    "cursor as text": '{"type": "subscribe", "run": "{id}", "after": "1"}',
    "cursor as a truth": '{"type": "subscribe", "run": "{id}", "after": true}',
    "cursor as null": '{"type": "subscribe", "run": "{id}", "after": null}',
    "cursor as a list": '{"type": "subscribe", "run": "{id}", "after": [1]}',
    "cursor beyond 64 bits": '{"type": "subscribe", "run": "{id}", "after": 9223372036854775808}',
    "cursor of 10^400": '{"type": "subscribe", "run": "{id}", "after": 1' + "0" * 400 + "}",
    "infinite cursor": '{"type": "subscribe", "run": "{id}", "after": 1e999}',
}  # fmt: skip
# Valid, if odd: any answer is fine that comes.
ODD_FRAMES = {
    "deep ref": DEEP_REF,
    "huge ref": '{"type": "ping", "ref": 1' + "0" * 300 + "}",
    "great ref": '{"type": "ping", "ref": 18446744073709551616}',
    "object as ref": '{"type": "ping", "ref": {"a": [null]}}',
    "text of 60 KB as ref": json.dumps({"type": "ping", "ref": "x" * 60_000}),
    "type twice": '{"type": "fly", "type": "ping"}',
    "unsubscribe from what is not followed": '{"type": "unsubscribe", "run": "x"}',
}


@pytest.mark.parametrize("name", BAD_FRAMES)
async def test_a_bad_frame_is_answered_and_the_socket_stays(standing_server, finished, unharmed, name):
    frame = BAD_FRAMES[name]
    if isinstance(frame, str):
        frame = frame.replace("{id}", finished)
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        answer = await answer_to(socket, frame)
        assert (answer["type"], answer.get("code")) == ("error", "VALIDATION_ERROR")
        assert answer["message"]
        assert (await answer_to(socket, {"type": "ping", "ref": 7}))["ref"] == 7


@pytest.mark.parametrize("name", ODD_FRAMES)
async def test_an_odd_frame_is_answered_and_the_socket_stays(standing_server, unharmed, name):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        assert (await answer_to(socket, ODD_FRAMES[name]))["type"] in ("ok", "error")
        assert (await answer_to(socket, {"type": "ping", "ref": 7}))["ref"] == 7


def ping_of(size: int, filler: str = "x") -> str:
    """A ping whose frame has this many bytes."""
    empty = json.dumps({"type": "ping", "note": ""})
    room = size - len(empty)
    width = len(filler.encode())
    return empty[:-2] + filler * (room // width) + "x" * (room % width) + empty[-2:]


@pytest.mark.parametrize("frame", [ping_of(65_537), ping_of(65_537, "é"), b"x" * 65_537, ping_of(1_000_000)])
async def test_a_frame_over_64_kib_closes_the_socket(standing_server, unharmed, frame):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        await socket.send(frame)
        assert await all_until_closed(socket) == (1009, [])


@pytest.mark.parametrize("filler", ["x", "é"])
async def test_a_frame_of_64_kib_is_answered(standing_server, unharmed, filler):
    frame = ping_of(65_536, filler)
    assert len(frame.encode()) == 65_536
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        assert (await answer_to(socket, frame))["type"] == "ok"


async def test_a_message_of_ten_thousand_fragments_is_one_message(standing_server, unharmed):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        await socket.send(iter(ping_of(10_000)))
        assert (await hear(socket))["type"] == "ok"


async def test_text_that_is_no_text_ends_only_its_own_socket(standing_server):
    async with (
        socket_to(standing_server, "/ws/", token(standing_server, "bob")) as other,
        socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket,
    ):
        await socket.send(b'{"type": "\xff\xfe"}', text=True)
        code, heard = await all_until_closed(socket)
        assert (await answer_to(other, {"type": "ping"}))["type"] == "ok"
    # Autobahn drops the connection without a word, where uvicorn says why.
    assert code in (1006, 1007)
    assert heard == []


async def test_a_flood_of_commands_is_answered_in_order(standing_server, unharmed):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        for number in range(1000):
            await socket.send(json.dumps({"type": "ping", "ref": number}))
        assert [(await hear(socket))["ref"] for _ in range(1000)] == list(range(1000))
