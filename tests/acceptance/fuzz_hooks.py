"""What the fuzzer of the schema is told beside the schema. Schemathesis reads this in a process of its own."""

import json
from collections.abc import Iterator
from typing import Any

import schemathesis
from schemathesis import Case, HookContext
from schemathesis.core.failures import Failure
from schemathesis.core.transport import Response
from schemathesis.openapi.checks import RejectedPositiveData

# What is right here, only the server knows: whose clinic it is, whether there is a model, what was on a page.
SERVER_KNOWS = {"clinic_id", "cursor", "engine", "follows", "from", "to"}
LONG_POLL_S = "0.2"


def faults(value: Any, inside: bool = False) -> Iterator[str]:
    """The names of the fields that a refusal speaks of, in whichever dialect."""
    for name, part in value.items() if isinstance(value, dict) else ():
        if isinstance(part, dict):
            yield from faults(part, inside or name == "fields")
        elif inside:
            yield name


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Drop what is only the server's better knowledge."""
    if not isinstance(failure, RejectedPositiveData):
        return True
    # A refusal is one JSON object, or one frame with it.
    refused = set(faults(json.loads(b"{" + response.content.partition(b"{")[2])))
    return not refused or not refused <= SERVER_KNOWS


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    path = case.operation.path
    if path.endswith("/events"):
        # Whatever it may wait, it waits shortly.
        query = {"wait": LONG_POLL_S, **(case.query or {})}
        if str(query["wait"]).isdigit() and int(query["wait"]) <= 55:
            query["wait"] = LONG_POLL_S
        case.query = query
    elif path == "/api/generate-stream" and (case.headers or {}).get("Last-Event-ID") == "0":
        # It makes every header of letters and digits, and this is no cursor of that stream.
        del case.headers["Last-Event-ID"]
