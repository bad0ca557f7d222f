"""The operations that keep what identifies a person where it is."""

from typing import Any, Literal

from generation.event_types import Count, Documented
from generation.schema.corrections import corrections_request
from generation.schema.inputs import Schema, object_of, reference
from generation.schema.operation import RUN_ID, answer, body, operation, refusals
from generation.schema.shapes import Run
from generation.serializers import RecordNumber


class FoundRuns(Documented):
    """The newest hundred at most."""

    results: list[Run]


class RevealedNumber(Documented):
    mrn: str | None
    """Null when the run has none."""


class ModelMessage(Documented):
    """A message to a model."""

    role: Literal["system", "user"]
    """The instructions are the system's; what there is to choose from is the user's, as JSON."""
    content: str


class ModelTask(Documented):
    """What a model is asked first."""

    prompt: str
    """The version of the instructions."""
    messages: list[ModelMessage]
    """Word for word as they would be sent."""


class Preview(Documented):
    """What a model server would be sent for a run with this input."""

    case: str
    """The scenario as it would be sent, with placeholders for what was taken out."""
    redacted: dict[str, Count]
    """How many names, numbers, addresses and dates were taken out, by kind."""
    mrn: str | None
    """Masked; it is never sent."""
    provider: str | None
    """Who would be sent the task; null for the embedded composer, which sends nothing anywhere."""
    task: ModelTask | None
    """Null when the case ends before anybody is asked."""


SHAPES: tuple[type[Any], ...] = (FoundRuns, RevealedNumber, Preview)


def request_schemas() -> dict[str, Schema]:
    return {"RecordNumberRequest": object_of(RecordNumber()), "CorrectionsRequest": corrections_request()}


OPERATIONS: dict[tuple[str, str], Schema] = {
    ("POST", "/api/runs/search"): operation(
        "searchRuns",
        "Runs",
        "The runs with a record number",
        {
            "200": answer("Those one may see.", reference("FoundRuns")),
            **refusals(400, 401, 403, 413, 415, 503),
        },
        description="Exact but for case, spaces and dashes. The search is audited; the number is in no address.",
        request=body("RecordNumberRequest"),
    ),
    ("POST", "/api/runs/{run_id}/record-number"): operation(
        "revealRecordNumber",
        "Runs",
        "A run's record number in full",
        {
            "200": answer("Who asked is on the audit trail.", reference("RevealedNumber")),
            **refusals(400, 401, 403, 404, 413, 503),
        },
        parameters=(RUN_ID,),
    ),
    ("POST", "/api/preview"): operation(
        "previewRun",
        "Runs",
        "What would leave this server for a run",
        {"200": answer("Nothing is started.", reference("Preview")), **refusals(400, 401, 403, 413, 415, 429, 503)},
        description="Sixty a minute at most.",
        request=body("StartRequest"),
    ),
}
