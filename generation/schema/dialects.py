"""What the endpoints for existing clients answer with: wire.md 2."""

from typing import Any, Literal, NotRequired

from generation.event_types import Documented, Milliseconds, Percent
from generation.schema.results import ExerciseProgramResult


class ClassicErrorBody(Documented):
    code: Literal[
        "AUTHENTICATION_ERROR",
        "VALIDATION_ERROR",
        "PERMISSION_DENIED",
        "IDEMPOTENCY_CONFLICT",
        "RATE_LIMITED",
        "TOO_MANY_RUNS",
        "CANCELLED",
        "OPENAI_API_ERROR",
        "SERVER_ERROR",
    ]
    message: str
    fields: NotRequired[dict[str, Any]]


class ClassicError(Documented):
    """A refusal, or what the run ended in, in the words of this dialect."""

    error: ClassicErrorBody


class StageFrame(Documented):
    """How far the run is; with `error`, why it ended there."""

    stage: Literal["started", "fetching-exercises", "generating", "validating", "storing", "complete"]
    message: str
    progress: Percent
    estimatedTimeRemaining: Milliseconds | None
    """0 at `complete`, null where nothing can be said."""
    error: NotRequired[
        Literal[
            "AUTHENTICATION_ERROR",
            "VALIDATION_ERROR",
            "PERMISSION_DENIED",
            "RATE_LIMITED",
            "TOO_MANY_RUNS",
            "CANCELLED",
            "OPENAI_API_ERROR",
            "SERVER_ERROR",
        ]
    ]
    fields: NotRequired[dict[str, Any]]


class ResultFrame(Documented):
    """The last frame of a run that succeeded, after the stage `complete`."""

    type: Literal["result"]
    data: ExerciseProgramResult


DIALECT_SHAPES: tuple[type[Any], ...] = (ClassicError, StageFrame, ResultFrame)
