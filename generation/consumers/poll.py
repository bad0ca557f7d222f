"""Long polling: the same log, a page at a time, for clients that can hold no stream."""

import asyncio
from collections.abc import Sequence

import orjson

from generation.consumers.base import HttpConsumer, first_of, run_for
from generation.consumers.open_streams import open_streams
from generation.errors import Invalid
from generation.feed import feed
from generation.watcher import Watcher
from generation.wire import Frame, parse_cursor

PAGE = 500
MAX_WAIT_S = 55
DEFAULT_WAIT_S = 25


def parse_wait(text: str | None) -> float:
    """Seconds, 0 to 55. Raises Invalid."""
    if text is None:
        return DEFAULT_WAIT_S
    try:
        wait = float(text)
    except ValueError:
        wait = -1.0
    if not 0 <= wait <= MAX_WAIT_S:
        raise Invalid(fields={"wait": [f"Seconds from 0 to {MAX_WAIT_S}."]})
    return wait


class RunEvents(HttpConsumer):
    """`GET /api/runs/{id}/events?after=SEQ&wait=25`."""

    takes_ticket = True

    async def answer(self) -> None:
        cursor = self.query("after")
        after, wait = (0 if cursor is None else parse_cursor(cursor)), parse_wait(self.query("wait"))
        run = await run_for(self.identity, self.path_argument("run_id"))
        with open_streams().hold(self):
            async with await feed().follow(run, after) as watcher:
                if not wait:
                    # Nothing will come later to make up for a hint that is still on its way.
                    await feed().catch_up(watcher.tail)
                await watcher.require_kept()
                page: list[Frame] = []
                if await first_of(self.fill(page, watcher, wait), self.disconnected()):
                    await self.send_page(page, watcher)

    async def fill(self, page: list[Frame], watcher: Watcher, wait: float) -> None:
        """Wait for the first events, then take what is there already, up to a page."""
        try:
            async with asyncio.timeout(wait or None):
                if watcher.cursor >= watcher.tail.head and not wait:
                    return
                while (frames := await watcher.batch()) is not None and not frames:
                    pass
        except TimeoutError:
            return
        page.extend(frames or ())
        while len(page) < PAGE and watcher.cursor < watcher.tail.head:
            page.extend(await watcher.batch() or ())
        if len(page) > PAGE:
            del page[PAGE:]
            watcher.cursor = page[-1].seq

    async def send_page(self, page: Sequence[Frame], watcher: Watcher) -> None:
        # Assembled from the frames' own bytes: an event reads the same on every transport.
        events = b",".join(frame.body for frame in page)
        done = orjson.dumps(watcher.at_end)
        body = b'{"events":[%b],"last_seq":%d,"done":%b}' % (events, watcher.cursor, done)
        headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
        await self.send_response(200, body, headers=headers)
