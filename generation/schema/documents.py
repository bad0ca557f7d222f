"""The operations that describe the others."""

from generation.schema.inputs import Schema
from generation.schema.operation import NOBODY, answer, operation, refusals

OBJECT: Schema = {"type": "object"}

OPERATIONS: dict[tuple[str, str], Schema] = {
    ("GET", "/api/schema"): operation(
        "getSchema",
        "Documents",
        "This document",
        {"200": answer("OpenAPI 3.1, as JSON.", OBJECT), **refusals(400, 503)},
        description="Anybody may read it, and the page that shows it at `/api/docs`.",
        security=NOBODY,
    ),
    ("GET", "/api/asyncapi.json"): operation(
        "getAsyncApi",
        "Documents",
        "The events and the frames of sockets",
        {"200": answer("AsyncAPI 3.0, as JSON.", OBJECT), **refusals(400, 503)},
        security=NOBODY,
    ),
}
