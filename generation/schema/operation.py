"""The parts that operations are put together from. OpenAPI 3.1 objects are plain dicts here."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from generation.schema.inputs import Schema, property_of, reference
from generation.wire import MAX_CURSOR

JSON = "application/json"
EVENT_STREAM = "text/event-stream"

SIGNED_IN: list[Schema] = [{"session": []}, {"token": []}]
WATCHING: list[Schema] = [*SIGNED_IN, {"ticket": []}]
NOBODY: list[Schema] = []

HEADERS: dict[str, Schema] = {
    "Location": {
        "description": "The path of what was started.",
        "required": True,
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {
        "description": "Seconds to wait before asking again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Idempotent-Replayed": {
        "description": "This Idempotency-Key had been used for the same request: this is what it started then.",
        "schema": {"type": "string", "const": "true"},
    },
    "WWW-Authenticate": {"required": True, "schema": {"type": "string", "const": "Token"}},
}

REFUSALS: dict[int, str] = {
    400: "The request is not valid; `fields` says what is wrong.",
    401: "Nobody is signed in, or the token or ticket is not valid.",
    403: "The request carries only a cookie and comes from another site.",
    404: "There is no such thing for whoever asks.",
    409: "The state does not allow it, or the Idempotency-Key was used for another request.",
    410: "It is not there any more.",
    413: "The body is larger than MAX_BODY_BYTES, 256 KiB by default.",
    415: "The body is not `application/json`.",
    429: "Too many active runs, starts in a minute or open streams, or the clinic's budget for models is spent.",
    502: "The model failed.",
    503: "The server is restarting; whatever runs goes on.",
}
REFUSAL_HEADERS = {401: ("WWW-Authenticate",), 429: ("Retry-After",), 503: ("Retry-After",)}


def headers(*names: str) -> Schema:
    return {"headers": {name: {"$ref": f"#/components/headers/{name}"} for name in names}} if names else {}


def answer(description: str, schema: Schema | None = None, *with_headers: str, **links: Schema) -> Schema:
    """A response; with a schema, in JSON."""
    content = {"content": {JSON: {"schema": schema}}} if schema else {}
    return {"description": description, **headers(*with_headers), **content, **({"links": links} if links else {})}


def stream(description: str, event: Schema, *with_headers: str) -> Schema:
    """A response of server-sent events; `event` describes each of them as it is parsed, `data` being text."""
    return {"description": description, **headers(*with_headers), "content": {EVENT_STREAM: {"schema": event}}}


def sent_event(data: Schema, **fields: Schema) -> Schema:
    """A server-sent event with JSON in its data."""
    text = {"type": "string", "contentMediaType": JSON, "contentSchema": data}
    return {"type": "object", "required": ["data", *fields], "properties": {"data": text, **fields}}


def refusals(*statuses: int, body: str = "Error", frame: Schema | None = None) -> dict[str, Schema]:
    """A response for each status. Where a refusal may also be a `frame`, that is what a client of streams gets."""
    content: Schema = {JSON: {"schema": reference(body)}}
    if frame is not None:
        content[EVENT_STREAM] = {"schema": frame}
    return {
        str(status): {
            "description": REFUSALS[status],
            **headers(*REFUSAL_HEADERS.get(status, ())),
            "content": content,
        }
        for status in statuses
    }


def body(name: str, description: str = "") -> Schema:
    described = {"description": description} if description else {}
    return {**described, "required": True, "content": {JSON: {"schema": reference(name)}}}


def parameter(name: str, place: str, description: str, schema: Schema, required: bool = False) -> Schema:
    return {"name": name, "in": place, "description": description, "required": required, "schema": schema}


def query_of(serializer: type[serializers.Serializer[Any]]) -> tuple[Schema, ...]:
    """The query parameters that a serializer checks."""
    return tuple(
        parameter(name, "query", described.pop("description"), described, field.required)
        for name, field in serializer().fields.items()
        for described in [property_of(name, field)]
    )


def operation(
    operation_id: str,
    tag: str,
    summary: str,
    responses: Mapping[str, Schema],
    *,
    description: str = "",
    parameters: tuple[Schema, ...] = (),
    request: Schema | None = None,
    security: list[Schema] = SIGNED_IN,
) -> Schema:
    made: Schema = {"operationId": operation_id, "tags": [tag], "summary": summary}
    if description:
        made["description"] = description
    if parameters:
        made["parameters"] = list(parameters)
    if request is not None:
        made["requestBody"] = request
    return made | {"responses": dict(sorted(responses.items())), "security": security}


def link(operation_id: str, parameter_name: str, description: str, source: str = "$response.body#/id") -> Schema:
    return {"operationId": operation_id, "parameters": {parameter_name: source}, "description": description}


RUN_ID = parameter("run_id", "path", "The id of a run.", {"type": "string", "format": "uuid"}, required=True)
BATCH_ID = parameter("batch_id", "path", "The id of a batch.", {"type": "string", "format": "uuid"}, required=True)
CURSOR: Schema = {"type": "integer", "minimum": 0, "maximum": MAX_CURSOR}
AFTER = parameter("after", "query", "Only events past this number; 0, the default, is all of them.", CURSOR)
LAST_EVENT_ID = parameter("Last-Event-ID", "header", "The id of the last event received; goes before `after`.", CURSOR)
IDEMPOTENCY_KEY = parameter(
    "Idempotency-Key",
    "header",
    "Within 24 hours the same key and body give the first answer again, with `Idempotent-Replayed`.",
    {"type": "string", "pattern": r"^[\x21-\x7e]{1,255}$"},
)

RUN_LINKS: dict[str, Schema] = {
    "self": link("getRun", "run_id", "The run."),
    "result": link("getResult", "run_id", "What came of it, once it has succeeded."),
    "stream": link("streamRun", "run_id", "Its events."),
    "events": link("pollRun", "run_id", "Its events, a page at a time."),
    "cancel": link("cancelRun", "run_id", "Stop it."),
    "pause": link("pauseRun", "run_id", "Let it rest."),
    "resume": link("resumeRun", "run_id", "Let it go on."),
    "retry": link("retryRun", "run_id", "Start it again, once it has ended."),
    "delete": link("deleteRun", "run_id", "Delete it."),
}
BATCH_LINKS: dict[str, Schema] = {
    "self": link("getBatch", "batch_id", "The batch."),
    "stream": link("streamBatch", "batch_id", "Its state as it changes."),
    "cancel": link("cancelBatch", "batch_id", "Stop every row."),
    "retry": link("retryBatch", "batch_id", "Start the failed and cancelled rows again."),
}
