"""A batch as it changes: state, not a log (wire.md 1.1). A reconnect simply begins again."""

import asyncio
import contextlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.conf import settings

from generation import batches
from generation.consumers.stream import StreamConsumer
from generation.database import in_database
from generation.errors import HepError, NotFound
from generation.feed import HEARTBEAT_MARGIN, feed
from generation.models import Batch, Run
from generation.permissions import Identity
from generation.serializers import aggregates, batch_snapshot, child_snapshot
from generation.wire import refusal_frame

logger = structlog.get_logger(__name__)

# At most this often a second is the state of a batch looked at, and each run of it told.
LOOK_EVERY_S = 0.25
# A row that is started again is in no log that is followed yet.
LOOK_AT_LEAST_EVERY_S = 1.0


async def batch_for(identity: Identity, batch_id: str | uuid.UUID) -> Batch:
    """The batch of this id, if it exists for whoever asks. Raises NotFound."""
    batch = await in_database(lambda: batches.get_batch_for(identity.user, batch_id))
    if identity.only not in (None, batch.pk):
        raise NotFound
    return batch


@dataclass(frozen=True, slots=True)
class Message:
    """What is said of a batch, on one line, as a `Frame` says what happened to a run."""

    body: bytes


class BatchWatcher:
    """One reader of one batch. `batch()` gives the messages since the last call, as `feed.Watcher` gives frames.

    It follows the log of each live run, only to know when to look at the rows again.
    """

    def __init__(self, batch: Batch, identity: Identity) -> None:
        self.of = batch
        self.user = identity.user
        self.closed = self.at_end = False
        self.changed = asyncio.Event()
        self.looked_at = self.said_at = 0.0
        # By the key of a run: what was last told of it, and who follows its log.
        self.told: dict[int, tuple[Any, ...]] = {}
        self.following: dict[int, asyncio.Task[None]] = {}

    def close(self) -> None:
        self.closed = True
        self.changed.set()

    async def leave(self) -> None:
        self.close()
        tasks = list(self.following.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def batch(self) -> Sequence[Message] | None:
        """The messages since the last call; empty for a heartbeat; None once the batch has ended or was closed."""
        while not (self.closed or self.at_end or feed().draining):
            if self.looked_at:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_AT_LEAST_EVERY_S):
                        await self.changed.wait()
                await asyncio.sleep(self.looked_at + LOOK_EVERY_S - feed().loop.time())
            self.changed.clear()
            messages = await self.look()
            if messages or self.looked_at - self.said_at >= settings.HEARTBEAT_S * HEARTBEAT_MARGIN:
                self.said_at = self.looked_at
                return [Message(orjson.dumps(message)) for message in messages]
        return None

    async def look(self) -> list[dict[str, Any]]:
        first = not self.looked_at
        found, messages = await in_database(lambda: self.read(first))
        self.looked_at = feed().loop.time()
        for run in found:
            if run.live and run.pk not in self.following:
                self.following[run.pk] = asyncio.ensure_future(self.listen(run))
        return messages

    def read(self, first: bool) -> tuple[list[Run], list[dict[str, Any]]]:
        rows = batches.rows(self.of, self.user)
        found = list(rows if first else rows.defer("input", "result"))
        changed = [run for run in found if self.told.get(run.pk) != told_of(run)]
        self.told = {run.pk: told_of(run) for run in found}
        whole = aggregates(self.of, found, self.user)
        messages: list[dict[str, Any]]
        if first:
            messages = [{"event": "batch", "data": batch_snapshot(self.of, found, self.user)}]
        else:
            messages = [{"event": "run", "data": child_snapshot(run), "batch": whole} for run in changed]
        if not any(run.live for run in found):
            self.at_end = True
            ended = {"id": str(self.of.pk), "kind": self.of.kind, "status": batches.status_of(found)}
            messages.append({"event": "batch_complete", "data": ended | whole, "batch": whole})
        return found, messages

    async def listen(self, run: Run) -> None:
        try:
            async with await feed().follow(run, run.last_seq) as watcher:
                while await watcher.batch() is not None:
                    self.changed.set()
        except Exception as error:
            # The next look follows it again, if it lives.
            logger.warning("batch_not_followed", run=str(run.uid), error=type(error).__name__)
        finally:
            del self.following[run.pk]
            self.changed.set()


def told_of(run: Run) -> tuple[Any, ...]:
    """What makes a run's state another one; its estimate moves with the clock and alone is no news."""
    return run.status, run.stage, run.progress, run.attempt, run.last_seq


class StateDialect:
    async def frames(self, messages: Sequence[Message]) -> bytes:
        return b"".join([b"data: %b\n\n" % message.body for message in messages])

    def refusal(self, error: HepError) -> bytes:
        return refusal_frame(error)


class BatchStream(StreamConsumer):
    """`GET /api/batches/{id}/stream`."""

    takes_ticket = True
    dialect = StateDialect()

    async def serve(self) -> None:
        batch = await batch_for(self.identity, self.path_argument("batch_id"))
        watcher = BatchWatcher(batch, self.identity)
        try:
            await self.send_headers(headers=self.stream_headers())
            await self.stream(watcher, batch.pk)
        finally:
            await watcher.leave()
