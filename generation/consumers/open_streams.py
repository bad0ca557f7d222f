"""The streams that are open in this process: how many each person has, and whether they still may.

Access is looked at again every ACCESS_RECHECK_S: a stream outlives the end of its session, the withdrawal of its token
or a change of its reader's role by no more than that (reliability.md 2.5 allows 60 s).
"""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Protocol

import structlog
from django.conf import settings

from generation.batches import get_batch_for
from generation.database import in_database
from generation.errors import HepError, NotFound, NotSignedIn, RateLimited
from generation.permissions import Identity, identify
from generation.runs import visible_to

logger = structlog.get_logger(__name__)


class Stream(Protocol):
    """A connection that stays open: who opened it, and what it shows, by public id."""

    identity: Identity

    def shows(self) -> Iterable[uuid.UUID]: ...

    def lose(self, shown: uuid.UUID | None, error: HepError) -> None:
        """Stop showing this run or batch, or with None anything at all, for the reason in the error."""


class OpenStreams:
    def __init__(self) -> None:
        self.of: defaultdict[uuid.UUID, set[Stream]] = defaultdict(set)
        self.looking: asyncio.Task[None] | None = None

    @contextmanager
    def hold(self, stream: Stream) -> Iterator[None]:
        """Hold one of a person's streams open. Raises RateLimited when there are too many."""
        user_id = stream.identity.user.pk
        if len(self.of[user_id]) >= settings.MAX_OPEN_STREAMS_PER_USER:
            raise RateLimited("Too many of your streams are open; close one.", retry_after_s=5)
        self.of[user_id].add(stream)
        if self.looking is None:
            self.looking = asyncio.ensure_future(self.look_from_time_to_time())
        try:
            yield
        finally:
            self.of[user_id].discard(stream)
            if not self.of[user_id]:
                del self.of[user_id]
            if not self.of:
                self.looking.cancel()
                self.looking = None

    async def look_from_time_to_time(self) -> None:
        while True:
            await asyncio.sleep(settings.ACCESS_RECHECK_S)
            try:
                await self.look_again()
            except Exception as error:
                logger.warning("access_not_looked_at", error=type(error).__name__)

    async def look_again(self) -> None:
        """Ask for each credential whether it still holds, and what may be seen with it."""
        by_credential = defaultdict(list)
        for stream in [stream for streams in self.of.values() for stream in streams]:
            by_credential[stream.identity.credential].append(stream)
        for credential, streams in by_credential.items():
            try:
                identity = await in_database(lambda credential=credential: identify(credential))  # type: ignore[misc]
            except NotSignedIn as error:
                for stream in streams:
                    stream.lose(None, error)
                continue
            shown = {shown for stream in streams for shown in stream.shows()}
            gone = await in_database(lambda identity=identity, shown=shown: hidden_from(identity, shown))  # type: ignore[misc]
            for stream in streams:
                stream.identity = identity
                for lost in gone.intersection(stream.shows()):
                    stream.lose(lost, NotFound())


def hidden_from(identity: Identity, shown: set[uuid.UUID]) -> set[uuid.UUID]:
    """Those of these runs and batches that do not exist for this person."""
    hidden = shown - set(visible_to(identity.user).filter(uid__in=shown).values_list("uid", flat=True))
    return {uid for uid in hidden if not sees_batch(identity, uid)}


def sees_batch(identity: Identity, uid: uuid.UUID) -> bool:
    try:
        get_batch_for(identity.user, uid)
    except NotFound:
        return False
    return True


@cache
def open_streams() -> OpenStreams:
    return OpenStreams()
