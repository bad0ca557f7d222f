"""From a log to what the run and its stages were doing: one walk through the events, in order.

The log does not say when a worker was lost, only when the next one resumed. So an attempt that was lost ends here with
its last event, its last sign of life; from there to the `resumed` nobody held the run, as far as anybody can know.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from generation.errors import WorkerLost
from generation.timeline.lanes import Span, State
from generation.timeline.log import Entry
from generation.wire import TERMINAL
from metrics.models import GenerationMetric

# Events of one transaction are this close; those of a worker that says it stops and then has stopped are not always.
TOGETHER_MS = 5
# How the stage that was open ended, by the terminal event.
ENDS = {"complete": State.SUCCEEDED, "error": State.FAILED, "cancelled": State.CANCELLED}
# What metrics say of a stage that the log shows as broken off.
KEPT = {
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "cancelled": State.CANCELLED,
    "paused": State.PAUSED,
    "lost": State.LOST,
}
Metrics = Mapping[tuple[int, str], GenerationMetric]


@dataclass(slots=True)
class Walk:
    """`metrics` are the run's rows by attempt and stage; times in the log count from `zero_ms`."""

    zero_ms: int
    metrics: Metrics
    run: list[Span] = field(default_factory=list)
    stages: dict[str, list[Span]] = field(default_factory=dict)
    attempt: int = 1
    state: State | None = State.QUEUED
    since_ms: int = 0
    # The time of the last event that a worker wrote in this attempt.
    alive_ms: int = 0
    stage: str = ""
    stage_since_ms: int = 0

    def through(self, entries: Sequence[Entry]) -> None:
        for number, entry in enumerate(entries):
            at_ms = entry.at_ms - self.zero_ms
            following = entries[number + 1] if number + 1 < len(entries) else None
            match entry.name:
                case "queued":
                    pass
                case "resumed":
                    self.resumed(at_ms, int(entry.facts.get("attempt", self.attempt + 1)))
                case "paused":
                    self.stop(at_ms, State.PAUSED)
                    self.become(State.PAUSED, at_ms)
                case "cancelling":
                    at_once = following is not None and following.at_ms - entry.at_ms <= TOGETHER_MS
                    if not (at_once and self.was_lost()):
                        self.become(State.CANCELLING, at_ms)
                case name if name in TERMINAL:
                    self.end(at_ms, entry)
                case _:
                    self.worked(at_ms, entry)

    def resumed(self, at_ms: int, attempt: int) -> None:
        if self.state == State.PAUSED:
            self.become(State.QUEUED, at_ms)
        else:
            self.lose()
            self.become(State.WORKING, at_ms)
            self.alive_ms = at_ms
        self.attempt = attempt

    def worked(self, at_ms: int, entry: Entry) -> None:
        """A worker wrote this; so one has the run."""
        if self.state in (State.QUEUED, State.PAUSED):
            self.become(State.WORKING, at_ms)
        self.alive_ms = at_ms
        stage = str(entry.facts.get("stage", ""))
        if entry.name == "progress" and stage != self.stage:
            self.close_stage(State.CUT, at_ms)
            self.stage, self.stage_since_ms = stage, at_ms
            self.stages.setdefault(stage, [])
        elif entry.name == "stage_complete":
            took_ms = entry.facts.get("duration_ms")
            began_ms = self.stage_since_ms if stage == self.stage else at_ms - (took_ms or 0)
            done = Span(State.SUCCEEDED, began_ms, at_ms, self.attempt, took_ms)
            self.stages.setdefault(stage, []).append(done)
            self.stage = ""

    def end(self, at_ms: int, entry: Entry) -> None:
        if entry.facts.get("code") == WorkerLost.code:
            self.lose()
        else:
            self.stop(at_ms, ENDS[entry.name])
        self.become(None, at_ms)

    def until(self, now_ms: int, held: bool) -> None:
        """The log goes on: what is open lasts until now; `held` says whether a worker has the run."""
        if self.state in (State.WORKING, State.CANCELLING) and not held:
            self.lose()
        self.close_stage(State.RUNNING, now_ms, going_on=True)
        if self.state is not None:
            self.run.append(Span(self.state, self.since_ms, max(self.since_ms, now_ms), self.worker(), going_on=True))

    def stop(self, at_ms: int, state: State) -> None:
        """The attempt has ended; by its worker, or by whoever found that the worker was gone."""
        if self.was_lost() and self.state == State.WORKING:
            self.lose()
        else:
            self.close_stage(state, at_ms)

    def lose(self) -> None:
        """No worker has had the run since the attempt's last sign of life."""
        if self.state in (State.WORKING, State.CANCELLING):
            self.close_stage(State.CUT, self.alive_ms)
            self.become(State.UNHELD, max(self.since_ms, self.alive_ms))

    def become(self, state: State | None, at_ms: int) -> None:
        if self.state is not None and (at_ms > self.since_ms or self.state == State.WORKING):
            self.run.append(Span(self.state, self.since_ms, at_ms, self.worker()))
        self.state, self.since_ms = state, at_ms

    def close_stage(self, state: State, at_ms: int, *, going_on: bool = False) -> None:
        if not self.stage:
            return
        kept = None if going_on else self.metrics.get((self.attempt, self.stage))
        # The time of a lost stage was measured until somebody noticed; the log knows better.
        measured = kept is not None and kept.outcome != GenerationMetric.Outcome.LOST
        self.stages[self.stage].append(
            Span(
                KEPT.get(kept.outcome, state) if kept else state,
                self.stage_since_ms,
                at_ms,
                self.attempt,
                kept.duration_ms if kept and measured else None,
                going_on,
            )
        )
        self.stage = ""

    def worker(self) -> int | None:
        """The attempt in which a worker has the run, if one has."""
        return self.attempt if self.state in (State.WORKING, State.CANCELLING) else None

    def was_lost(self) -> bool:
        lost = GenerationMetric.Outcome.LOST
        return any(metric.outcome == lost for (attempt, _), metric in self.metrics.items() if attempt == self.attempt)
