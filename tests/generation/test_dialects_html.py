"""The fragments of `?as=html`: one for each event, on one line, escaped, in the language of the run."""

import asyncio
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from generation.dialects.html import Html
from generation.errors import ServerError
from generation.event_types import EVENTS
from generation.wire import frame, refusal_frame
from tests.generation.browsing import NEVER

HOSTILE = (
    "</li></p><script>alert(1)</script><img src=x onerror=alert(2)>\"' onclick='x' {{ 7|add:7 }} {% now %}\n\n"
    "data: <b>x</b>\n\nid: 99\nevent: complete\r\rretry: 1\r\n\r\n"
    "\u2028\u2029\x85\x0b\x0c\x1c\x1d\x1e\x00 \U0010ffff &lt;"
)
# Data as in the table of wire.md 1.2.
DATA: dict[str, dict[str, Any]] = {
    "queued": {"position": 2, "eta": None},
    "progress": {"stage": "S", "message": "M", "progress": 46.5, "eta": {"ms": 12000, "low_ms": 1, "high_ms": 2}},
    "stage_complete": {"stage": "S", "duration_ms": 1600, "facts": {"found": 3}},
    "section_start": {"name": "N", "index": 0, "total": 5},
    "section_complete": {"name": "N", "index": 0, "total": 5, "preview": "P"},
    "item": {"path": "exercises", "index": 3, "value": {"name": "N", "dose_text": "D", "reason": "R"}},
    "delta": {"block_id": "b1", "delta": "D", "cites": [{"key": "K", "source": "S"}]},
    "stats": {"hits": 9, "verified": 5, "sections": 2},
    "quality_check": {"score": 8.5, "iteration": 1, "max_iterations": 3, "passed": True, "findings": [{"code": "C"}]},
    "iteration": {"iteration": 2, "max_iterations": 3, "reason": "R"},
    "tool_call": {"call_id": "c1", "specialist": "S", "tool": "T", "arguments": {"q": "Q"}},
    "tool_result": {"call_id": "c1", "specialist": "S", "tool": "T", "result": "R", "duration_ms": 5, "error": None},
    "specialist_update": {"specialist": "S", "status": "working", "task": "T"},
    "cost_update": {"total_cost_usd": 0.5, "tokens_used": 150, "input_tokens": 100, "output_tokens": 50},
    "warning": {"code": "C", "message": "M"},
    "paused": {"by": "alice"},
    "resumed": {"by": "alice", "attempt": 2, "from_stage": "S"},
    "cancelling": {"by": "alice"},
    "complete": {"run_id": NEVER, "result_url": "/api/r", "page_url": "/runs/r/", "quality_score": None,
                 "total_cost_usd": 0, "duration_ms": 5},
    "error": {"code": "SERVER_ERROR", "message": "M", "retryable": True, "stage": None},
    "cancelled": {"by": "alice", "reason": "R", "upstream_closed_ms": None},
}  # fmt: skip
NAMES = sorted(DATA)


def sent(name: str, data: Any, language: str = "en", seq: int = 7) -> bytes:
    event = frame(seq, NEVER, name, 0, json.dumps(data).encode())
    return asyncio.run(Html(language).frames([event]))


def fragment(name: str, data: Any, language: str = "en") -> str:
    return sent(name, data, language).split(b"data: ", 1)[1].decode()


def hostile(value: Any) -> Any:
    """The same with every text made hostile."""
    match value:
        case str():
            return HOSTILE
        case dict():
            return {key: hostile(inner) for key, inner in value.items()}
        case list():
            return [hostile(inner) for inner in value]
    return value


class Markup(HTMLParser):
    """The elements of a fragment, its attributes, and whether each is closed in its turn."""

    VOID = ("br", "img", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.attributes: set[str] = set()
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == [], html

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_each_event_has_a_template_of_its_own():
    folder = Path(settings.BASE_DIR, "templates", "generation", "events")
    assert {path.stem for path in folder.glob("*.html")} == {*EVENTS, "_other"}
    assert set(EVENTS) == set(DATA)


@pytest.mark.parametrize("name", NAMES)
def test_a_frame_is_a_name_a_number_and_one_line(name):
    lines = sent(name, DATA[name]).split(b"\n")
    assert lines[:2] == [b"event: " + name.encode(), b"id: 7"]
    assert lines[2].startswith(b"data: <")
    assert lines[3:] == [b"", b""]


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_text_stays_text_in_its_frame(name):
    harmless, harmed = sent(name, DATA[name]), sent(name, hostile(DATA[name]))
    # No client sees another line than we do, whatever it takes for the end of one.
    assert len(harmed.decode().splitlines()) == 4
    plain, odd = (Markup(wire.split(b"data: ", 1)[1].decode()) for wire in (harmless, harmed))
    assert [tag for tag in odd.elements if tag != "br"] == plain.elements
    assert odd.attributes == plain.attributes


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_is_missing_breaks_nothing(name):
    assert Markup(fragment(name, {})).elements


def test_an_event_nobody_knows_says_its_name():
    assert fragment("novelty", {"x": 1}) == '<p data-event="novelty">novelty</p>\n\n'


@pytest.mark.parametrize("name", ["queued", "progress"])
def test_the_time_that_is_left_is_told_where_there_is_an_estimate_and_not_announced(name):
    eta = {"ms": 18_000, "low_ms": 12_000, "high_ms": 23_000, "basis": "history"}
    assert '<p class="small" role="timer">about 10–25 s left</p>' in fragment(name, DATA[name] | {"eta": eta})
    assert "left" not in fragment(name, DATA[name] | {"eta": None})


def test_a_place_in_the_queue_is_told():
    assert "<p>Waiting for its turn, number 2 in the queue</p>" in fragment("queued", DATA["queued"])


def test_words_are_in_the_language_of_the_run():
    check = DATA["quality_check"]
    assert "8.5/10" in fragment("quality_check", check)
    assert "8,5/10" in fragment("quality_check", check, "da")


def test_what_a_program_reads_is_the_same_in_every_language():
    assert 'value="46.5"' in fragment("progress", DATA["progress"], "da")


def test_the_language_of_one_stream_does_not_reach_another():
    async def both() -> list[bytes]:
        events = [frame(1, NEVER, "quality_check", 0, json.dumps(DATA["quality_check"]).encode())] * 20
        return await asyncio.gather(Html("da").frames(events), Html("en").frames(events))

    danish, english = asyncio.run(both())
    assert (danish.count(b"8,5/10"), danish.count(b"8.5/10")) == (20, 0)
    assert (english.count(b"8,5/10"), english.count(b"8.5/10")) == (0, 20)


def test_lines_of_a_text_are_kept_as_breaks():
    assert ">one<br><br>two <" in fragment("delta", {"block_id": "b", "delta": "one\n\ntwo "})


@pytest.mark.parametrize("name", ["item", "warning", "section_complete"])
def test_what_a_page_appends_has_the_same_id_when_it_is_said_again(name):
    (first,) = re.findall(r'^<\w+ id="([^" ]+)"', fragment(name, DATA[name]))
    assert NEVER in first
    assert f'id="{first}"' in fragment(name, DATA[name], "da")


def test_a_stream_that_breaks_says_so_as_the_canonical_one_does():
    assert Html("en").refusal(ServerError()) == refusal_frame(ServerError())
    assert refusal_frame(ServerError()).startswith(b"event: stream_error\ndata: {")
