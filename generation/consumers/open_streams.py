"""How many streams each person has open in this process."""

import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from generation.errors import RateLimited

_open: Counter[uuid.UUID] = Counter()


@contextmanager
def open_stream(user_id: uuid.UUID) -> Iterator[None]:
    """Hold one of the user's streams open. Raises RateLimited when there are too many."""
    if _open[user_id] >= settings.MAX_OPEN_STREAMS_PER_USER:
        raise RateLimited("Too many of your streams are open; close one.", retry_after_s=5)
    _open[user_id] += 1
    try:
        yield
    finally:
        _open[user_id] -= 1
        if not _open[user_id]:
            del _open[user_id]
