"""What is kept of readers that came back."""

import pytest
from django.utils import timezone

from generation.consumers.reconnects import MOST_AT_ONCE, MOST_OF_A_RUN, Reconnects, Returned, store
from generation.models import Reconnect, Run, User
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
