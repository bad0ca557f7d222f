"""How much better the estimate of a live run is for what is known of its course: tokens and exercises so far.

    python -m tests.bench.live_estimates [runs] [trace]

The real engine and SQLite, against a model server in a process of its own that writes whole programs at the speeds
and lengths of the trace's rows, in their order, FASTER times as fast. What the product times by the clock is as much
faster. After WARM_UP runs each estimate that a run shows is kept, with what the same outlook would have said at that
moment knowing less. Prints errors of the medians in seconds of the trace, at the moments nearest to parts of a run's
own time.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean, median
from typing import Any

from tests.support.trace_server import BYTES_PER_TOKEN, rows_of

FASTER = 10
WARM_UP, AT_ONCE = 150, 6
PARTS = (0.25, 0.5, 0.75)
RUNS = int(sys.argv[1]) if len(sys.argv) > 1 else 300
TRACE = Path(sys.argv[2] if len(sys.argv) > 2 else "../shared/data/stage_trace.csv")
ROWS = rows_of(TRACE)[: WARM_UP + RUNS]
folder = tempfile.TemporaryDirectory()
served = [sys.executable, "-m", "tests.support.trace_server", str(TRACE), str(FASTER)]
server = subprocess.Popen(served, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert server.stdin is not None
assert server.stdout is not None
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "hepcompanion.settings",
    "DATABASE_URL": f"sqlite:///{Path(folder.name) / 'bench.sqlite3'}",
    "OPENAI_BASE_URL": server.stdout.readline().strip(),
    "OPENAI_MODEL": ROWS[0].writer,
    "MAX_ACTIVE_RUNS_PER_USER": "1000",
    "MAX_STARTS_PER_MINUTE": "100000",
    "LOG_LEVEL": "ERROR",
}

import django

django.setup()

from django.core.management import call_command

from generation import handle, runner, runs
from generation.database import in_database
from generation.executors import executor, inprocess
from generation.handle import Handle
from generation.models import Event, ModelCall, Run, User
from generation.providers.model import ModelWriter
from metrics import estimator
from metrics.estimator import Estimate, Mark, Outlook
from tests.bench.compose import CASES

# Of at most 5 exercises, of 6 and of 8.
ASKED = (
    *CASES,
    ("60 yo woman, right total hip replacement 6 weeks ago, walks with a stick, pain 2/10", "en"),
    ("28 yo footballer, ankle sprain 10 weeks ago, left, pain 1/10, full weight bearing, back to sport", "en"),
    ("19 yo runner, patellofemoral pain 4 months, right, pain 2/10, wants to run 10 km, has a step and band", "en"),
    ("25 yo handball player, ACL reconstruction 7 months ago, left, no swelling, wants to return to handball", "en"),
)
# What each way of estimating knows beside the stage, its time, the size of the request and earlier stages.
WAYS: Mapping[str, tuple[str, ...]] = {
    "time only": (),
    "tokens": ("tokens", "first_ms"),
    "live": ("tokens", "first_ms", "mark"),
}


@dataclass
class Moment:
    """An estimate that was shown. Milliseconds since 1970; `elapsed_ms` is of the stage."""

    at_ms: float
    stage: str
    elapsed_ms: float
    facts: dict[str, Any]
    look: Outlook

    def by(self, names: tuple[str, ...]) -> Estimate | None:
        facts = {name: self.facts[name] for name in ("size", "asked_ms", *names) if name in self.facts}
        if "mark" in facts:
            facts["mark"] = Mark(*facts["mark"])
        return self.look.remaining(self.stage, self.elapsed_ms, **facts)


@dataclass
class Watched:
    moments: list[Moment] = field(default_factory=list)
    ended_ms: float = 0.0
    calls: int = 0

    @property
    def began_ms(self) -> float:
        return self.moments[0].at_ms

    @property
    def total_ms(self) -> float:
        return self.ended_ms - self.began_ms

    def at(self, part: float) -> Moment:
        wanted = self.began_ms + part * self.total_ms
        return min(self.moments, key=lambda moment: abs(moment.at_ms - wanted))


watched: dict[str, Watched] = {}


class WatchedHandle(Handle):
    def eta(self) -> dict[str, Any] | None:
        assert self.current is not None
        seen = watched.setdefault(self.id, Watched())
        facts = self.course.facts()
        moment = Moment(time.time() * 1000, self.current.code, self.course.elapsed_ms(), facts, self.outlook)
        seen.moments.append(moment)
        return super().eta()


async def one(owner: User, place: int) -> str:
    """A run from its beginning to its end: its id."""
    prompt, language = ASKED[place % len(ASKED)]
    given = {"prompt": prompt, "language": language}
    run = await in_database(lambda: runs.start(owner, "exercise_program", given))
    while (attempt := executor().attempts.get(run.pk)) is None or attempt.task is None:  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    await asyncio.wait([attempt.task])
    return str(run.uid)


async def main() -> list[Watched]:
    owner = await in_database(lambda: User.objects.create_user("bench", password="bench-bench"))
    writers = deque(row.writer for row in ROWS)
    runner.choose = lambda engine, kind: ModelWriter(writers.popleft())
    runner.Handle = WatchedHandle
    for name in ("PROGRESS_EVERY_S", "RESTING_EVERY_S"):
        setattr(handle, name, getattr(handle, name, 1.0) / FASTER)
    inprocess.LEARN_EVERY_S /= FASTER
    estimator.REMEMBER_S /= FASTER
    await executor().start()
    places, order = iter(range(len(ROWS))), []

    async def work() -> None:
        for place in places:
            order.append((place, await one(owner, place)))

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    await executor().drain()
    await in_database(settle)
    return [watched[uid] for place, uid in sorted(order) if place >= WARM_UP]


def settle() -> None:
    for run in Run.objects.all():
        seen = watched[str(run.uid)]
        last = Event.objects.filter(run=run.pk).latest("seq")
        seen.ended_ms = float(last.ts_ms) if last.name == "complete" else 0.0
        seen.calls = ModelCall.objects.filter(run_uid=run.uid).count()


def error(seen: list[Watched], part: float, ask: Callable[[Moment], Estimate | None]) -> tuple[float, int]:
    """The mean absolute error of the medians in seconds of the trace, and how often nothing was said."""
    pairs = [(ask(moment), each.ended_ms - moment.at_ms) for each in seen for moment in [each.at(part)]]
    errors = [abs(found.ms - true_ms) for found, true_ms in pairs if found is not None]
    return mean(errors) * FASTER / 1000, len(pairs) - len(errors)


def report(seen: list[Watched]) -> None:
    whole = [each for each in seen if each.ended_ms and each.calls == 1]
    total = median(each.total_ms for each in whole)
    print(f"{len(whole)} runs, {len(seen) - len(whole)} left out (mended or failed); one took {total:.0f} ms by median")
    print(f"times of the trace / {FASTER}, its tokens as they are, {BYTES_PER_TOKEN} bytes each")
    for part in PARTS:
        off = [abs(each.at(part).at_ms - each.began_ms - part * each.total_ms) / each.total_ms for each in whole]
        held = [
            found.low_ms <= each.ended_ms - moment.at_ms <= found.high_ms
            for each in whole
            for moment in [each.at(part)]
            if (found := moment.by(WAYS["live"])) is not None
        ]
        print(f"at {part:.0%}: off by {mean(off):.1%} of the run, 80 % range held {mean(held):.1%}")
        only, _ = error(whole, part, lambda moment: moment.by(()))
        for name, known in WAYS.items():
            found, silent = error(whole, part, lambda moment, known=known: moment.by(known))  # type: ignore[misc]
            print(f"    {name:10} error {found:6.2f} s   {found / only:5.3f} of time only   nothing said {silent}")


if __name__ == "__main__":
    try:
        call_command("migrate", verbosity=0)
        call_command("load_library", verbosity=0)
        report(asyncio.run(main()))
    finally:
        server.stdin.close()
        server.wait()
        folder.cleanup()
