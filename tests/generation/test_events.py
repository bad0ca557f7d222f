"""The log: numbered without a gap, refused to whoever lost the epoch, stored before it is shown."""

import asyncio

import pytest
from channels.layers import get_channel_layer
from django.db.models import F

from generation import events
from generation.database import in_database
from generation.errors import LeaseLost, LogClosed
from generation.events import Line
from generation.models import Event, Run
from generation.writer import writer
from tests.generation.factories import held_run

pytestmark = pytest.mark.django_db(transaction=True)


async def names(run: Run) -> list[tuple[int, str]]:
    return [(frame.seq, frame.name) for frame in await in_database(lambda: events.read(run.pk, str(run.uid), 0))]


async def test_events_are_numbered_in_the_order_of_their_appending(alice):
    run, log = await in_database(lambda: held_run(alice))
    for number in range(50):
        log.append("progress", n=number)
    await log.commit(Line("complete", {}))
    assert await names(run) == [(seq, "progress") for seq in range(1, 51)] + [(51, "complete")]


async def test_two_logs_written_together_stay_apart(alice):
    (first, a), (second, b) = await in_database(lambda: (held_run(alice), held_run(alice)))
    for _ in range(20):
        a.append("progress")
        b.append("item")
    await asyncio.gather(a.commit(Line("complete", {})), b.commit(Line("complete", {})))
    assert [seq for seq, _ in await names(first)] == [seq for seq, _ in await names(second)] == list(range(1, 22))


async def test_whoever_lost_the_epoch_writes_nothing(alice):
    run, log = await in_database(lambda: held_run(alice))
    await log.commit(Line("progress", {}))
    await in_database(lambda: Run.objects.filter(pk=run.pk).update(epoch=F("epoch") + 1))
    with pytest.raises(LeaseLost):
        await log.commit(Line("progress", {}))
    with pytest.raises(LogClosed):
        log.append("progress")
    assert await names(run) == [(1, "progress")]


async def test_others_in_the_same_batch_are_written(alice):
    (lost, a), (kept, b) = await in_database(lambda: (held_run(alice), held_run(alice)))
    await in_database(lambda: Run.objects.filter(pk=lost.pk).update(epoch=9))
    outcome = await asyncio.gather(a.commit(Line("item", {})), b.commit(Line("item", {})), return_exceptions=True)
    assert isinstance(outcome[0], LeaseLost)
    assert outcome[1] is True
    assert (await names(lost), await names(kept)) == ([], [(1, "item")])


async def test_an_entry_whose_change_is_refused_takes_no_number(alice):
    run, log = await in_database(lambda: held_run(alice))
    assert await log.commit(Line("complete", {}), change=lambda seq: False) is False
    assert await log.commit(Line("cancelled", {})) is True
    assert await names(run) == [(1, "cancelled")]


async def test_a_change_that_raises_takes_only_its_own_entry_with_it(alice):
    (broken, a), (kept, b) = await in_database(lambda: (held_run(alice), held_run(alice)))

    def change(seq: int) -> bool:
        Run.objects.filter(pk=broken.pk).update(stage="half")
        raise ZeroDivisionError

    outcome = await asyncio.gather(
        a.commit(Line("item", {}), change=change), b.commit(Line("item", {})), return_exceptions=True
    )
    assert isinstance(outcome[0], ZeroDivisionError)
    assert outcome[1] is True
    assert (await names(broken), await names(kept)) == ([], [(1, "item")])
    assert (await in_database(lambda: Run.objects.get(pk=broken.pk))).stage == ""


async def test_after_a_terminal_event_nothing_is_appended(alice):
    _, log = await in_database(lambda: held_run(alice))
    await log.commit(Line("complete", {}))
    with pytest.raises(LogClosed):
        log.append("progress")


async def test_a_hint_comes_after_the_commit_and_carries_small_frames(alice):
    run, log = await in_database(lambda: held_run(alice))
    layer = get_channel_layer()
    await layer.group_add(f"run.{run.uid.hex}", "test.inprocess!hint")
    log.append("item", text="x")
    hint = await layer.receive("test.inprocess!hint")
    assert (hint["type"], hint["run"], hint["last_seq"]) == ("run.advanced", run.uid.hex, 1)
    stored = await in_database(lambda: events.read(run.pk, str(run.uid), 0))
    assert list(hint["frames"]) == [("item", stored[0].body)]


async def test_a_large_advance_is_hinted_without_its_frames(alice):
    run, log = await in_database(lambda: held_run(alice))
    layer = get_channel_layer()
    await layer.group_add(f"run.{run.uid.hex}", "test.inprocess!large")
    log.append("item", text="x" * 20_000)
    assert "frames" not in await layer.receive("test.inprocess!large")


async def test_the_log_lies_encrypted(alice):
    run, log = await in_database(lambda: held_run(alice))
    await log.commit(Line("item", {"text": "Jane Roe"}))
    stored = await in_database(lambda: Event.objects.values_list("data", flat=True).get(run=run))
    assert b"Jane" not in stored.stored


async def test_flush_waits_for_what_was_submitted(alice):
    run, log = await in_database(lambda: held_run(alice))
    for _ in range(10):
        log.append("progress")
    await writer().flush()
    assert len(await names(run)) == 10
