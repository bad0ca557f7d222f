"""A body that is too large, no JSON, or no request is refused by its field and in the address's own form."""

import gzip
import json
from urllib.parse import quote

import pytest

from tests.acceptance.asking import CANONICAL, STARTS, STREAMS, client_of, error_of
from tests.acceptance.cases import KNEE

LIMIT = 262_144


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
