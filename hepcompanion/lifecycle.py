"""What runs beside the requests of a server process, from its start to its end."""

import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

import structlog

from generation.consumers.open_streams import open_streams
from generation.executors import executor
from generation.feed import feed

logger = structlog.get_logger(__name__)

_starting: "asyncio.Task[None] | None" = None
_draining: "asyncio.Task[None] | None" = None
_leaving: "asyncio.Task[None] | None" = None
# For clients to answer a goodbye; the runs are handed back meanwhile.
GOODBYE_S = 0.5


async def ensure_started() -> None:
    """Start the executor once per process. Raises what hindered it; the next caller tries again."""
    global _starting
    if _starting is None or (_starting.done() and _starting.exception() is not None):
        _starting = asyncio.ensure_future(start())
    if not _starting.done():
        await asyncio.shield(_starting)


async def start() -> None:
    await executor().start()
    drain_with_reactor()
    # What is loaded by now stays, and events are many small objects that die at once: with the default thresholds
    # a busy server spends a third of its time looking for cycles among them.
    gc.freeze()
    gc.set_threshold(20_000, 50, 100)
    # The log's writer waits up to this long for the interpreter when the loop is busy. At 20,000 events a second half
    # of them arrived within 20 to 79 ms; with the usual 5 ms it was 80 to 90.
    sys.setswitchinterval(0.001)


def drain_feed() -> None:
    """End the streams that wait; those that are cancelled meanwhile say goodbye by themselves."""
    feed().drain()


def begin_drain() -> "asyncio.Task[None]":
    """End the streams at once and give the leases back; the task ends when that is done."""
    global _draining
    if _draining is None:
        drain_feed()
        _draining = asyncio.ensure_future(executor().drain())
    return _draining


def drain_with_reactor() -> None:
    """Under Daphne: drain before Twisted's reactor stops."""
    reactor: Any = sys.modules.get("twisted.internet.reactor")
    if reactor is not None and getattr(reactor, "_asyncioEventloop", None) is asyncio.get_running_loop():
        from twisted.internet.defer import Deferred

        reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromFuture(begin_drain()))


def drain_with_signals() -> None:
    """Under a server with lifespan: it waits for open streams before it sends `lifespan.shutdown`, so the signal
    that asks it to stop must end them first. The server hears of it when they have said goodbye: it would close sockets
    with a code of its own."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        former = signal.getsignal(number)

        def handle(received: int, frame: FrameType | None, former: Any = former) -> None:
            hand_on = partial(former, received, frame) if callable(former) else lambda: None
            if _leaving is None:
                loop.call_soon_threadsafe(begin_to_leave, hand_on)
            else:
                # Whoever asks again does not want to wait.
                hand_on()

        signal.signal(number, handle)


def begin_to_leave(hand_on: Callable[[], object]) -> None:
    global _leaving
    _leaving = asyncio.ensure_future(leave(hand_on))


async def leave(hand_on: Callable[[], object]) -> None:
    """Drain, and let the server stop once no stream is open, at the latest after GOODBYE_S."""
    begin_drain()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE_S):
            # Streams end by themselves, in many ways.
            while open_streams().of:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    hand_on()


async def lifespan(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    try:
        await ensure_started()
        drain_with_signals()
    except Exception as error:
        logger.error("not_started", error=type(error).__name__, reason=str(error))
        await send({"type": "lifespan.startup.failed", "message": str(error)})
        return
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await begin_drain()
    await send({"type": "lifespan.shutdown.complete"})
