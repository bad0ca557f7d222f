"""A run's log on a terminal."""

import uuid
from typing import Any

from django.core.management.base import OutputWrapper

from generation.database import in_database
from generation.feed import feed
from generation.models import Run, User


def operator() -> User:
    """Whoever may run commands on the server may see and steer every run."""
    return User(id=uuid.UUID(int=0), username="operator", is_staff=True)


def line(envelope: dict[str, Any]) -> str:
    """One event in words."""
    data = envelope["data"]
    match envelope["event"]:
        case "progress":
            return f"{data['progress']:5.0f} %  {data['message']}"
        case "item":
            value = data["value"]
            return f"         {data['index'] + 1}. {value['name']}: {value['dose_text']}"
        case "warning" | "error":
            return f"         {data['message']}"
        case name:
            return f"         {name}"


async def print_log(run: Run, out: OutputWrapper, after: int = 0) -> None:
    """Print the log until it ends."""
    async with await feed().follow(run, after) as watcher:
        while (frames := await watcher.batch()) is not None:
            for frame in frames:
                out.write(f"{frame.seq:4d} {line(frame.envelope)}")
            out.flush()
    await in_database(run.refresh_from_db)
