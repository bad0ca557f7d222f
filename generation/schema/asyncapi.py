"""The AsyncAPI 3.0 document: the channels a client can follow, and every message on them."""

from typing import Any

from django.conf import settings

from generation.event_types import EVENTS
from generation.schema.components import components, event_name
from generation.schema.frames import ANSWERS, BATCH_MESSAGES, COMMANDS, Cursor
from generation.schema.inputs import Schema, reference
from generation.schema.json_schema import needed_by, schema_of
from generation.schema.security import security_schemes

VERSION = "3.0.0"

# The messages of each channel by the id they have there, and the component of their payload.
EVENT_MESSAGES = {name: event_name(name) for name in EVENTS}
STATE_MESSAGES = {name: shape.__name__ for name, shape in BATCH_MESSAGES.items()}
COMMAND_MESSAGES = {name: shape.__name__ for name, shape in COMMANDS.items()}
ANSWER_MESSAGES = {name: shape.__name__ for name, shape in ANSWERS.items()}
BROKEN = {"stream_error": "StreamError"}
BEAT = {"heartbeat": "Heartbeat"}

CLOSE_CODES = {
    1000: "after the terminal event, on the socket of one run",
    1001: "the server shuts down; come back by cursor",
    1009: "a frame was larger than 64 KiB",
    1012: "cut off as too slow; come back by cursor",
    4400: "bad cursor",
    4401: "not signed in",
    4403: "not allowed, or a foreign Origin",
    4404: "no such run",
    4410: "the events behind the cursor are no longer kept",
    4429: "too many connections",
}
CLOSES = "Closes with " + "; ".join(f"{code}: {meaning}" for code, meaning in CLOSE_CODES.items()) + "."
SSE = "Server-sent events; `data:` is the payload on one line."

RUN_PARAMETER = {"runId": {"description": "The id of a run."}}
BATCH_PARAMETER = {"batchId": {"description": "The id of a batch."}}


def document() -> dict[str, Any]:
    schemas = components()
    groups = (EVENT_MESSAGES, STATE_MESSAGES, ANSWER_MESSAGES, COMMAND_MESSAGES, BROKEN, BEAT)
    sent = {name: message(name, schemas[name]) for group in groups for name in group.values()}
    return {
        "asyncapi": VERSION,
        "info": {
            "title": settings.SPECTACULAR_SETTINGS["TITLE"],
            "version": settings.SPECTACULAR_SETTINGS["VERSION"],
            "description": "What streams and sockets carry. The rest of the API is in `/api/schema`.",
        },
        "defaultContentType": "application/json",
        "channels": channels(),
        "operations": operations(),
        "components": {
            "messages": sent,
            "schemas": {name: undiscriminated(schema) for name, schema in needed_by(sent, schemas).items()},
            "securitySchemes": {name: scheme | {"type": "httpApiKey"} for name, scheme in security_schemes().items()},
        },
    }


def undiscriminated(schema: Schema) -> Schema:
    """Without the discriminator, which is another thing in AsyncAPI than in OpenAPI."""
    return {name: value for name, value in schema.items() if name != "discriminator"}


def message(name: str, payload: Schema) -> Schema:
    return {"name": name, "summary": payload.get("description", name), "payload": reference(name)}


def messages(*groups: dict[str, str]) -> Schema:
    return {key: {"$ref": f"#/components/messages/{name}"} for group in groups for key, name in group.items()}


def channels() -> Schema:
    socket = messages(EVENT_MESSAGES, STATE_MESSAGES, ANSWER_MESSAGES, BEAT, COMMAND_MESSAGES)
    after: Schema = {"type": "object", "properties": {"after": schema_of(Cursor)}}
    return {
        "runStream": {
            "address": "/api/runs/{runId}/stream",
            "description": SSE,
            "parameters": RUN_PARAMETER,
            "messages": messages(EVENT_MESSAGES, BROKEN),
        },
        "batchStream": {
            "address": "/api/batches/{batchId}/stream",
            "description": SSE,
            "parameters": BATCH_PARAMETER,
            "messages": messages(STATE_MESSAGES, BROKEN),
        },
        "socket": {
            "address": "/ws/",
            "description": f"Many runs over one connection. {CLOSES}",
            "messages": socket,
            "bindings": {"ws": {"method": "GET"}},
        },
        "runSocket": {
            "address": "/ws/runs/{runId}/",
            "description": f"One run; takes commands too. {CLOSES}",
            "parameters": RUN_PARAMETER,
            "messages": socket,
            "bindings": {"ws": {"method": "GET", "query": after}},
        },
    }


def operations() -> Schema:
    """What the server sends and receives on each channel, and by what one may be signed in."""
    security = [{"$ref": f"#/components/securitySchemes/{name}"} for name in security_schemes()]
    made = {}
    for name, channel in channels().items():
        commands = [key for key in channel["messages"] if key in COMMAND_MESSAGES]
        others = [key for key in channel["messages"] if key not in COMMAND_MESSAGES]
        made[f"send_{name}"] = {"action": "send", **on(name, others), "security": security}
        if commands:
            made[f"receive_{name}"] = {"action": "receive", **on(name, commands), "security": security}
    return made


def on(channel: str, keys: list[str]) -> Schema:
    place = f"#/channels/{channel}"
    return {"channel": {"$ref": place}, "messages": [{"$ref": f"{place}/messages/{key}"} for key in keys]}
