"""The one thing a pipeline holds: its run's log, steps, stages and provider."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from generation import overrides, programs, shelf
from generation.calls import Calls, Totals, expected_tokens
from generation.course import Course, remaining
from generation.database import in_database
from generation.errors import Paused
from generation.events import Change, Line, Log
from generation.models import ModelCall, Run, Step
from generation.models.runs import Status
from generation.pipelines.base import Announcement, StageSpec
from generation.providers import choose
from generation.providers.base import Chunk, Provider, Task, Wait
from generation.run_metrics import now_ms
from metrics.estimator import outlook
from metrics.recorder import record

# In-stage progress is written at most this often.
PROGRESS_EVERY_S = 0.25
# And this often while the bar rests: what is left goes on changing.
RESTING_EVERY_S = 1.0


class Handle:
    """Implements `pipelines.base.RunHandle` on the ORM and the log, for one attempt at one run."""

    def __init__(self, run: Run, log: Log, provider: Provider, stages: Sequence[str], steps: dict[str, Any]) -> None:
        self.run = run
        self.log = log
        self.provider = provider
        self.stages = stages
        self.steps = steps
        # Read once: what other runs took does not change within this one.
        self.outlook = outlook(run.kind, stages, provider.name, provider.model)
        self.calls = Calls(run, log)
        self.expected_tokens = 0 if provider.name == "composer" else expected_tokens(run.kind, provider.model)
        self.id = str(run.uid)
        self.input: Mapping[str, Any] = run.input
        self.language: str = run.language
        self.may_fall_back = run.engine == "auto"
        self.current: StageSpec | None = None
        self.stage_began = 0.0
        # Whose time the stage tells of, even if another takes over within it.
        self.stage_provider = provider
        # What the run had read, written and cost when its stage began.
        self.before = self.calls.totals()
        # Whether the stage is this attempt's to tell of, which one that an earlier attempt completed is not.
        self.timed = False
        # The stage that an earlier attempt has begun and, unless its step is stored, left unfinished.
        self.begun_before = run.stage
        # When this attempt was first heard, and when its first item was, in milliseconds since 1970.
        self.first_event_ms: int | None = None
        self.first_item_ms: int | None = None
        self.course = Course()
        self.course.by_rule = "fallback" in steps
        self.course.size = self.calls.size
        self.percent = run.progress
        self.progress_told = 0.0
        # Who wants the run paused at its next step border; empty when nobody does.
        self.pause_wanted_by = ""

    def emit(self, event: str, **data: Any) -> None:
        self.log.append(event, **data)
        if event == "item":
            self.first_item_ms = self.first_item_ms or now_ms()

    @property
    def engine(self) -> str:
        return "composer" if self.provider.name == "composer" else "llm"

    def say(self, message: str) -> None:
        self.progress_told = time.monotonic()
        self.log.append("progress", **self.progress_data(message))

    def progress(self, percent: float, message: str | None = None) -> None:
        now = time.monotonic()
        if now - self.progress_told < (PROGRESS_EVERY_S if percent > self.percent else RESTING_EVERY_S):
            return
        self.percent, self.progress_told = max(self.percent, percent), now
        assert self.current is not None
        line = Line("progress", self.progress_data(message or self.current.message[self.language]))
        self.log.append_with(self.updating_row(course=self.course.facts()), line)

    def done(self, share: float) -> None:
        if self.engine == "llm":
            self.course.mark(share)

    @asynccontextmanager
    async def stage(self, spec: StageSpec) -> AsyncIterator[dict[str, Any]]:
        await self.border()
        done = f"stage:{spec.code}" in self.steps
        facts: dict[str, Any] = {}
        self.current, self.stage_began, self.before = spec, time.monotonic(), self.calls.totals()
        self.stage_provider, self.timed = self.provider, not done
        self.course.begin()
        if not done:
            self.percent, self.progress_told = max(self.percent, spec.progress), self.stage_began
            line = Line("progress", self.progress_data(spec.message[self.language]))
            self.first_event_ms = self.first_event_ms or line.ts_ms
            began = datetime.fromtimestamp(line.ts_ms / 1000, UTC)
            self.log.append_with(self.updating_row(stage_started_at=began, course=self.course.facts()), line)
        yield facts
        if not done:
            duration_ms = self.stage_ms()
            line = Line("stage_complete", {"stage": spec.code, "duration_ms": duration_ms, "facts": facts})
            self.log.append_with(self.completing(spec.code, duration_ms, facts, line.ts_ms), line)
            if self.calls.totals()["output_tokens"] > self.before["output_tokens"]:
                self.course.asked_ms += duration_ms
        self.current = None

    async def step(
        self,
        name: str,
        work: Callable[[], Awaitable[Any]],
        announce: Callable[[Any], Sequence[Announcement]] = lambda value: (),
    ) -> Any:
        if name in self.steps:
            return self.steps[name]
        value = await work()
        lines = self.lines(announce(value))
        await self.log.commit(*lines, change=self.storing(name, value))
        self.steps[name] = value
        await self.border()
        return value

    async def store(self, name: str, value: Any, *announcements: Announcement) -> None:
        if name in self.steps:
            return
        lines = self.lines(announcements)
        self.log.append_with(self.storing(name, value), *lines)
        self.steps[name] = value
        await self.border()

    def lines(self, announcements: Sequence[Announcement]) -> list[Line]:
        lines = [Line(event, data) for event, data in announcements]
        if self.first_item_ms is None:
            self.first_item_ms = next((line.ts_ms for line in lines if line.name == "item"), None)
        return lines

    async def border(self) -> None:
        """A step border: here a run that somebody wants paused gives its lease back. Raises Paused."""
        if not self.pause_wanted_by:
            return
        # A pause ends the log of the attempt, and with it the chance to settle a call that is then closed.
        broken, lines, totals = self.calls.breaking(self.provider)
        paused = Line("paused", {"by": self.pause_wanted_by})
        pausing = self.pausing(self.recording("paused", paused.ts_ms, totals=totals))
        if await self.log.commit(*lines, paused, change=lambda seq: pausing(seq) and broken(seq)):
            self.calls.open = None
            raise Paused

    async def stored(self, name: str) -> Any:
        return self.steps.get(name)

    async def write(self, task: Task) -> AsyncIterator[Chunk]:
        provider, calls = self.provider, self.calls
        try:
            async with aclosing(provider.write(task)) as chunks:  # type: ignore[type-var]
                async for chunk in chunks:
                    if chunk.begins is not None:
                        await calls.begin(provider, task, chunk.begins)
                        self.course.size = calls.size
                    elif chunk.usage is not None:
                        calls.end(chunk.usage, ModelCall.Outcome.BROKEN if chunk.broken else None)
                    elif chunk.wait is not None:
                        # Whatever broke off is closed by now; nothing is open while it waits.
                        calls.settle(provider)
                        self.say(waiting_words(chunk.wait, self.language))
                    else:
                        calls.heard(chunk.text)
                        self.course.heard(chunk.text)
                        yield chunk
        finally:
            calls.close(provider)

    async def fall_back(self, warning: Mapping[str, Any]) -> None:
        await self.store("fallback", dict(warning), ("warning", dict(warning)))
        run, self.provider = self.run, choose("composer", self.run.kind)
        writer = self.provider
        self.outlook = await in_database(lambda: outlook(run.kind, self.stages, writer.name, writer.model))
        self.course.begin()
        self.course.by_rule = True
        self.log.append_with(self.updating_row(course=self.course.facts()))

    async def library(self) -> Sequence[Mapping[str, Any]]:
        return await in_database(lambda: shelf.library(self.run.clinic_id))

    async def keep(self, result: dict[str, Any]) -> dict[str, Any]:
        if "kept" in self.steps:
            kept: dict[str, Any] = self.steps["kept"]
            return kept
        kept = self.steps["kept"] = programs.identified(self.run, result)

        def change(seq: int) -> bool:
            programs.store(self.run, kept)
            overrides.record(self.run, kept)
            return self.storing("kept", kept)(seq)

        await self.log.commit(change=change)
        return kept

    def progress_data(self, message: str) -> dict[str, Any]:
        assert self.current is not None
        return {
            "stage": self.current.code,
            "message": message,
            "progress": round(self.percent, 1),
            "eta": self.eta(),
        }

    def eta(self) -> dict[str, Any] | None:
        """The estimate of what remains, from the stage that runs to the last one."""
        assert self.current is not None
        found = remaining(self.outlook, self.current.code, self.course.elapsed_ms(), self.course.facts())
        return found.data() if found else None

    def stage_ms(self) -> int:
        return round((time.monotonic() - self.stage_began) * 1000)

    def updating_row(self, **fields: Any) -> Change:
        """The row's stage and progress, changed in the transaction of the event that says so."""
        pk, stage, percent = self.run.pk, self.current.code if self.current else "", round(self.percent, 1)

        def change(seq: int) -> bool:
            Run.objects.filter(pk=pk).update(stage=stage, progress=percent, last_seq=seq, **fields)
            return True

        return change

    def pausing(self, record_stage: Callable[[], None]) -> Change:
        def change(seq: int) -> bool:
            wanted = Run.objects.filter(pk=self.run.pk, status=Status.RUNNING).exclude(pause_requested_by="")
            given = wanted.update(
                status=Status.PAUSED,
                holder=None,
                lease_until=None,
                pause_requested_by="",
                stage_started_at=None,
                last_seq=seq,
            )
            if given:
                record_stage()
            return given == 1

        return change

    def storing(self, name: str, value: Any) -> Change:
        def change(seq: int) -> bool:
            Step.objects.create(run_id=self.run.pk, name=name, epoch=self.log.epoch, result=value)
            return True

        return change

    def completing(self, stage: str, duration_ms: int, facts: Mapping[str, Any], ended_ms: int) -> Change:
        record_stage = self.recording("succeeded", ended_ms, duration_ms)

        def change(seq: int) -> bool:
            record_stage()
            return self.storing(f"stage:{stage}", dict(facts))(seq)

        return change

    def recording(
        self, outcome: str, ended_ms: int, duration_ms: int | None = None, totals: Totals | None = None
    ) -> Callable[[], None]:
        """What keeps the stage that runs in the metrics, as it is now, for the transaction in which it ends.

        Does nothing where no stage of this attempt runs. `totals` are the run's, where they are not yet those of its
        row; `ended_ms` is in milliseconds since 1970.
        """
        if self.current is None or not self.timed:
            return lambda: None
        totals = totals or self.calls.totals()
        read, written, cost = (
            totals[name] - self.before[name] for name in ("input_tokens", "output_tokens", "cost_usd")
        )
        return partial(
            record,
            run_id=self.run.uid,
            attempt=self.run.attempt,
            kind=self.run.kind,
            stage=self.current.code,
            duration_ms=self.stage_ms() if duration_ms is None else duration_ms,
            outcome=outcome,
            provider=self.stage_provider.name,
            model=self.stage_provider.model,
            user_id=self.run.owner_id,
            clinic_id=self.run.clinic_id,
            size=self.calls.size,
            input_tokens=int(read),
            output_tokens=int(written),
            asked_ms=self.course.asked_ms,
            # One in which the composer took over is no measure of either.
            whole=self.current.code != self.begun_before and self.provider is self.stage_provider,
            cost_usd=Decimal(cost),
            metadata=self.course.history(),
            ended_ms=ended_ms,
        )


def waiting_words(wait: Wait, language: str) -> str:
    seconds = max(1, round(wait.seconds))
    if language == "da":
        state = "har travlt" if wait.busy else "svigtede"
        return f"Modelserveren {state}, prøver igen om {seconds} s"
    return f"The model server {'is busy' if wait.busy else 'failed'}, trying again in {seconds} s"
