"""What the API answers with: wire.md 1.1."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import WithJsonSchema

from generation.event_types import (
    Count,
    Documented,
    Dollars,
    ErrorCode,
    Eta,
    Failed,
    Id,
    Ordinal,
    Percent,
    Timestamp,
)
from generation.schema.results import ExerciseProgramResult

Status = Literal["queued", "running", "paused", "cancelling", "succeeded", "failed", "cancelled"]
Kind = Literal["exercise_program"]
Part = Literal["ok", "unavailable"]
ModelState = Literal["none", "ok", "open", "trying"]


class RunUrls(Documented):
    """Paths on this server."""

    self: str
    stream: str
    events: str
    socket: str
    cancel: str
    page: str


class Usage(Documented):
    input_tokens: Count
    output_tokens: Count
    cost_usd: Dollars


class Spent(Usage):
    """What calls to models add up to."""

    calls: Count
    """Each request to a model, those that failed among them."""
    estimated: bool
    """Some of the tokens were not counted by the server but estimated."""


class ChildRun(Documented):
    """A run of a batch as its stream tells of it: the snapshot without `input` and `result`."""

    id: Id
    kind: Kind
    status: Status
    stage: str | None
    progress: Percent
    eta: Eta | None
    """Null unless the run waits or works, when it takes longer than any before it, and when the queue is too long."""
    position: Ordinal | None
    """Its place among the runs that wait, by when their turns come; 1 is next. Null unless it waits, and when the queue
    is too long."""
    error: Failed | None
    """What the `error` event said."""
    quality_score: float | None
    usage: Usage
    model: str | None
    provider: str | None
    clinic: Id | None
    batch: Id | None
    parent: Id | None
    """The run that this one retries, corrects or follows."""
    attempt: Count
    last_seq: Count
    created_at: Timestamp
    started_at: Timestamp | None
    finished_at: Timestamp | None
    cancelled_by: str | None
    urls: RunUrls


class Run(ChildRun):
    """The snapshot of a run."""

    input: dict[str, Any] | None
    """As it was checked when the run started, its `mrn` masked; null where the key it was sealed with is gone."""
    result: ExerciseProgramResult | None


class RunPage(Documented):
    """A page of runs, newest first."""

    next: str | None
    """The address of the next page."""
    previous: str | None
    results: list[Run]


class EventPage(Documented):
    """A page of a run's log, at most 500 events."""

    events: list[Annotated[dict[str, Any], WithJsonSchema({"allOf": [{"$ref": "#/components/schemas/Event"}]})]]
    last_seq: Count
    """The cursor for the next request."""
    done: bool
    """The log has ended, and this page reaches its end."""


class BatchState(Documented):
    """A batch as a whole."""

    counts: dict[Status, Ordinal]
    """How many of the rows are in each state; a state that none is in is left out."""
    progress: Percent
    """The mean of the rows, one that has ended counting as whole."""
    eta: Eta | None
    usage: Spent


class BatchEnded(Documented):
    id: Id
    kind: Kind
    status: Status
    counts: dict[Status, Ordinal]
    progress: Percent
    eta: Eta | None
    usage: Spent


class Batch(Documented):
    """A batch is what its rows are: `status` is theirs taken together."""

    id: Id
    kind: Kind
    status: Status
    counts: dict[Status, Ordinal]
    progress: Percent
    eta: Eta | None
    """Until the last row has ended, with as many at a time as `max_parallel` allows."""
    usage: Spent
    """Of every row that one may see, and of those that were started again or deleted."""
    runs: list[Run]
    """The run that counts for each row, in the order of the inputs: the latest one, when it was retried."""


class Ticket(Documented):
    """Goes into the address of one run's or one batch's stream or socket as `?ticket=`."""

    ticket: str
    expires_in: Count
    """Seconds in which it must be used for the first time."""


class ErrorBody(Documented):
    code: ErrorCode
    message: str
    """One sentence for a person."""
    fields: NotRequired[dict[str, Any]]
    """What is wrong with each field; of a batch, under `inputs` by the index of the row."""
    reason: NotRequired[str]
    """Why a program can't be changed so, as a code; `budget_spent` where work can't start because of it."""
    version: NotRequired[Ordinal]
    """The current version of the program that was changed meanwhile."""
    excluded_by: NotRequired[str]
    """What keeps an exercise out: a constraint's code, `phase`, `level`, `equipment` or `age`."""
    checks: NotRequired[list[str]]
    """The codes of the checks that found errors."""


class Error(Documented):
    """The one form of every refusal."""

    error: ErrorBody


class ExpiredBody(Documented):
    code: Literal["CURSOR_EXPIRED"]
    message: str
    snapshot: str
    """Where the run's snapshot is, since the events before it are gone."""


class CursorExpired(Documented):
    """The events behind the cursor are no longer kept."""

    error: ExpiredBody


class Health(Documented):
    """The process lives."""

    status: Literal["ok"]


class Checks(Documented):
    database: Part
    channel_layer: Part
    engine: Part
    model: ModelState
    """Makes nothing unready: `open` is a model server that is left alone because it kept failing."""


class Readiness(Documented):
    """Whether the server can do its work, and which part can't."""

    status: Part
    checks: Checks
