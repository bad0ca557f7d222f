"""The schemas that both documents refer to, by name, generated from the types."""

from functools import cache
from typing import Any

from pydantic import TypeAdapter

from generation.event_types import EVENTS, Id, Ordinal, Timestamp
from generation.schema import frames, library, privacy, program_shapes, programs, shapes, shares
from generation.schema.dialects import DIALECT_SHAPES
from generation.schema.inputs import Schema, reference, request_schemas
from generation.schema.json_schema import Untitled, schema_of

SHAPES: tuple[type[Any], ...] = (
    shapes.Run,
    shapes.ChildRun,
    shapes.RunPage,
    shapes.EventPage,
    shapes.Batch,
    shapes.Ticket,
    shapes.Error,
    shapes.CursorExpired,
    shapes.Health,
    shapes.Readiness,
    frames.Heartbeat,
    frames.StreamError,
    *frames.COMMANDS.values(),
    *frames.ANSWERS.values(),
    *frames.BATCH_MESSAGES.values(),
    *library.SHAPES,
    *privacy.SHAPES,
    *program_shapes.SHAPES,
    *shares.SHAPES,
    *DIALECT_SHAPES,
    *EVENTS.values(),
)


def event_name(name: str) -> str:
    """`quality_check` → `QualityCheckEvent`, the component of its envelope."""
    return "".join(word.title() for word in name.split("_")) + "Event"


def envelope(name: str) -> Schema:
    data = EVENTS[name]
    return {
        "type": "object",
        "description": data.__doc__,
        "required": ["seq", "run_id", "event", "ts", "data"],
        "properties": {
            "seq": schema_of(Ordinal) | {"description": "Its number in the run's log: from 1, without a gap."},
            "run_id": schema_of(Id),
            "event": {"type": "string", "const": name},
            "ts": schema_of(Timestamp),
            "data": reference(data.__name__),
        },
    }


@cache
def components() -> dict[str, Schema]:
    """Every component schema by name. The union of all events is `Event`."""
    _, made = TypeAdapter.json_schemas(
        [(shape.__name__, "validation", TypeAdapter(shape)) for shape in SHAPES],
        ref_template="#/components/schemas/{model}",
        schema_generator=Untitled,
    )
    # What is said of a field is not inherited with it.
    made["$defs"]["Run"]["properties"] |= made["$defs"]["ChildRun"]["properties"]
    envelopes = {event_name(name): envelope(name) for name in EVENTS}
    mapping = {name: reference(event_name(name))["$ref"] for name in EVENTS}
    union = {
        "description": "One event of a run's log. Ignore events and fields you don't know.",
        "oneOf": [reference(name) for name in envelopes],
        "discriminator": {"propertyName": "event", "mapping": mapping},
    }
    own = {"Event": union, "Exercise": library.exercise()}
    bodies = {
        **request_schemas(),
        **privacy.request_schemas(),
        **programs.request_schemas(),
        **shares.request_schemas(),
    }
    every = {**made["$defs"], **envelopes, **own, **bodies}
    return dict(sorted(every.items()))
