"""A reader misses nothing, whatever becomes of the hints."""

import asyncio
import random
from typing import Any

import pytest
from channels.layers import channel_layers, get_channel_layer
from django.db import OperationalError

from generation import feed as feed_module
from generation import hints
from generation.database import in_database
from generation.errors import CursorExpired
from generation.events import Line
from generation.feed import feed
from generation.models import Event
from generation.tail import RING_FRAMES
from generation.writer import writer
from tests.generation.factories import held_run
from tests.support.lossy_layer import LossyLayer
from tests.support.waiting import eventually

pytestmark = pytest.mark.django_db(transaction=True)


async def read_all(run: Any, after: int = 0) -> list[int]:
    seqs: list[int] = []
    async with await feed().follow(run, after) as watcher:
        while (frames := await watcher.batch()) is not None:
            seqs += [frame.seq for frame in frames]
    return seqs


@pytest.fixture(params=["faithful", "dropping", "doubling", "reordering"])
def layer(request: pytest.FixtureRequest) -> str:
    """The channel layer as it may behave at its worst."""
    if request.param != "faithful":
        channel_layers.set("default", LossyLayer(request.param))
    return request.param


async def test_a_live_reader_sees_every_event_once_and_in_order(alice, layer):
    run, log = await in_database(lambda: held_run(alice))
    reading = asyncio.create_task(read_all(run))
    for _ in range(30):
        log.append("progress", text="x" * random.Random(2).randint(1, 2_000))
        await asyncio.sleep(0.003)
    await log.commit(Line("complete", {}))
    ended = asyncio.get_running_loop().time()
    assert await asyncio.wait_for(reading, 5) == list(range(1, 32))
    assert asyncio.get_running_loop().time() - ended < 1.5


async def test_readers_with_every_cursor_agree(alice):
    run, log = await in_database(lambda: held_run(alice))
    for _ in range(40):
        log.append("progress")
    readers = [asyncio.create_task(read_all(run, after)) for after in range(0, 40, 5)]
    for _ in range(40):
        log.append("item")
        await asyncio.sleep(0)
    await log.commit(Line("complete", {}))
    for after, reader in zip(range(0, 40, 5), readers, strict=True):
        assert await asyncio.wait_for(reader, 5) == list(range(after + 1, 82))


async def test_a_log_longer_than_the_ring_is_read_in_pages(alice):
    run, log = await in_database(lambda: held_run(alice))
    total = RING_FRAMES * 2 + 50
    for _ in range(total - 1):
        log.append("progress")
    await log.commit(Line("complete", {}))
    assert await read_all(run) == list(range(1, total + 1))


async def test_a_slow_reader_falls_out_of_the_ring_and_goes_on_from_the_log(alice):
    run, log = await in_database(lambda: held_run(alice))
    async with await feed().follow(run, 0) as slow:
        log.append("progress")
        first = await slow.batch()
        for _ in range(RING_FRAMES * 3):
            log.append("progress")
        await log.commit(Line("complete", {}))

        async def left_behind() -> bool:
            return slow.cursor < slow.tail.base

        await eventually(left_behind)
        seqs = [frame.seq for frame in first or ()]
        while (frames := await slow.batch()) is not None:
            seqs += [frame.seq for frame in frames]
    assert seqs == list(range(1, RING_FRAMES * 3 + 3))


async def test_a_cursor_past_the_head_of_a_live_log_waits(alice):
    run, log = await in_database(lambda: held_run(alice))
    reading = asyncio.create_task(read_all(run, 2))
    for _ in range(3):
        log.append("progress")
        await asyncio.sleep(0.01)
    assert not reading.done()
    await log.commit(Line("complete", {}))
    assert await asyncio.wait_for(reading, 5) == [3, 4]


async def test_a_finished_log_replays_to_its_end(alice):
    run, log = await in_database(lambda: held_run(alice))
    await log.commit(Line("progress", {}), Line("complete", {}))
    assert await read_all(run) == [1, 2]
    assert await read_all(run, 2) == []


