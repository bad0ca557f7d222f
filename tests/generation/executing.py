"""Runs that are executed in this process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from generation import events, runs
from generation.database import in_database
from generation.executors import executor
from generation.models import Run
from generation.serializers import cleaned
from tests.generation.factories import CASE
from tests.support.waiting import eventually


@asynccontextmanager
async def executing() -> AsyncIterator[None]:
    """A process that executes runs, and is then shut down in order."""
    executor.cache_clear()
    await executor().start()
    try:
        yield
    finally:
        await executor().drain()


async def start(alice, **fields) -> Run:
    values = cleaned("exercise_program", {"prompt": CASE, **fields})
    return await in_database(lambda: runs.start(alice, "exercise_program", values))


async def log_of(run: Run) -> list[dict]:
    return [frame.envelope for frame in await in_database(lambda: events.read(run.pk, str(run.uid), 0))]


async def until(run: Run, *names: str) -> list[dict]:
    """The log, once one of these events is in it."""

    async def look() -> list[dict]:
        log = await log_of(run)
        return log if any(event["event"] in names for event in log) else []

    return await eventually(look)


async def status_of(run: Run) -> str:
    return (await in_database(lambda: Run.objects.only("status").get(pk=run.pk))).status


async def start_to_item(alice) -> Run:
    """A run whose first exercise is there; how long it goes on is for COMPOSER_PACE_S to say."""
    run = await start(alice)
    await until(run, "item")
    return run
