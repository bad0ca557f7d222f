"""The commands of a WebSocket: one JSON object a frame (wire.md 1.4)."""

import uuid
from typing import Any

import orjson

from generation.errors import Invalid, NotFound
from generation.wire import MAX_CURSOR

MAX_REF = 64


def parse_command(text: str | None) -> dict[str, Any]:
    """Raises Invalid."""
    if text is None:
        raise Invalid("Commands are text frames, not binary ones.")
    try:
        command = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise Invalid("The frame is not valid JSON.") from None
    if not isinstance(command, dict):
        raise Invalid("A command is a JSON object.")
    return command


def ref_of(command: dict[str, Any]) -> str | int | None:
    """Whatever the client sent to know the answer by. Raises Invalid: the answer must be able to carry it."""
    ref = command.get("ref")
    if ref is not None and (type(ref) not in (str, int) or len(str(ref)) > MAX_REF):
        raise Invalid(fields={"ref": [f"Text or a number, up to {MAX_REF} characters."]})
    return ref


def text_of(command: dict[str, Any], name: str) -> str:
    value = command.get(name)
    if not isinstance(value, str):
        raise Invalid(fields={name: ["Text is needed here."]})
    return value


def id_of(command: dict[str, Any], name: str) -> uuid.UUID:
    """The id of the run or batch that a command is about. Raises Invalid, and NotFound for what can be no id."""
    try:
        return uuid.UUID(text_of(command, name))
    except ValueError:
        raise NotFound from None


def key_of(command: dict[str, Any]) -> str | None:
    """What an Idempotency-Key is over HTTP. Raises Invalid."""
    return text_of(command, "key") if "key" in command else None


def cursor_of(command: dict[str, Any]) -> int:
    after = command.get("after", 0)
    if type(after) is not int or not 0 <= after <= MAX_CURSOR:
        raise Invalid("The cursor must be a plain number.", fields={"after": ["Not a cursor."]})
    return after
