"""An event as bytes: the envelope, its SSE and WebSocket frames, and the cursors that clients send back.

wire.md 1.2 fixes the bytes. An envelope is encoded once, when its event is committed or read back, and the
two ways give the same bytes.
"""

import re
import time
from functools import lru_cache
from typing import Any

import orjson

from generation.errors import HepError, Invalid

TERMINAL = frozenset({"complete", "error", "cancelled"})
# After these, whoever wrote them writes no more.
LAST_OF_ATTEMPT = TERMINAL | {"paused"}
MAX_CURSOR = 2**63 - 1
_CURSOR = re.compile(r"[0-9]{1,19}")

SSE_PING = b"event: ping\ndata: {}\n\n"
WS_PING = '{"event":"ping"}'


class Frame:
    """One event, ready to leave. `body` is the envelope on one line."""

    __slots__ = ("body", "name", "seq")

    def __init__(self, seq: int, name: str, body: bytes) -> None:
        self.seq = seq
        self.name = name
        self.body = body

    @property
    def terminal(self) -> bool:
        return self.name in TERMINAL

    @property
    def sse(self) -> bytes:
        return b"id: %d\ndata: %b\n\n" % (self.seq, self.body)

    @property
    def named_sse(self) -> bytes:
        return b"event: %b\nid: %d\ndata: %b\n\n" % (self.name.encode(), self.seq, self.body)

    @property
    def envelope(self) -> dict[str, Any]:
        envelope: dict[str, Any] = orjson.loads(self.body)
        return envelope


@lru_cache(maxsize=4)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


@lru_cache(maxsize=256)
def timestamp(ts_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds."""
    return f"{_second(ts_ms // 1000)}.{ts_ms % 1000:03d}Z"


def frame(seq: int, run_id: str, name: str, ts_ms: int, data: bytes) -> Frame:
    """Build the frame of an event whose `data` is already JSON."""
    head = f'{{"seq":{seq},"run_id":"{run_id}","event":"{name}","ts":"{timestamp(ts_ms)}","data":'
    return Frame(seq, name, b"%b%b}" % (head.encode(), data))


def json_frame(value: Any, frame_id: str | None = None, event: str | None = None) -> bytes:
    """An SSE frame of the older dialects: any JSON value, with or without an id."""
    lines = b""
    if event is not None:
        lines += b"event: %b\n" % event.encode()
    if frame_id is not None:
        lines += b"id: %b\n" % frame_id.encode()
    return b"%bdata: %b\n\n" % (lines, orjson.dumps(value))


def refusal_frame(error: HepError) -> bytes:
    # No number and no run: it is said of the stream, not of the run, and is in no log.
    return json_frame({"event": "error", "data": error.body()["error"]}, event="stream_error")


def retry_frame(milliseconds: int) -> bytes:
    return b"retry: %d\n\n" % milliseconds


def parse_cursor(text: str) -> int:
    """A plain decimal up to 2⁶³−1. Raises Invalid."""
    if _CURSOR.fullmatch(text) is None or int(text) > MAX_CURSOR:
        raise Invalid("The cursor must be a plain decimal number.", fields={"after": ["Not a cursor."]})
    return int(text)


def parse_dialect_cursor(text: str) -> tuple[str, int]:
    """`<run id>:<seq>`, as the older dialects number their frames. Raises Invalid."""
    run_id, separator, seq = text.rpartition(":")
    if not separator:
        raise Invalid("The Last-Event-ID of this stream is '<run id>:<number>'.")
    return run_id, parse_cursor(seq)
