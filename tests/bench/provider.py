"""What our way through a model's answer costs over reading the same stream with the vendor's package alone.

    python -m tests.bench.provider [rounds] [ways]

50 answers at a time, 40 tokens a second each, from a server in a process of its own; they begin one after the other
within the time that one takes, as people do. Four ways, in turn in each round: `raw` reads every event of the package's
stream; `provider` is `ModelWriter.write`; `draft` reads the case, asks, and checks each exercise; `run` is whole runs
with the engine, the log and SQLite. Prints CPU ms of this process per answer, the time from the request to the first
whole exercise, and both against `raw`: medians over the rounds.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from statistics import median

SERVE = """
import sys
from tests.support.model_server import ModelServer
with ModelServer() as server:
    print(server.base_url, flush=True)
    sys.stdin.read()
"""
AT_ONCE, APART_S = 50, 0.09
MODEL = "good-at-40"
folder = tempfile.TemporaryDirectory()
server = subprocess.Popen([sys.executable, "-c", SERVE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
assert server.stdout is not None
os.environ |= {
    "DJANGO_SETTINGS_MODULE": "hepcompanion.settings",
    "DATABASE_URL": f"sqlite:///{Path(folder.name) / 'bench.sqlite3'}",
    "OPENAI_BASE_URL": server.stdout.readline().strip(),
    "OPENAI_MODEL": MODEL,
    "MAX_ACTIVE_RUNS_PER_USER": "1000",
    "MAX_STARTS_PER_MINUTE": "10000",
    "LOG_LEVEL": "ERROR",
}

import django

django.setup()

from django.core.management import call_command

from generation import runs
from generation.clinical import library
from generation.database import in_database
from generation.executors import executor
from generation.models import Event, ModelCall, Run, User
from generation.models.runs import LIVE
from generation.pipelines import exercise_program
from generation.providers.dialect import Dialect
from generation.providers.model import ModelWriter
from generation.providers.openai_sdk import request, server_here
from generation.providers.whole import WholeObjects
from tests.bench.compose import CASES
from tests.generation.pipelines.handle import MemoryRun

CASE, LANGUAGE = CASES[0]
Way = Callable[[], Awaitable[list[float]]]


def task():
    return exercise_program.preview({"prompt": CASE}, LANGUAGE, library.load().exercises)


async def raw() -> list[float]:
    server = await server_here()
    asked = task()

    async def one(place: int) -> float:
        await asyncio.sleep(place * APART_S)
        began, seen = time.perf_counter(), []
        stream = await server.completions.create(**request(MODEL, asked, Dialect()))
        async for event in stream:
            if event.choices and event.choices[0].delta.content:
                seen.append((time.perf_counter(), event.choices[0].delta.content))
        spent = time.process_time()
        first = whole_at(seen) - began
        # Finding the moment is the measurement's own work.
        raw.own += time.process_time() - spent
        return first

    raw.own = 0.0
    return await asyncio.gather(*(one(place) for place in range(AT_ONCE)))


def whole_at(seen: list[tuple[float, str]]) -> float:
    whole = WholeObjects()
    return next(at for at, text in seen if list(whole.feed(text)))


async def provider() -> list[float]:
    asked = task()

    async def one(place: int) -> float:
        await asyncio.sleep(place * APART_S)
        began, first = time.perf_counter(), 0.0
        async with aclosing(ModelWriter(MODEL).write(asked)) as chunks:
            async for chunk in chunks:
                if chunk.path and not first:
                    first = time.perf_counter() - began
        return first

    return await asyncio.gather(*(one(place) for place in range(AT_ONCE)))


class Timed(MemoryRun):
    first = 0.0

    async def store(self, name, value, *announcements) -> None:
        if announcements and not self.first:
            self.first = time.perf_counter()
        await super().store(name, value, *announcements)

    async def write(self, task) -> AsyncIterator:
        self.began = time.perf_counter()
        async with aclosing(super().write(task)) as chunks:
            async for chunk in chunks:
                yield chunk


async def draft() -> list[float]:
    async def one(place: int) -> float:
        await asyncio.sleep(place * APART_S)
        run = Timed(CASE, LANGUAGE, ModelWriter(MODEL))
        await exercise_program.execute(run)
        return run.first - run.began

    return await asyncio.gather(*(one(place) for place in range(AT_ONCE)))


async def run() -> list[float]:
    def start() -> int:
        return runs.start(User.objects.get(username="bench"), "exercise_program", {"prompt": CASE}).pk

    started = []
    for _ in range(AT_ONCE):
        started.append(await in_database(start))
        await asyncio.sleep(APART_S)
    while await in_database(lambda: Run.objects.filter(pk__in=started, status__in=LIVE).exists()):  # noqa: ASYNC110
        await asyncio.sleep(0.2)

    def firsts() -> list[float]:
        # Of each name the first one, which comes last here.
        named = {pk: Event.objects.filter(run=pk).order_by("-seq").values_list("name", "ts_ms") for pk in started}
        events = {pk: dict(rows) for pk, rows in named.items()}
        asked = {call.run_uid: call.began_at for call in ModelCall.objects.all()}
        began = {run.pk: asked[run.uid].timestamp() for run in Run.objects.filter(pk__in=started)}
        return [events[pk]["item"] / 1000 - began[pk] for pk in started]

    return await in_database(firsts)


async def main(rounds: int, named: list[str]) -> None:
    ways: dict[str, Way] = {"raw": raw, "provider": provider, "draft": draft, "run": run}
    ways = {name: way for name, way in ways.items() if name == "raw" or not named or name in named}
    await in_database(lambda: User.objects.create_user("bench", password="bench-bench"))
    await executor().start()
    for way in ways.values():
        await way()
    cpu: dict[str, list[float]] = {name: [] for name in ways}
    first: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            before = time.process_time()
            first[name].append(median(await way()) * 1000)
            spent = time.process_time() - before - (raw.own if name == "raw" else 0)
            cpu[name].append(spent * 1000 / AT_ONCE)
    for name in ways:
        more = median(mine / its for mine, its in zip(cpu[name], cpu["raw"], strict=True))
        later = median(mine - its for mine, its in zip(first[name], first["raw"], strict=True))
        print(
            f"{name:9} CPU {median(cpu[name]):6.1f} ms an answer ({more:4.2f} of raw)   "
            f"first exercise {median(first[name]):6.0f} ms ({later:+.1f} ms)"
        )
    await executor().drain()


if __name__ == "__main__":
    try:
        call_command("migrate", verbosity=0)
        call_command("load_library", verbosity=0)
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, sys.argv[2:]))
    finally:
        server.stdin.close()
        server.wait()
        folder.cleanup()
