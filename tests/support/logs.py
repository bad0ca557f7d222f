"""Logs that no engine has written: as long as a test wants, of runs that have ended."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.servers import Server

WRITE = """
from generation import events
from generation.models import Run, User

owner = User.objects.get(username="alice")
for _ in range({runs}):
    run = Run.objects.create(kind="exercise_program", owner=owner, input={{}}, status="succeeded", epoch=1)
    lines = [("progress", {{"stage": "started", "message": "x" * {size}, "progress": 5}})] * ({events} - 1)
    events.append_unheld(run, *lines, ("complete", {{}}))
    run.save(update_fields=["last_seq"])
    print("run", run.uid)
"""


def ended_runs(server: "Server", runs: int = 1, events: int = 2, size: int = 0) -> list[str]:
    """The ids of runs of Alice's whose logs hold this many events with `size` characters each."""
    done = server.manage("shell", "-c", WRITE.format(runs=runs, events=events, size=size))
    assert done.returncode == 0, done.stderr[-2000:]
    return [line.removeprefix("run ") for line in done.stdout.splitlines() if line.startswith("run ")]
