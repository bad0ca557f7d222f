"""The time by which the next piece of a stream must be there."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any


class Deadline:
    """For one task that waits for many pieces, one after the other.

    `asyncio.timeout` would arm and disarm a timer for each of them, which costs more than all else that is done with a
    piece; here one timer follows along.
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self.task = task
        self.cancelling = task.cancelling()
        self.at = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self.waiting = False
        self.expired = False

    async def next(self, pieces: AsyncIterator[Any], at: float) -> Any:
        """The next piece. Raises StopAsyncIteration, and TimeoutError at the loop's time `at`."""
        self.at = at
        if self.timer is None or self.timer.when() > at:
            self.arm()
        self.waiting = True
        try:
            return await anext(pieces)
        except asyncio.CancelledError:
            # Somebody else may have cancelled the task in the same moment; that goes before.
            if self.expired and self.task.uncancel() <= self.cancelling:
                raise TimeoutError from None
            raise
        finally:
            self.waiting = False

    def arm(self) -> None:
        self.close()
        self.timer = self.loop.call_at(self.at, self.due)

    def due(self) -> None:
        self.timer = None
        if self.at > self.loop.time():
            self.arm()
        elif self.waiting:
            self.expired = True
            self.task.cancel()

    def close(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
