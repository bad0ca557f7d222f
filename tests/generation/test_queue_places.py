"""The place of a run in the queue: by when the turns of those that wait come."""

import pytest

from generation import waiting
from generation.models import Run
from generation.models.runs import Status
from tests.generation.factories import make_batch, make_run
from tests.generation.learned import learned

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _one_slot(settings) -> None:
    settings.MAX_CONCURRENT_RUNS = 1


def test_a_place_in_the_queue_counts_those_that_wait_and_falls_as_they_begin(alice):
    run, (first, second) = make_run(alice, status=Status.RUNNING), (make_run(alice) for _ in range(2))
    assert [waiting.position_of(each) for each in (run, first, second)] == [None, 1, 2]
    Run.objects.filter(pk=run.pk).update(status=Status.SUCCEEDED)
    Run.objects.filter(pk=first.pk).update(status=Status.RUNNING)
    waiting.forget()
    assert waiting.position_of(second) == 1


def test_a_run_that_has_just_come_has_the_last_place(alice):
    assert [waiting.position_of(make_run(alice)) for _ in range(3)] == [1, 2, 3]


def test_a_run_that_rested_has_the_place_of_when_it_came(alice):
    first, second = make_run(alice, status=Status.PAUSED), make_run(alice)
    assert [waiting.position_of(each) for each in (first, second)] == [None, 1]
    Run.objects.filter(pk=first.pk).update(status=Status.QUEUED)
    first.refresh_from_db()
    waiting.forget()
    assert [waiting.position_of(each) for each in (first, second)] == [1, 2]


def test_a_row_that_waits_for_its_batch_has_its_place_behind_who_comes_before_its_turn(alice, settings):
    settings.MAX_CONCURRENT_RUNS = 2
    learned(*[10_000] * 20)
    rows = list(make_batch(alice, *[Status.QUEUED] * 3, max_parallel=1).runs.order_by("row"))
    other = make_run(alice)
    assert [waiting.position_of(run) for run in (rows[0], other, *rows[1:])] == [1, 2, 3, 4]


def test_where_nothing_can_be_said_of_the_time_the_place_goes_by_who_came_first(alice, settings):
    settings.MAX_CONCURRENT_RUNS = 0
    assert [waiting.position_of(make_run(alice)) for _ in range(3)] == [1, 2, 3]


def test_a_place_far_behind_is_not_told(alice, monkeypatch):
    monkeypatch.setattr(waiting, "MOST", 3)
    runs = [make_run(alice) for _ in range(6)]
    assert [waiting.position_of(run) for run in runs] == [1, 2, 3, None, None, None]
