"""What is kept of readers that came back."""

import pytest
from django.utils import timezone

from generation.consumers import reconnects
from generation.consumers.reconnects import MOST_AT_ONCE, MOST_OF_A_RUN, Reconnects, Returned, store
from generation.models import Reconnect, Run, User
from generation.wire import MAX_CURSOR
from tests.generation.factories import make_run

pytestmark = pytest.mark.django_db


def returned(run, user, count):
    return [Returned(run.pk, user.pk, Reconnect.Way.SSE, seq, timezone.now()) for seq in range(1, count + 1)]


def test_a_client_that_comes_back_for_ever_fills_no_table(alice):
    run, other = make_run(alice), make_run(alice)
    store(returned(run, alice, MOST_OF_A_RUN - 1))
    store(returned(run, alice, 5) + returned(other, alice, 2))
    assert Reconnect.objects.filter(run=run).count() == MOST_OF_A_RUN
    assert Reconnect.objects.filter(run=other).count() == 2


def test_a_run_that_is_gone_by_now_keeps_no_other_from_being_stored(alice):
    run, gone = make_run(alice), make_run(alice)
    both = returned(gone, alice, 1) + returned(run, alice, 1)
    gone.delete()
    store(both)
    assert list(Reconnect.objects.values_list("run", flat=True)) == [run.pk]


def test_a_reader_who_is_gone_by_now_keeps_no_other_from_being_stored(alice, bob):
    run = make_run(alice)
    both = returned(run, bob, 1) + returned(run, alice, 1)
    bob.delete()
    store(both)
    assert list(Reconnect.objects.values_list("user", flat=True)) == [alice.pk]


def test_the_largest_cursor_that_is_taken_can_be_kept(alice):
    store([Returned(make_run(alice).pk, alice.pk, Reconnect.Way.SSE, MAX_CURSOR, timezone.now())])
    assert Reconnect.objects.get().after == MAX_CURSOR


def test_they_go_with_their_run(alice):
    run = make_run(alice)
    store(returned(run, alice, 3))
    run.delete()
    assert not Reconnect.objects.exists()


async def test_only_who_has_a_cursor_has_come_back_and_not_too_many_are_gathered():
    gathering, run, user = Reconnects(), Run(pk=1), User()
    gathering.note(run, user, Reconnect.Way.SSE, 0)
    assert (gathering.gathered, gathering.storing) == ([], None)
    for seq in range(1, MOST_AT_ONCE + 10):
        gathering.note(run, user, Reconnect.Way.SOCKET, seq)
    assert len(gathering.gathered) == MOST_AT_ONCE
    assert gathering.storing is not None
    gathering.storing.cancel()


async def test_who_comes_back_while_others_are_stored_is_stored_next(monkeypatch):
    gathering, stored = Reconnects(), []

    async def storing(work):
        stored.append(len(gathering.gathered))
        if len(stored) == 1:
            gathering.note(Run(pk=1), User(), Reconnect.Way.SSE, 5)

    monkeypatch.setattr(reconnects, "STORE_AFTER_S", 0)
    monkeypatch.setattr(reconnects, "in_database", storing)
    gathering.note(Run(pk=1), User(), Reconnect.Way.SSE, 4)
    held = gathering.storing
    await held
    assert (len(stored), gathering.gathered, gathering.storing) == (2, [], None)
