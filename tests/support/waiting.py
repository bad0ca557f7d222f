"""Waiting for what happens elsewhere."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], within_s: float = 20) -> T:
    """What `look` gives once that is true of itself. Raises TimeoutError."""
    async with asyncio.timeout(within_s):
        # The other side is a process or a database: there is no event of ours to wait for.
        while not (found := await look()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found
