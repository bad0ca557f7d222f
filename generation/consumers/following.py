"""What one socket shows: the runs and batches it follows, each read by a task of its own."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Iterable

import structlog

from generation.consumers.batch import BatchWatcher
from generation.consumers.reconnects import reconnects
from generation.feed import feed
from generation.models import Batch, Reconnect, Run
from generation.permissions import Identity
from generation.watcher import Watcher

logger = structlog.get_logger(__name__)


class Following:
    """By the id of a run or batch: the watcher that is read, and the task that reads it.

    `say` sends a line and returns False once nothing more can be sent; `failed` is called when a reading breaks off,
    `ended` with the id of what was told to its end.
    """

    def __init__(
        self,
        say: Callable[[str], Awaitable[bool]],
        failed: Callable[[], Awaitable[None]],
        ended: Callable[[str], Awaitable[None]],
    ) -> None:
        self.say, self.failed, self.ended = say, failed, ended
        self.read: dict[str, tuple[Watcher | BatchWatcher, asyncio.Task[None]]] = {}
        self.tasks: set[asyncio.Task[None]] = set()

    def __contains__(self, followed: str) -> bool:
        return followed in self.read

    def ids(self) -> Iterable[uuid.UUID]:
        return map(uuid.UUID, self.read)

    def is_batch(self, followed: str) -> bool:
        watcher, _ = self.read.get(followed, (None, None))
        return isinstance(watcher, BatchWatcher)

    async def run(self, run: Run, after: int, identity: Identity) -> None:
        """Follow a run from `after`; one that is followed already just moves its cursor. Raises CursorExpired."""
        watcher = await feed().follow(run, after)
        try:
            await watcher.require_kept()
            if str(run.uid) not in self:
                reconnects().note(run, identity.user, Reconnect.Way.SOCKET, after)
            await self.stop(str(run.uid))
        except BaseException:
            await watcher.leave()
            raise
        self.begin(str(run.uid), watcher)

    async def batch(self, batch: Batch, identity: Identity) -> None:
        """Follow a batch; one that is followed already begins again."""
        await self.stop(str(batch.pk))
        self.begin(str(batch.pk), BatchWatcher(batch, identity))

    def begin(self, followed: str, watcher: Watcher | BatchWatcher) -> None:
        reading = asyncio.ensure_future(self.pump(followed, watcher))
        self.tasks.add(reading)
        reading.add_done_callback(self.tasks.discard)
        self.read[followed] = (watcher, reading)

    async def stop(self, followed: str) -> None:
        """Stop following, and wait until the last frame in hand is sent: what comes next comes after it."""
        if followed in self.read:
            watcher, reading = self.read.pop(followed)
            watcher.close()
            try:
                await asyncio.wait([reading])
            finally:
                await watcher.leave()

    async def stop_all(self) -> None:
        """Stop at once, whatever is in hand."""
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        # Not left to the tasks: one that was cancelled before its first step has entered nothing.
        for watcher, _ in list(self.read.values()):
            await watcher.leave()

    async def pump(self, followed: str, watcher: Watcher | BatchWatcher) -> None:
        try:
            while (frames := await watcher.batch()) is not None:
                for frame in frames:
                    if watcher.closed or not await self.say(frame.body.decode()):
                        return
        except Exception as error:
            logger.error("socket_failed", error=type(error).__name__, followed=followed)
            await self.failed()
            return
        # Not when it was closed: whoever closed it waits for us, and may hold what `ended` waits for.
        if watcher.at_end and not watcher.closed:
            self.read.pop(followed, None)
            await watcher.leave()
            await self.ended(followed)
