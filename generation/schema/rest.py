"""The operations of the ask column: `/api/runs`, `/api/batches`, `/api/stream-tickets`."""

from generation.schema.inputs import Schema, reference
from generation.schema.operation import (
    BATCH_ID,
    BATCH_LINKS,
    IDEMPOTENCY_KEY,
    RUN_ID,
    RUN_LINKS,
    answer,
    body,
    operation,
    query_of,
    refusals,
)
from generation.serializers import RunFilter

RUN, BATCH = reference("Run"), reference("Batch")
NOT_THEIRS = answer("Auditors and whoever has left the clinic only look, or another site asks.", reference("Error"))
OPERATIONS: dict[tuple[str, str], Schema] = {
    ("GET", "/api/runs"): operation(
        "listRuns",
        "Runs",
        "The runs one may see, newest first",
        {
            "200": answer("A page of them; that it shows runs of others is audited.", reference("RunPage")),
            **refusals(400, 401, 503),
        },
        description="One's own runs and those of one's clinics; for staff all.",
        parameters=query_of(RunFilter),
    ),
    ("POST", "/api/runs"): operation(
        "startRun",
        "Runs",
        "Start a run",
        {
            "201": answer("It is queued.", RUN, "Location", "Idempotent-Replayed", **RUN_LINKS),
            **refusals(400, 401, 403, 409, 413, 415, 429, 503),
        },
        parameters=(IDEMPOTENCY_KEY,),
        request=body("StartRequest"),
    ),
    ("GET", "/api/runs/{run_id}"): operation(
        "getRun",
        "Runs",
        "A run as it is now",
        {"200": answer("Its snapshot.", RUN), **refusals(400, 401, 404, 503)},
        description="That it was looked at is audited once an hour, but not while its owner watches it live.",
        parameters=(RUN_ID,),
    ),
    ("DELETE", "/api/runs/{run_id}"): operation(
        "deleteRun",
        "Runs",
        "Delete a run",
        {
            "202": answer("Its worker has not stopped within 5 seconds; it goes when it has."),
            "204": answer("It is gone."),
            **refusals(400, 401, 404, 413, 503),
            "403": NOT_THEIRS,
        },
        description="A live run is cancelled first. Its events and its result go, its metrics stay.",
        parameters=(RUN_ID,),
    ),
    ("GET", "/api/runs/{run_id}/result"): operation(
        "getResult",
        "Runs",
        "What came of a run",
        {
            "200": answer("The result.", reference("ExerciseProgramResult")),
            **refusals(400, 401, 404, 503),
            "409": answer("The run has not ended yet.", reference("Error")),
            "410": answer("The run ended without a result.", reference("Error")),
        },
        parameters=(RUN_ID,),
    ),
    ("POST", "/api/runs/{run_id}/cancel"): operation(
        "cancelRun",
        "Runs",
        "Stop a run",
        {
            "200": answer("It was stopped or stopping already.", RUN),
            "202": answer("It stops, or has stopped at once because nobody worked on it.", RUN),
            **refusals(400, 401, 404, 413, 503),
            "403": NOT_THEIRS,
            "409": answer("It has succeeded or failed.", reference("Error")),
        },
        description="Leaving a stream does not do this. A cancelled run ends with the event `cancelled`.",
        parameters=(RUN_ID,),
    ),
    ("POST", "/api/runs/{run_id}/pause"): operation(
        "pauseRun",
        "Runs",
        "Let a run rest",
        {
            "200": answer("It was paused already.", RUN),
            "202": answer("It pauses at its next step border, a queued one at once.", RUN),
            **refusals(400, 401, 404, 413, 503),
            "403": NOT_THEIRS,
            "409": answer("It is stopping, or has ended.", reference("Error")),
        },
        parameters=(RUN_ID,),
    ),
    ("POST", "/api/runs/{run_id}/resume"): operation(
        "resumeRun",
        "Runs",
        "Let a paused run go on",
        {
            "200": answer("It was not paused.", RUN),
            "202": answer("It is queued again.", RUN),
            **refusals(400, 401, 404, 413, 503),
            "403": NOT_THEIRS,
            "409": answer("It is stopping, or has ended.", reference("Error")),
        },
        parameters=(RUN_ID,),
    ),
    ("POST", "/api/runs/{run_id}/retry"): operation(
        "retryRun",
        "Runs",
        "Start a run that has ended again",
        {
            "201": answer(
                "A new run with the same input and this one as its `parent`.",
                RUN,
                "Location",
                "Idempotent-Replayed",
            ),
            **refusals(400, 401, 404, 409, 413, 429, 503),
            "403": NOT_THEIRS,
        },
        parameters=(RUN_ID, IDEMPOTENCY_KEY),
    ),
    ("POST", "/api/runs/{run_id}/corrections"): operation(
        "correctRun",
        "Runs",
        "Start a run again with what was misunderstood put right",
        {
            "201": answer(
                "A new run with this one as its `parent`, for whoever asks.", RUN, "Location", "Idempotent-Replayed"
            ),
            **refusals(400, 401, 404, 409, 413, 415, 429, 503),
            "403": NOT_THEIRS,
        },
        description="Earlier corrections of the same case stay. No correction can take a red flag away.",
        parameters=(RUN_ID, IDEMPOTENCY_KEY),
        request=body("CorrectionsRequest"),
    ),
    ("POST", "/api/batches"): operation(
        "startBatch",
        "Batches",
        "Start many runs together",
        {
            "201": answer("Every row is queued.", BATCH, "Location", "Idempotent-Replayed", **BATCH_LINKS),
            **refusals(400, 401, 403, 409, 413, 415, 429, 503),
        },
        description="All rows are checked first: one bad row and nothing starts. A batch counts as one active run.",
        parameters=(IDEMPOTENCY_KEY,),
        request=body("BatchRequest"),
    ),
    ("GET", "/api/batches/{batch_id}"): operation(
        "getBatch",
        "Batches",
        "A batch as it is now",
        {"200": answer("Its state and its runs.", BATCH), **refusals(400, 401, 404, 503)},
        parameters=(BATCH_ID,),
    ),
    ("POST", "/api/batches/{batch_id}/cancel"): operation(
        "cancelBatch",
        "Batches",
        "Stop every row of a batch",
        {
            "200": answer("Every row was stopped or stopping already.", BATCH),
            "202": answer("The rows that had not ended stop.", BATCH),
            **refusals(400, 401, 404, 413, 503),
            "403": NOT_THEIRS,
            "409": answer("Every row has succeeded or failed.", reference("Error")),
        },
        parameters=(BATCH_ID,),
    ),
    ("POST", "/api/batches/{batch_id}/retry"): operation(
        "retryBatch",
        "Batches",
        "Start the failed and cancelled rows of a batch again",
        {
            "201": answer(
                "The batch, with the new runs in the places of the old ones.",
                BATCH,
                "Location",
                "Idempotent-Replayed",
            ),
            **refusals(400, 401, 404, 409, 413, 429, 503),
            "403": NOT_THEIRS,
        },
        parameters=(BATCH_ID, IDEMPOTENCY_KEY),
    ),
    ("POST", "/api/stream-tickets"): operation(
        "issueTicket",
        "Streams",
        "A ticket for a client that can send neither a cookie nor a header",
        {
            "201": answer("Use it within a minute; it then serves that stream's reconnects.", reference("Ticket")),
            **refusals(400, 401, 403, 404, 413, 415, 503),
        },
        request=body("TicketRequest"),
    ),
}
