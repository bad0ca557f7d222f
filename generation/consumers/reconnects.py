"""Who came back to a run's stream, for its timeline: gathered for a moment, then stored together.

All readers come back at once when a server restarts, and none of them waits for this. What is gathered dies with the
process: a timeline then lacks a mark, and nobody an event.
"""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cache, partial
from typing import NamedTuple

import structlog
from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from generation.database import in_database
from generation.models import Reconnect, Run, User

logger = structlog.get_logger(__name__)

STORE_AFTER_S = 1.0
# Of one run, and gathered at a time: a client that comes back again and again tells nothing new.
MOST_OF_A_RUN, MOST_AT_ONCE = 100, 5_000


class Returned(NamedTuple):
    run_id: int
    user_id: uuid.UUID
    way: Reconnect.Way
    after: int
    at: datetime


class Reconnects:
    def __init__(self) -> None:
        self.gathered: list[Returned] = []
        self.storing: asyncio.Task[None] | None = None

    def note(self, run: Run, user: User, way: Reconnect.Way, after: int) -> None:
        """A reader follows a run past `after`; without a cursor, 0, nobody has come back."""
        if after <= 0 or len(self.gathered) >= MOST_AT_ONCE:
            return
        self.gathered.append(Returned(run.pk, user.pk, way, after, timezone.now()))
        if self.storing is None:
            self.storing = asyncio.ensure_future(self.store_soon())

    async def store_soon(self) -> None:
        while self.gathered:
            await asyncio.sleep(STORE_AFTER_S)
            gathered, self.gathered = self.gathered, []
            try:
                await in_database(partial(store, gathered))
            except Exception as error:
                logger.warning("reconnects_not_stored", error=type(error).__name__)
        self.storing = None


def store(gathered: Sequence[Returned]) -> None:
    """Those whose run and reader are still there, up to MOST_OF_A_RUN of each run, in one transaction."""
    with transaction.atomic():
        runs = Run.objects.filter(pk__in={each.run_id for each in gathered})
        held = dict(runs.annotate(held=Count("reconnects")).values_list("pk", "held"))
        readers = set(User.objects.filter(pk__in={each.user_id for each in gathered}).values_list("pk", flat=True))
        kept = []
        for each in gathered:
            if each.user_id in readers and held.get(each.run_id, MOST_OF_A_RUN) < MOST_OF_A_RUN:
                held[each.run_id] += 1
                kept.append(Reconnect(**each._asdict()))
        Reconnect.objects.bulk_create(kept)


@cache
def reconnects() -> Reconnects:
    return Reconnects()
