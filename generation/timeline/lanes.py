"""What a timeline consists of: lanes with spans and marks, on one clock."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """What a span shows: of the run, of a stage, or of a call to a model. The drawing has a pattern for each."""

    # Of the run as a whole.
    QUEUED = "queued"
    WORKING = "working"
    UNHELD = "unheld"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    # Of a stage in one attempt.
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    CUT = "cut"
    RUNNING = "running"
    # Of a call to a model.
    ASKED = "asked"
    ANSWERED = "answered"
    BROKEN = "broken"
    RETRY = "retry"


# States in which nobody works on the run: the drawing may fold a long one.
IDLE = frozenset({State.QUEUED, State.UNHELD, State.PAUSED})


@dataclass(frozen=True, slots=True)
class Span:
    """Milliseconds since the timeline's beginning. `took_ms` is the duration as it was measured, where that is known
    better than the times of two events tell it; `going_on` when it had not ended at the last look."""

    state: State
    began_ms: int
    ended_ms: int
    attempt: int | None = None
    took_ms: int | None = None
    going_on: bool = False
    detail: str = ""

    @property
    def lasted_ms(self) -> int:
        return self.ended_ms - self.began_ms if self.took_ms is None else self.took_ms


@dataclass(frozen=True, slots=True)
class Mark:
    at_ms: int
    what: str


@dataclass(frozen=True, slots=True)
class Lane:
    """`code` is `run`, `stage`, `calls`, `items`, `warnings`, `cancel` or `reconnects`; `name` is for a person."""

    code: str
    name: str
    spans: Sequence[Span] = field(default=())
    marks: Sequence[Mark] = field(default=())


@dataclass(frozen=True, slots=True)
class Timeline:
    """`zero_ms` is the beginning, in milliseconds since 1970."""

    zero_ms: int
    length_ms: int
    lanes: Sequence[Lane]
    live: bool

    @property
    def idle(self) -> list[Span]:
        return [span for lane in self.lanes if lane.code == "run" for span in lane.spans if span.state in IDLE]
