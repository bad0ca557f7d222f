"""The operations of the watch column: streams, long polls, starts that stream, and the health of the process."""

from generation.event_types import EVENTS
from generation.schema.inputs import Schema, reference
from generation.schema.operation import (
    AFTER,
    BATCH_ID,
    IDEMPOTENCY_KEY,
    LAST_EVENT_ID,
    NOBODY,
    RUN_ID,
    WATCHING,
    answer,
    body,
    operation,
    parameter,
    refusals,
    sent_event,
    stream,
)

ID: Schema = {"type": "string", "pattern": "^[0-9]+$"}
PING: Schema = sent_event({"type": "object", "maxProperties": 0}, event={"const": "ping"})
BROKEN: Schema = sent_event(reference("StreamError"), event={"const": "stream_error"})
EVENT: Schema = sent_event(reference("Event"), id=ID)
FRAGMENT: Schema = {
    "type": "object",
    "required": ["data", "event", "id"],
    "properties": {"data": {"type": "string"}, "event": {"enum": list(EVENTS)}, "id": ID},
}
RUN_EVENTS: Schema = {"anyOf": [EVENT, PING, BROKEN]}

STAGE: Schema = {"anyOf": [sent_event(reference("StageFrame")), sent_event(reference("ResultFrame")), PING]}
REFUSED_STAGE: Schema = sent_event(reference("StageFrame"))
BATCH_STATE: Schema = {
    "anyOf": [
        *(sent_event(reference(name)) for name in ("BatchMessage", "RunMessage", "BatchComplete")),
        PING,
        BROKEN,
    ]
}

EXPIRED: Schema = answer(
    "Retention has taken the events behind this cursor; load the run itself.", reference("CursorExpired")
)
WAIT = parameter(
    "wait",
    "query",
    "Seconds to wait for the first event.",
    {"type": "number", "minimum": 0, "maximum": 55, "default": 25},
)
NAMED = parameter("named", "query", "`1` for named events, for `addEventListener`.", {"type": "string"})
AS = parameter(
    "as",
    "query",
    "Named events whose data is an escaped fragment, for htmx.",
    {"type": "string", "const": "html"},
)
DETACH = parameter("detach", "query", "`1` to let the run go on when the client leaves.", {"type": "string"})
COME_BACK = parameter(
    "Last-Event-ID",
    "header",
    "`<run id>:<number>` of the last frame received: follows that run from there, whatever the body.",
    {
        "type": "string",
        "pattern": "^[0-9a-fA-F-]{36}:[0-9]{1,18}$",
        "examples": ["0b6f1c9e-4f8e-4f0e-9a51-3f2f4f0e9a51:12"],
    },
)
RECONNECT = (
    "Sends `retry:` first, and `event: ping` when it has been silent. When it closes before a terminal event, come "
    "back with the last id."
)

OPERATIONS: dict[tuple[str, str], Schema] = {
    ("GET", "/api/runs/{run_id}/stream"): operation(
        "streamRun",
        "Streams",
        "The events of a run, as they happen",
        {
            "200": stream(
                "Each event past the cursor, once and in order, to the terminal one.",
                {
                    "anyOf": [EVENT, FRAGMENT, PING, BROKEN],
                },
            ),
            "204": answer("The cursor is at the end of a log that has ended; an EventSource stops."),
            **refusals(400, 401, 404, 429, 503),
            "410": EXPIRED,
        },
        description=RECONNECT,
        parameters=(RUN_ID, AFTER, LAST_EVENT_ID, NAMED, AS),
        security=WATCHING,
    ),
    ("GET", "/api/runs/{run_id}/events"): operation(
        "pollRun",
        "Streams",
        "The events of a run, a page at a time",
        {
            "200": answer("The events past the cursor, none if `wait` is over.", reference("EventPage")),
            **refusals(400, 401, 404, 429, 503),
            "410": EXPIRED,
        },
        parameters=(RUN_ID, AFTER, WAIT),
        security=WATCHING,
    ),
    ("POST", "/api/runs/stream"): operation(
        "startAndStream",
        "Streams",
        "Start a run and stream its events in the same answer",
        {
            "200": stream("Its events from `queued` on.", RUN_EVENTS, "Location", "Idempotent-Replayed"),
            **refusals(400, 401, 403, 409, 413, 429, 503, frame=BROKEN),
        },
        description="Leaving does not cancel the run: come back through `Location`. " + RECONNECT,
        parameters=(IDEMPOTENCY_KEY,),
        request=body("StartRequest"),
    ),
    ("GET", "/api/batches/{batch_id}/stream"): operation(
        "streamBatch",
        "Batches",
        "The state of a batch, as it changes",
        {
            "200": stream("The batch, then each run of it that changes, then its end.", BATCH_STATE),
            **refusals(400, 401, 404, 429, 503),
        },
        description="State, not a log: a reconnect simply begins again.",
        parameters=(BATCH_ID,),
        security=WATCHING,
    ),
    ("POST", "/api/generate"): operation(
        "generate",
        "Older clients",
        "An exercise program in one answer",
        {
            "200": answer("The result.", reference("ExerciseProgramResult"), "Location", "Idempotent-Replayed"),
            **refusals(400, 401, 403, 409, 413, 429, 502, 503, body="ClassicError"),
            "500": answer("The run failed.", reference("ClassicError")),
        },
        description="Leaving cancels the run. 409 also says that somebody else cancelled it.",
        parameters=(IDEMPOTENCY_KEY,),
        request=body("ExerciseProgramInput"),
    ),
    ("POST", "/api/generate-stream"): operation(
        "generateStream",
        "Older clients",
        "An exercise program, stage by stage",
        {
            "200": stream("The six stages, then the result.", STAGE, "Location", "Idempotent-Replayed"),
            "204": answer("Last-Event-ID names the last frame of a run that has ended."),
            **refusals(400, 401, 403, 404, 409, 410, 413, 429, 503, frame=REFUSED_STAGE),
        },
        description="Leaving cancels the run, after a grace in which a reconnect by `Last-Event-ID` keeps it.",
        parameters=(IDEMPOTENCY_KEY, COME_BACK, DETACH),
        request=body("ExerciseProgramInput"),
    ),
    ("GET", "/healthz"): operation(
        "isAlive",
        "Health",
        "Whether the process lives",
        {"200": answer("It does.", reference("Health"))},
        security=NOBODY,
    ),
    ("GET", "/readyz"): operation(
        "isReady",
        "Health",
        "Whether the server can do its work",
        {
            "200": answer("It can.", reference("Readiness")),
            "503": answer("A part of it is not reachable.", reference("Readiness"), "Retry-After"),
        },
        security=NOBODY,
    ),
}
