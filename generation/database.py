"""The whole boundary between the event loop and the database.

Not asgiref's `sync_to_async`: its thread-sensitive mode runs every consumer's queries on one thread, where one
slow query delays them all. Here reads share a few threads that keep their connections, and the log's
writer has one of its own.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

T = TypeVar("T")

READERS = 4
_readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-reader")
_writer = ThreadPoolExecutor(1, thread_name_prefix="log-writer")


def _guarded(work: Callable[[], T]) -> T:
    try:
        return work()
    except (InterfaceError, OperationalError):
        # The connection may be dead; the next call on this thread opens a new one.
        connection.close()
        raise


async def in_database(work: Callable[[], T]) -> T:
    """Run `work` on a database thread. Cancelling the caller does not stop it."""
    return await asyncio.get_running_loop().run_in_executor(_readers, _guarded, work)


async def in_writer(work: Callable[[], T]) -> T:
    """Run `work` on the log writer's own thread."""
    return await asyncio.get_running_loop().run_in_executor(_writer, _guarded, work)
