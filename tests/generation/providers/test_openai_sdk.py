"""What the provider makes of a server's words: its headers, its events."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace

import pytest

from generation.providers import openai_sdk
from generation.providers.base import Task
from generation.providers.dialect import Dialect
from generation.providers.openai_sdk import Piece, piece_of, seconds_of

TASK = Task(
    purpose="exercise_program",
    facts={"secret": "stays here"},
    brief={"case": "right knee OA"},
    prompt="exercise_program-1",
    instructions="Choose.",
    schema={"type": "object", "properties": {"exercises": {"type": "array", "items": {"type": "string"}}}},
    language="da",
)


def event(choice=None, usage=None, **delta):
    delta = SimpleNamespace(**{"content": None, **delta})
    return SimpleNamespace(choices=[choice or SimpleNamespace(delta=delta, finish_reason=None)], usage=usage)


def counts(read, written):
    return SimpleNamespace(prompt_tokens=read, completion_tokens=written)


@pytest.mark.parametrize(
    ("dialect", "has", "lacks"),
    [
        (Dialect(), {"response_format", "stream_options", "max_tokens"}, set()),
        (Dialect(counts_usage=False), {"response_format"}, {"stream_options"}),
        (Dialect(limit="max_completion_tokens"), {"max_completion_tokens"}, {"max_tokens"}),
        (Dialect(form="prompt"), set(), {"response_format"}),
    ],
    ids=["all", "no usage", "other limit", "prompt"],
)
def test_a_request_says_what_the_dialect_has(dialect, has, lacks):
    given = openai_sdk.request("a-model", TASK, dialect)
    assert has <= given.keys()
    assert not lacks & given.keys()
    assert given["stream"] is True
    assert "stays here" not in repr(given)
    # Without a schema to hold the answer to, the words have to tell it.
    assert ("JSON Schema" in given["messages"][0]["content"]) == (dialect.form != "json_schema")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("1", 1),
        ("0", 0),
        ("1.2", 2),
        (" 120 ", 120),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("NaN", None),
        ("inf", None),
        ("1e400", None),
        ("99999999999999999999", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Fri, 20 Nov 99999 20:00:00 GMT", None),
        ("Fri, 20 Nov 2026 20:00:00 -9999", None),
        ("Fri, 20 Nov 2026 20:00:00 +99999999999999", None),
        ("Fri, 99 Foo 2026", None),
        ("\x00\xff", None),
    ],
)
def test_retry_after_is_whole_seconds_or_nothing(header, seconds):
    assert seconds_of(header) == seconds


def test_a_date_to_retry_after_is_seconds_from_now():
    later = datetime.now(UTC) + timedelta(seconds=90)
    assert seconds_of(format_datetime(later, usegmt=True)) in (89, 90)


@pytest.mark.parametrize(
    ("given", "piece"),
    [
        (event(content="å"), Piece("å")),
        (event(), Piece()),
        (event(content=7), Piece()),
        (event(content=["a"]), Piece()),
        (event(refusal="No."), Piece(refusal=True)),
        (event(reasoning_content="Hm"), Piece(thinks=True)),
        (event(reasoning="Hm"), Piece(thinks=True)),
        (event(SimpleNamespace(delta=None, finish_reason="stop")), Piece(finish="stop")),
        (event(SimpleNamespace(delta=None, finish_reason={"a": 1})), Piece()),
        (event(SimpleNamespace()), Piece()),
        (event("text"), Piece()),
        (event(usage=counts(3, 4)), Piece(usage=(3, 4))),
        (event(usage=counts(0, 0)), Piece()),
        (event(usage=counts(10**9, 4)), Piece()),
        (event(usage=counts(-1, 4)), Piece()),
        (event(usage=counts(3.5, 4)), Piece()),
        (event(usage=counts("3", "4")), Piece()),
        (event(usage=counts(10**30, 4)), Piece()),
        (event(usage=SimpleNamespace(prompt_tokens=3)), Piece()),
        (SimpleNamespace(choices=[], usage=counts(3, 4)), Piece(usage=(3, 4))),
        (SimpleNamespace(choices={}, usage=None), Piece()),
        (SimpleNamespace(choices=None), Piece()),
        ([1, 2], Piece()),
        (7, Piece()),
        (None, Piece()),
    ],
)
def test_an_event_is_never_taken_at_its_word(given, piece):
    assert piece_of(given) == piece


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://api.openai.com/v1", "api.openai.com"),
        ("http://127.0.0.1:8080/v1", "127.0.0.1:8080"),
        ("https://user:secret@models.example:8443/v1?key=secret", "models.example:8443"),
    ],
)
def test_the_name_of_a_server_has_neither_user_nor_key(settings, address, name):
    settings.MODEL_BASE_URL = address
    assert openai_sdk.name() == name
