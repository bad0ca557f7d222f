"""What an executor is: whatever takes queued runs and sees to it that they end."""

import uuid
from typing import Any, Protocol

from generation.models import Run


class Executor(Protocol):
    # The holder of the leases of the runs in hand.
    id: uuid.UUID

    async def start(self) -> None:
        """Begin taking runs, those left over by an earlier process first. Raises AlreadyRunning."""

    async def drain(self) -> None:
        """Stop taking runs, and give back the leases of those in hand."""

    def submit(self, run_pk: int) -> None:
        """Say, from any thread, that a run was queued. Losing this call costs a second."""

    def look(self) -> None:
        """Say, from any thread, that runs wait whose turns are the executor's to give: those of a batch."""

    def cancel(self, run: Run) -> None:
        """Say, from any thread, that a run was asked to cancel, or was cancelled while it was queued."""

    def pause(self, run: Run, by: str) -> None:
        """Say, from any thread, that this person wants a run paused, or with no name that nobody does any more."""

    def tell(self, run: Run) -> None:
        """Say, from any thread, that somebody else than a worker has appended to the run's log."""

    def health(self) -> dict[str, Any]:
        """What an operator wants to know: whether it runs, and how many runs it holds."""
        ...


class AlreadyRunning(RuntimeError):
    """Another process executes the runs of this SQLite file."""
