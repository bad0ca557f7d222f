"""The whole boundary between the event loop and the database.

Not asgiref's `sync_to_async`: its thread-sensitive mode runs every consumer's queries on one thread, where one
slow query delays them all. Here reads share a few threads that keep their connections, and the log's
writer has one of its own.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")

READERS = 4
# A connection that has rested this long is asked whether it still lives, which costs a round trip.
IDLE_S = 1.0
_local = threading.local()
_readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-reader")
_writer = ThreadPoolExecutor(1, thread_name_prefix="log-writer")


def _guarded(work: Callable[[], T]) -> T:
    idle_since = getattr(_local, "used_at", 0.0)
    if connection.connection is not None and time.monotonic() - idle_since > IDLE_S and not connection.is_usable():
        # The database was restarted meanwhile; the next statement opens a new connection.
        connection.close()
    try:
        return work()
    except (InterfaceError, OperationalError):
        connection.close()
        raise
    finally:
        _local.used_at = time.monotonic()


async def in_database(work: Callable[[], T]) -> T:
    """Run `work` on a database thread. Cancelling the caller does not stop work that has begun."""
    return await asyncio.get_running_loop().run_in_executor(_readers, _guarded, work)


async def in_writer(work: Callable[[], T]) -> T:
    """Run `work` on the log writer's own thread."""
    return await asyncio.get_running_loop().run_in_executor(_writer, _guarded, work)
