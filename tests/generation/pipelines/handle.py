"""A run without a database: the real handle's promises, kept in memory."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from generation.clinical import library
from generation.pipelines.base import Announcement, StageSpec
from generation.providers.base import Chunk, Provider, Task
from generation.providers.composer import Composer


class MemoryRun:
    """One run; `again()` is a later attempt on the same log and steps."""

    def __init__(self, prompt: str, language: str = "en", provider: Provider | None = None) -> None:
        self.id = "run-1"
        self.input: Mapping[str, Any] = {"prompt": prompt}
        self.language = language
        self.provider = provider or Composer()
        self.may_fall_back = False
        self.expected_tokens = 500
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.steps: dict[str, Any] = {}
        self.facts: dict[str, dict[str, Any]] = {}
        self.tasks: list[Task] = []
        self.percents: list[float] = []
        self.exercises: Sequence[Mapping[str, Any]] = library.load().exercises
        self.kept = 0

    def again(self) -> "MemoryRun":
        later = MemoryRun(self.input["prompt"], self.language)
        later.events, later.steps, later.facts = self.events, self.steps, self.facts
        return later

    @property
    def engine(self) -> str:
        return "composer" if isinstance(self.provider, Composer) else "llm"

    def emit(self, event: str, **data: Any) -> None:
        self.events.append((event, data))

    def done(self, share: float) -> None:
        assert 0 < share <= 1

    def progress(self, percent: float, message: str | None = None) -> None:
        self.percents.append(percent)

    def say(self, message: str) -> None:
        self.emit("progress", message=message)

    @asynccontextmanager
    async def stage(self, spec: StageSpec) -> AsyncIterator[dict[str, Any]]:
        silent = spec.code in self.facts
        facts: dict[str, Any] = {}
        if not silent:
            self.emit("progress", stage=spec.code, progress=spec.progress, message=spec.message[self.language])
            self.percents.append(spec.progress)
        yield facts
        if not silent:
            self.facts[spec.code] = facts
            self.emit("stage_complete", stage=spec.code, facts=facts)

    async def step(
        self,
        name: str,
        work: Callable[[], Awaitable[Any]],
        announce: Callable[[Any], Sequence[Announcement]] = lambda value: (),
    ) -> Any:
        if name not in self.steps:
            self.steps[name] = await work()
            self.events.extend(announce(self.steps[name]))
        return self.steps[name]

    async def store(self, name: str, value: Any, *announcements: Announcement) -> None:
        if name not in self.steps:
            self.steps[name] = value
            self.events.extend(announcements)

    async def stored(self, name: str) -> Any:
        return self.steps.get(name)

    async def write(self, task: Task) -> AsyncIterator[Chunk]:
        self.tasks.append(task)
        async with aclosing(self.provider.write(task)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def fall_back(self, warning: Mapping[str, Any]) -> None:
        await self.store("fallback", warning, ("warning", dict(warning)))
        self.provider = Composer()

    async def library(self) -> Sequence[Mapping[str, Any]]:
        return self.exercises

    async def keep(self, result: dict[str, Any]) -> dict[str, Any]:
        self.kept += 1
        if result["program"] is not None:
            result["program"]["id"] = "program-1"
        return result

    def named(self, event: str) -> list[dict[str, Any]]:
        return [data for name, data in self.events if name == event]
