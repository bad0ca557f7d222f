"""Events held against the types that the documents are generated from, with no field more and none less."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from generation.event_types import EVENTS, MOMENT, UUID

ENVELOPE = {"seq", "run_id", "event", "ts", "data"}


@cache
def type_of(name: str) -> TypeAdapter[Any]:
    return TypeAdapter(EVENTS[name])


def assert_data(name: str, data: Mapping[str, Any]) -> None:
    """Raises AssertionError for a name that is no event, pydantic's ValidationError for data that is not its own."""
    assert name in EVENTS, f"{name} is no event"
    type_of(name).validate_python(dict(data), strict=True, extra="forbid")


def assert_event(envelope: Mapping[str, Any]) -> None:
    """The same for a whole envelope, as a client receives it."""
    assert set(envelope) == ENVELOPE
    assert type(envelope["seq"]) is int
    assert envelope["seq"] >= 1
    assert re.fullmatch(UUID, envelope["run_id"])
    assert re.fullmatch(MOMENT, envelope["ts"])
    assert_data(envelope["event"], envelope["data"])
