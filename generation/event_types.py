"""What each event of a run's log carries: wire.md 1.2, typed once.

Emitters write plain dicts. The tests check every event of every run against these types, and both documents, OpenAPI
and AsyncAPI, are generated from them. Docstrings here are what an integrator reads.
"""

from typing import Annotated, Any, Literal, NotRequired, get_args

from pydantic import ConfigDict, Field, with_config

# Python 3.11's own TypedDict tells pydantic too little about itself.
from typing_extensions import TypedDict

UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
MOMENT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$"

Id = Annotated[str, Field(pattern=UUID, json_schema_extra={"format": "uuid"})]
Timestamp = Annotated[
    str, Field(pattern=MOMENT, json_schema_extra={"format": "date-time"}, description="ISO 8601 UTC with milliseconds.")
]
Count = Annotated[int, Field(ge=0)]
Ordinal = Annotated[int, Field(ge=1)]
Milliseconds = Annotated[int, Field(ge=0)]
Percent = Annotated[float, Field(ge=0, le=100)]
Dollars = Annotated[float, Field(ge=0)]
Message = Annotated[str, Field(max_length=80)]

ErrorCode = Literal[
    "VALIDATION_ERROR",
    "AUTHENTICATION_ERROR",
    "PERMISSION_DENIED",
    "NOT_FOUND",
    "CONFLICT",
    "IDEMPOTENCY_CONFLICT",
    "RATE_LIMITED",
    "TOO_MANY_RUNS",
    "OPENAI_API_ERROR",
    "OPENAI_RATE_LIMITED",
    "OPENAI_TIMEOUT",
    "OUTPUT_INVALID",
    "SOURCE_UNAVAILABLE",
    "CURSOR_EXPIRED",
    "WORKER_LOST",
    "SERVER_ERROR",
]
ERROR_CODES: tuple[str, ...] = get_args(ErrorCode)


@with_config(ConfigDict(use_attribute_docstrings=True))
class Documented(TypedDict):
    pass


class Eta(Documented):
    """What remains, as a median and the range from the 10th to the 90th percentile."""

    ms: Milliseconds
    low_ms: Milliseconds
    high_ms: Milliseconds
    basis: Literal["history", "default"]
    """Whether it comes from earlier runs or from the shipped defaults."""


class Citation(Documented):
    """A source that a passage leans on."""

    key: str
    source: str


class Queued(Documented):
    """The run was accepted."""

    position: Ordinal
    """Its place in the queue; 1 is next."""
    eta: Eta | None


class Progress(Documented):
    """A stage begins, or its facts have changed; at most four times a second."""

    stage: str
    """The code of the stage, for programs."""
    message: Message
    """What is being done, for a person, in the run's language."""
    progress: Percent
    """Never falls within a run."""
    eta: Eta | None


class StageComplete(Documented):
    """A stage has ended."""

    stage: str
    duration_ms: Milliseconds
    facts: dict[str, Any]
    """Counts and codes that say what the stage found, by name."""


class SectionStart(Documented):
    """A section of a document begins."""

    name: str
    index: Count
    """From 0."""
    total: Count


class SectionComplete(Documented):
    """A section of a document is written."""

    name: str
    index: Count
    """From 0."""
    total: Count
    preview: Annotated[str, Field(max_length=203)]
    """Its first 200 characters, with "..." when cut."""


class Item(Documented):
    """A validated object of the result, or an accepted source, as soon as it is whole."""

    path: str
    """The list of the result it belongs to, as `exercises`, `milestones` or `sources`."""
    index: Count
    """From 0."""
    value: dict[str, Any]


class Delta(Documented):
    """Text as it is written, gathered for 50 to 100 ms."""

    block_id: str
    delta: str
    cites: NotRequired[list[Citation]]


class Stats(Documented):
    """Counts of a literature search."""

    hits: Count
    verified: Count
    sections: Count


class QualityCheck(Documented):
    """A review has ended."""

    score: Annotated[float, Field(ge=0, le=10)]
    iteration: Ordinal
    max_iterations: Ordinal
    passed: bool
    findings: list[dict[str, Any]]


class Iteration(Documented):
    """A new review round begins."""

    iteration: Ordinal
    max_iterations: Ordinal
    reason: str


class ToolCall(Documented):
    """A specialist asks a tool."""

    call_id: str
    """The same in the `tool_result` that answers it."""
    specialist: str
    tool: str
    arguments: dict[str, Any]


class ToolResult(Documented):
    """A tool has answered."""

    call_id: str
    specialist: str
    tool: str
    result: Any
    duration_ms: Milliseconds
    error: str | None


class SpecialistUpdate(Documented):
    """What a specialist is doing now."""

    specialist: str
    status: Literal["waiting", "working", "done", "failed"]
    task: str


class CostUpdate(Documented):
    """What the run has cost so far; zeros where no model was called."""

    total_cost_usd: Dollars
    tokens_used: Count
    input_tokens: Count
    output_tokens: Count


class Warned(Documented):
    """Something the reader should know, as a red flag or a fallback."""

    code: str
    message: str


class Paused(Documented):
    """The run rests at a step border until somebody resumes it."""

    by: str


class Resumed(Documented):
    """The run goes on, after a pause or after its worker was lost."""

    by: str
    """Who resumed it; `server` when its worker was lost."""
    attempt: Ordinal
    from_stage: str


class Cancelling(Documented):
    """A cancel was accepted; the run has not stopped yet."""

    by: str


class Complete(Documented):
    """The run has succeeded. Terminal."""

    run_id: Id
    result_url: str
    page_url: str
    quality_score: float | None
    total_cost_usd: Dollars
    duration_ms: Milliseconds


class Failed(Documented):
    """The run has failed. Terminal."""

    code: ErrorCode
    message: str
    retryable: bool
    """Whether the same input may succeed later."""
    stage: str | None


class Cancelled(Documented):
    """The run was cancelled. Terminal."""

    by: str
    reason: str
    upstream_closed_ms: Milliseconds | None
    """How long after the request the call to the model was closed; null if none was open."""


EVENTS: dict[str, type[Any]] = {
    "queued": Queued,
    "progress": Progress,
    "stage_complete": StageComplete,
    "section_start": SectionStart,
    "section_complete": SectionComplete,
    "item": Item,
    "delta": Delta,
    "stats": Stats,
    "quality_check": QualityCheck,
    "iteration": Iteration,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
    "specialist_update": SpecialistUpdate,
    "cost_update": CostUpdate,
    "warning": Warned,
    "paused": Paused,
    "resumed": Resumed,
    "cancelling": Cancelling,
    "complete": Complete,
    "error": Failed,
    "cancelled": Cancelled,
}
