"""This project as a target of `shared/bench`: four routes over its own log and feed, encryption on.

    uvicorn --port {port} tests.bench.adapter:application      (in the project's root, PYTHONPATH with bench/peers)

Events go through `events.Log` into the database, from there as hints through the channel layer into the feed, and
out of the same consumers that serve real runs, less the sign-in.
"""

import os
import tempfile
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

os.environ["DATABASE_URL"] = f"sqlite:///{Path(tempfile.mkdtemp(prefix='hep-bench-')) / 'bench.sqlite3'}"
os.environ["DJANGO_SETTINGS_MODULE"] = "hepcompanion.settings"
os.environ["MAX_OPEN_STREAMS_PER_USER"] = "100000"
os.environ["STREAM_MAX_BYTES"] = os.environ.get("STREAM_MAX_BYTES", "100000000")

import django

django.setup()

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.management import call_command
from django.urls import path
from django.utils.timezone import now
from workload import emit_at_once, spawn, start_runs

from generation.consumers.base import HttpConsumer
from generation.consumers.socket import RunSocket
from generation.consumers.stream import RunStream
from generation.database import in_database
from generation.events import Log
from generation.executors import executor
from generation.models import Run, User
from generation.models.runs import Status
from generation.permissions import Credential, Identity
from hepcompanion.guard import Guard

ROWS = 6_000

call_command("migrate", verbosity=0)
owner = User.objects.create(username="bench", is_staff=True)
spare: list[Run] = []
named: dict[str, Run] = {}
logs: dict[str, Log] = {}


def more_rows() -> None:
    # Held by this process's executor, which therefore leaves them alone.
    held = {"status": Status.RUNNING, "epoch": 1, "holder": executor().id, "lease_until": now() + timedelta(days=1)}
    made = [Run(kind="exercise_program", owner=owner, input={}, **held) for _ in range(ROWS)]
    spare.extend(Run.objects.bulk_create(made))


more_rows()


async def a_run() -> Run:
    if not spare:
        await in_database(more_rows)
    return spare.pop()


async def run_named(name: str) -> Run:
    if name not in named:
        run = await a_run()
        named.setdefault(name, run)
    return named[name]


async def publish(name: str, event: dict[str, Any]) -> None:
    """An event of the workload as one of the log's; the last one is terminal."""
    log = logs.get(name)
    if log is None:
        run = await run_named(name)
        log = logs[name] = Log(run.pk, str(run.uid), 1, 0)
    log.append("complete" if event["last"] else "progress", **event)


class Open:
    """Lets everybody in: what is measured is the stream."""

    async def admit(self) -> None:
        self.identity = Identity(owner, Credential(None, "bench", None))


class Watch(Open, RunStream):
    async def serve(self) -> None:
        await self.follow(await run_named(self.path_argument("run")), 0)


class RunAtOnce(Open, RunStream):
    methods = ("POST", "GET")

    async def serve(self) -> None:
        name = uuid.uuid4().hex
        run = named[name] = await a_run()
        spawn(emit_at_once(name, publish, int(self.query("events") or 8)))
        await self.follow(run, 0)
        del named[name]
        logs.pop(name, None)


class Start(Open, HttpConsumer):
    methods = ("POST",)

    async def answer(self) -> None:
        start_runs(publish, {name: self.query(name) for name in ("runs", "hz", "seconds", "size") if self.query(name)})
        await self.respond(202, {})


class WatchSocket(Open, RunSocket):
    async def opened(self) -> None:
        run = await run_named(self.scope["url_route"]["kwargs"]["run"])
        self.run_id = str(run.uid)
        await self.following.run(run, 0)


application = Guard(
    ProtocolTypeRouter(
        {
            "http": URLRouter(
                [
                    path("watch/<str:run>", Watch.as_asgi()),
                    path("run", RunAtOnce.as_asgi()),
                    path("start", Start.as_asgi()),
                ]
            ),
            "websocket": URLRouter([path("ws/<str:run>", WatchSocket.as_asgi())]),
        }
    )
)
