"""What a pipeline is, and the handle through which it works.

A pipeline is a coroutine `execute(run) -> result` in a module named after its kind. It knows no models,
no channels and no HTTP: everything that lasts goes through the `RunHandle`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from generation.providers.base import Chunk, Task

Announcement = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class StageSpec:
    """A stage's code, the percent the bar shows when it begins, and its words for a person by language."""

    code: str
    progress: int
    message: Mapping[str, str]


class RunHandle(Protocol):
    id: str
    input: Mapping[str, Any]
    language: str
    # Whether the composer may take over from a model that fails.
    may_fall_back: bool
    # How long a model's answer usually is.
    expected_tokens: int

    @property
    def engine(self) -> str:
        """Who writes: `composer` or `llm`, as the result's `engine_used` names them."""
        ...

    def emit(self, event: str, **data: Any) -> None:
        """Append an event of wire.md 1.2 to the run's log."""

    def progress(self, percent: float, message: str | None = None) -> None:
        """Move the bar within the current stage; never back, and at most four times a second."""

    def done(self, share: float) -> None:
        """Tell how much of the current stage's work is done, from 0 to 1, where it is counted: estimates go by it."""

    def say(self, message: str) -> None:
        """Tell the watchers what is being done now, without moving the bar."""

    def stage(self, spec: StageSpec) -> AbstractAsyncContextManager[dict[str, Any]]:
        """Enter a stage: its `progress` now, its `stage_complete` with the yielded facts when it ends.

        A stage that an earlier attempt completed is entered silently.
        """
        ...

    async def step(
        self,
        name: str,
        work: Callable[[], Awaitable[Any]],
        announce: Callable[[Any], Sequence[Announcement]] = lambda value: (),
    ) -> Any:
        """Do `work` once in the life of the run, whatever happens to its workers.

        Its JSON-able result is stored in the same transaction as the events that `announce(result)`
        lists; a later attempt gets the stored result back and announces nothing.
        """

    async def store(self, name: str, value: Any, *announcements: Announcement) -> None:
        """Keep `value` as a step of this name, with its events, without waiting for the database."""

    async def stored(self, name: str) -> Any:
        """The result that a step of this name left in an earlier attempt, else None."""

    def write(self, task: Task) -> AsyncIterator[Chunk]:
        """Ask the run's provider."""
        ...

    async def fall_back(self, warning: Mapping[str, Any]) -> None:
        """Let the composer write from here on, in later attempts too, and warn `{"code", "message"}`."""

    async def library(self) -> Sequence[Mapping[str, Any]]:
        """The reviewed exercises that the run's clinic may use, in the shape of domain.md 2.2."""
        ...

    async def keep(self, result: dict[str, Any]) -> dict[str, Any]:
        """Store what the kind keeps beside its result (program rows), once; return the result with their ids."""
        ...


class Pipeline(Protocol):
    """The shape of each module in this package."""

    KIND: str
    STAGES: tuple[StageSpec, ...]

    async def execute(self, run: RunHandle) -> dict[str, Any]: ...


def stage_codes(pipeline: Pipeline) -> tuple[str, ...]:
    return tuple(spec.code for spec in pipeline.STAGES)