async def test_what_is_no_longer_kept_is_said_not_skipped(alice):
    run, log = await in_database(lambda: held_run(alice))
    await log.commit(Line("progress", {}), Line("progress", {}), Line("complete", {}))
    await in_database(lambda: Event.objects.filter(run=run, seq__lte=2).delete())
    with pytest.raises(CursorExpired):
        await read_all(run, 0)


async def test_the_last_reader_of_an_ended_log_takes_tail_and_membership_with_it(alice):
    run, log = await in_database(lambda: held_run(alice))
    layer = get_channel_layer()
    async with await feed().follow(run, 0) as one, await feed().follow(run, 0):
        assert len(layer.groups[hints.group_of(run.uid.hex)]) == 1
        assert len(feed().tails) == 1
        await log.commit(Line("complete", {}))
        await one.batch()
    assert hints.group_of(run.uid.hex) not in layer.groups
    assert feed().tails == {}


async def test_a_live_log_is_followed_on_for_a_while_without_a_reader(alice, monkeypatch):
    monkeypatch.setattr("generation.feed.UNWATCHED_S", 0.5)
    run, log = await in_database(lambda: held_run(alice))
    async with await feed().follow(run, 0):
        tail = feed().tails[run.uid.hex]
    await log.commit(Line("progress", {}))
    async with await feed().follow(run, 0) as watcher:
        assert watcher.tail is tail
        assert [frame.seq for frame in await watcher.batch() or ()] == [1]

    async def dropped() -> bool:
        return feed().tails == {} and hints.group_of(run.uid.hex) not in get_channel_layer().groups

    await eventually(dropped)


async def test_only_so_many_logs_are_followed_on_without_a_reader(alice, monkeypatch):
    monkeypatch.setattr("generation.feed.UNWATCHED_TAILS", 2)
    for _ in range(4):
        run, _ = await in_database(lambda: held_run(alice))
        async with await feed().follow(run, 0):
            pass
    assert len(feed().tails) == len(get_channel_layer().groups) == 2


async def test_an_event_that_is_written_while_its_log_is_opened_waits_for_no_look_at_the_heads(alice, monkeypatch):
    monkeypatch.setattr("generation.feed.HEADS_EVERY_S", 60)
    run, log = await in_database(lambda: held_run(alice))
    opening_of = feed_module.opening_of

    def opened_late(tail):
        opening = opening_of(tail)
        asyncio.run_coroutine_threadsafe(log.commit(Line("complete", {})), feed().loop).result(5)
        asyncio.run_coroutine_threadsafe(writer().flush(), feed().loop).result(5)
        return opening

    monkeypatch.setattr("generation.feed.opening_of", opened_late)
    assert await asyncio.wait_for(read_all(run), 5) == [1]


async def test_a_log_that_can_not_be_opened_is_said_to_each_of_its_readers(alice, monkeypatch):
    run, _ = await in_database(lambda: held_run(alice))

    def broken(tail):
        raise OperationalError

    with monkeypatch.context() as patched:
        patched.setattr("generation.feed.opening_of", broken)
        results = await asyncio.gather(read_all(run), read_all(run), return_exceptions=True)
    assert [type(result) for result in results] == [OperationalError] * 2
    assert feed().tails == {}
    async with await feed().follow(run, 0):
        pass


async def test_an_idle_reader_gets_a_heartbeat(alice, settings):
    settings.HEARTBEAT_S = 0.05
    run, _ = await in_database(lambda: held_run(alice))
    async with await feed().follow(run, 0) as watcher:
        assert await asyncio.wait_for(watcher.batch(), 20) == ()


async def test_a_closed_reader_stops_waiting(alice):
    run, _ = await in_database(lambda: held_run(alice))
    async with await feed().follow(run, 0) as watcher:
        asyncio.get_running_loop().call_later(0.05, watcher.close)
        assert await asyncio.wait_for(watcher.batch(), 2) is None


async def test_draining_ends_every_reader(alice):
    run, _ = await in_database(lambda: held_run(alice))
    async with await feed().follow(run, 0) as watcher:
        asyncio.get_running_loop().call_later(0.05, feed().drain)
        assert await asyncio.wait_for(watcher.batch(), 2) is None
        assert not watcher.at_end
