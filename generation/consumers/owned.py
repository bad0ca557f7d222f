"""Owned streams: closing the request cancels its run, after a grace in which the client may come back.

Only a client that left counts. A stream that the server ended (shutdown, a slow reader cut off) leaves its run
alone, and so does a crash, since what is remembered here dies with the process.
"""

import asyncio
from collections import Counter
from functools import cache

import structlog
from django.conf import settings

from generation import runs
from generation.database import in_database
from generation.errors import HepError
from generation.feed import feed
from generation.models import Run, User

logger = structlog.get_logger(__name__)


class Owned:
    def __init__(self) -> None:
        self.attached: Counter[int] = Counter()
        self.cancelling: set[asyncio.Task[None]] = set()

    def attach(self, run_pk: int) -> None:
        self.attached[run_pk] += 1

    def detach(self, run: Run, user: User, gone: bool) -> None:
        self.attached[run.pk] -= 1
        if not self.attached[run.pk]:
            del self.attached[run.pk]
        if gone:
            asyncio.get_running_loop().call_later(settings.OWNED_STREAM_GRACE_S, self.expire, run, user)

    def expire(self, run: Run, user: User) -> None:
        if run.pk not in self.attached and not feed().draining:
            task = asyncio.ensure_future(self.cancel(run, user))
            self.cancelling.add(task)
            task.add_done_callback(self.cancelling.discard)

    async def cancel(self, run: Run, user: User) -> None:
        try:
            await in_database(lambda: runs.cancel(user, run.uid, reason="disconnected"))
        except HepError:
            logger.info("owned_run_had_ended", run=str(run.uid))


@cache
def owned() -> Owned:
    return Owned()
