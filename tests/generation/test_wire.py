"""The bytes of wire.md 1.2, and what a cursor may look like."""

import orjson
import pytest

from generation import wire
from generation.errors import Invalid

RUN = "0b6f1c9e-4f8e-4f0e-9a51-3f2f4f0e9a51"
FRAME = wire.frame(12, RUN, "progress", 1_763_632_800_007, b'{"a":"\\n\\ndata: x"}')


def test_an_sse_frame_has_exactly_these_bytes():
    assert FRAME.sse == (
        b'id: 12\ndata: {"seq":12,"run_id":"%b","event":"progress","ts":"2025-11-20T10:00:00.007Z",'
        b'"data":{"a":"\\n\\ndata: x"}}\n\n' % RUN.encode()
    )


def test_a_named_frame_says_its_event_first():
    assert FRAME.named_sse == b"event: progress\n" + FRAME.sse


def test_the_envelope_is_json():
    assert orjson.loads(FRAME.body) == {
        "seq": 12,
        "run_id": RUN,
        "event": "progress",
        "ts": "2025-11-20T10:00:00.007Z",
        "data": {"a": "\n\ndata: x"},
    }


@pytest.mark.parametrize(
    ("name", "terminal"), [("complete", True), ("error", True), ("cancelled", True), ("item", False)]
)
def test_three_events_end_a_log(name, terminal):
    assert wire.frame(1, RUN, name, 0, b"{}").terminal is terminal


@pytest.mark.parametrize(("text", "cursor"), [("0", 0), ("7", 7), ("007", 7), (str(2**63 - 1), 2**63 - 1)])
def test_a_plain_decimal_is_a_cursor(text, cursor):
    assert wire.parse_cursor(text) == cursor


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1e3", "abc", "1\r\nX: y", "%00", " 1", "1 ", "٣", "1.0", str(2**63), "9" * 10_000, "0x1"]
)
def test_anything_else_is_not(text):
    with pytest.raises(Invalid):
        wire.parse_cursor(text)


def test_a_dialect_cursor_names_the_run():
    assert wire.parse_dialect_cursor(f"{RUN}:5") == (RUN, 5)


@pytest.mark.parametrize("text", ["", "5", f"{RUN}:", f"{RUN}:x", ":"])
def test_a_malformed_dialect_cursor_is_refused(text):
    with pytest.raises(Invalid):
        wire.parse_dialect_cursor(text)
