"""What a run is said to take still, the time until its turn included."""

import math
import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from generation import waiting
from generation.models import Run
from generation.models.runs import Status
from tests.generation.factories import CASE, make_batch, make_run
from tests.generation.learned import learned

pytestmark = pytest.mark.django_db

TEN_S = 10_000
# From 2 to 42 seconds, in no order that could be taken for a change.
VARIED = [2_000 + 1_000 * (17 * place % 41) for place in range(41)]


@pytest.fixture(autouse=True)
def _one_slot(settings) -> None:
    settings.MAX_CONCURRENT_RUNS = 1


def working(alice, begun_s_ago: float = 0, **fields) -> Run:
    """A run that is being written, for so long."""
    begun = timezone.now() - timedelta(seconds=begun_s_ago)
    return make_run(alice, status=Status.RUNNING, stage="generating", stage_started_at=begun, **fields)


def queued(alice, **fields) -> Run:
    return make_run(alice, status=Status.QUEUED, **fields)


def ms_of(run: Run) -> int | None:
    eta = waiting.eta_of(run)
    return None if eta is None else eta["ms"]


def about(ms: int):
    """As exactly as a histogram on a log scale keeps it."""
    return pytest.approx(ms, rel=0.1)


def test_a_run_that_has_a_slot_to_itself_takes_its_own_time(alice, settings):
    settings.MAX_CONCURRENT_RUNS = 2
    learned(*[TEN_S] * 20)
    working(alice)
    assert ms_of(queued(alice)) == about(TEN_S)


def test_a_run_waits_for_the_one_that_has_the_slot(alice):
    learned(*[TEN_S] * 20)
    run = working(alice, begun_s_ago=4)
    assert ms_of(run) == about(6_000)
    assert ms_of(queued(alice)) == about(16_000)


def test_each_run_ahead_is_counted(alice):
    learned(*[TEN_S] * 20)
    runs = [working(alice), *(queued(alice) for _ in range(4))]
    assert [ms_of(run) for run in runs] == [about(place * TEN_S) for place in range(1, 6)]


def test_two_processes_have_twice_the_room(alice):
    learned(*[TEN_S] * 20)
    for _ in range(2):
        working(alice, holder=uuid.uuid4())
    assert [ms_of(queued(alice)) for _ in range(2)] == [about(2 * TEN_S)] * 2


def test_the_first_of_many_slots_is_free_before_any_one_of_them_would_be(alice, settings):
    settings.MAX_CONCURRENT_RUNS = 20
    learned(*VARIED)
    runs = [working(alice) for _ in range(20)]
    run = queued(alice)
    own = waiting.remaining_of(run)
    assert own is not None
    eta = waiting.eta_of(run)
    first = min(ms_of(each) for each in runs)
    assert own.ms < eta["ms"] < own.ms + first / 2


def test_long_runs_ahead_are_balanced_by_short_ones(alice):
    learned(*VARIED)
    own = waiting.eta_of(working(alice))
    runs = [queued(alice) for _ in range(24)]
    last = waiting.eta_of(runs[-1])
    assert last["ms"] > 20 * own["ms"]
    # Of independent times the width grows with the root of their number: 5 times for 25, not 25 times.
    growth = (last["high_ms"] - last["low_ms"]) / (own["high_ms"] - own["low_ms"])
    assert 3 < growth < 8


def test_an_estimate_does_not_jump_while_nothing_happens(alice):
    learned(*VARIED)
    working(alice)
    runs = [queued(alice) for _ in range(5)]
    before = [ms_of(run) for run in runs]
    waiting.forget()
    assert [ms_of(run) for run in runs] == pytest.approx(before, rel=0.05)


def test_where_nothing_runs_there_is_no_estimate_for_who_waits(alice, settings):
    settings.MAX_CONCURRENT_RUNS = 0
    learned(*[TEN_S] * 20)
    assert ms_of(queued(alice)) is None
    assert ms_of(working(alice)) == about(TEN_S)


@pytest.mark.parametrize("status", [Status.PAUSED, Status.CANCELLING, Status.SUCCEEDED])
def test_a_run_that_rests_or_stops_has_no_estimate_and_keeps_nobody_waiting(alice, status):
    learned(*[TEN_S] * 20)
    resting = make_run(alice, status=status, stage="generating", stage_started_at=timezone.now())
    assert waiting.eta_of(resting) is None
    assert ms_of(queued(alice)) == about(TEN_S)


def test_behind_a_run_that_nothing_known_ever_took_as_long_as_nothing_is_said(alice, settings):
    learned(*[TEN_S] * 20)
    late = working(alice, begun_s_ago=10_000_000)
    run = queued(alice)
    assert (ms_of(late), ms_of(run)) == (None, None)
    settings.MAX_CONCURRENT_RUNS = 2
    working(alice)
    waiting.forget()
    assert ms_of(run) == about(2 * TEN_S)


def test_rows_wait_for_their_batch_and_leave_the_room_to_others(alice, settings):
    settings.MAX_CONCURRENT_RUNS = 2
    learned(*[TEN_S] * 20)
    rows = list(make_batch(alice, *[Status.QUEUED] * 4, max_parallel=1).runs.order_by("row"))
    other = queued(alice)
    assert [ms_of(run) for run in rows] == [about(place * TEN_S) for place in range(1, 5)]
    assert ms_of(other) == about(TEN_S)


def test_a_run_that_has_just_come_stands_at_the_end(alice):
    learned(*[TEN_S] * 20)
    assert ms_of(queued(alice)) == about(TEN_S)
    assert ms_of(queued(alice)) == about(2 * TEN_S)


def test_too_many_ahead_are_not_looked_at(alice, monkeypatch):
    monkeypatch.setattr(waiting, "MOST", 3)
    learned(*[TEN_S] * 20)
    runs = [working(alice), *(queued(alice) for _ in range(6))]
    assert [ms_of(run) is None for run in runs] == [False, False, False, False, True, True, True]


def test_with_too_many_at_work_only_who_need_not_wait_is_told(alice, settings, monkeypatch):
    monkeypatch.setattr(waiting, "MOST", 3)
    settings.MAX_CONCURRENT_RUNS = 6
    learned(*[TEN_S] * 20)
    for _ in range(5):
        working(alice)
    first, second, row = queued(alice), queued(alice), make_batch(alice, Status.QUEUED).runs.get()
    assert ms_of(first) == about(TEN_S)
    assert ms_of(second) == about(2 * TEN_S)
    assert ms_of(row) is None
    settings.MAX_CONCURRENT_RUNS = 5
    waiting.forget()
    assert ms_of(first) is None


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_makes_no_estimate_absurd(alice, hours):
    learned(*[TEN_S] * 20)
    run = working(alice, begun_s_ago=hours * 3600)
    waits = queued(alice)
    Run.objects.filter(pk=waits.pk).update(created_at=timezone.now() + timedelta(hours=hours))
    waits.refresh_from_db()
    if hours > 0:
        # By that clock it runs longer than any before it.
        assert (ms_of(run), ms_of(waits)) == (None, None)
    else:
        assert (ms_of(run), ms_of(waits)) == (about(TEN_S), about(2 * TEN_S))


def test_a_row_of_a_kind_that_is_no_more_takes_nobody_down(alice):
    learned(*[TEN_S] * 20)
    assert ms_of(queued(alice, kind="of_yesterday")) is None
    assert ms_of(queued(alice)) is not None


def test_without_any_history_ahead_the_estimate_says_so(alice):
    assert waiting.eta_of(queued(alice))["basis"] == "default"
    learned(*[TEN_S] * 20)
    assert waiting.eta_of(queued(alice))["basis"] == "history"


durations = st.lists(st.integers(0, 600_000), min_size=0, max_size=12)
states = st.lists(st.tuples(st.sampled_from(["running", "queued", "row"]), st.integers(-10, 700)), max_size=12)


@examples(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(durations, states, st.integers(0, 4))
def test_whatever_there_is_an_estimate_is_a_range_of_times_to_come(alice, settings, durations, states, slots):
    settings.MAX_CONCURRENT_RUNS = slots
    Run.objects.all().delete()
    learned(*durations)
    batch = make_batch(alice)
    for row, (state, begun_s_ago) in enumerate(states):
        if state == "running":
            working(alice, begun_s_ago=begun_s_ago)
        else:
            queued(alice, **({"batch": batch, "row": row} if state == "row" else {}))
    runs = list(Run.objects.all())
    for eta in (*(waiting.eta_of(run) for run in runs), waiting.eta_of_last(runs)):
        if eta is not None:
            assert 0 <= eta["low_ms"] <= eta["ms"] <= eta["high_ms"] < math.inf
            assert {type(eta[name]) for name in ("low_ms", "ms", "high_ms")} == {int}


def queries_for(call) -> int:
    waiting.forget()
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def test_a_list_asks_the_database_no_more_often_for_many_runs_than_for_few(alice, api, settings):
    settings.MAX_CONCURRENT_RUNS = 3
    learned(*[TEN_S] * 20)
    client = api("alice")
    working(alice), queued(alice)
    client.get("/api/runs")
    few = queries_for(lambda: client.get("/api/runs?page_size=100"))
    for _ in range(15):
        working(alice), queued(alice)
    many = queries_for(lambda: client.get("/api/runs?page_size=100"))
    assert len(client.get("/api/runs?page_size=100").json()["results"]) == 32
    assert many == few


def test_a_batch_asks_the_database_no_more_often_for_many_rows_than_for_few(alice, api):
    learned(*[TEN_S] * 20)
    client = api("alice")
    few, many = (make_batch(alice, Status.RUNNING, *[Status.QUEUED] * rows) for rows in (2, 30))
    client.get(f"/api/batches/{few.pk}")
    asked = [queries_for(lambda batch=batch: client.get(f"/api/batches/{batch.pk}")) for batch in (few, many)]
    assert asked[0] == asked[1]


def test_the_first_event_of_a_run_counts_those_ahead(alice, api):
    learned(*[TEN_S] * 20)
    working(alice)
    queued(alice)
    answer = api("alice").post("/api/runs", {"kind": "exercise_program", "input": {"prompt": CASE}}, format="json")
    told = answer.json()
    assert told["eta"]["ms"] == about(3 * TEN_S)
    assert told["position"] == 2
    first = Run.objects.get(uid=told["id"]).events.get(seq=1).data
    assert first["position"] == 2
    assert first["eta"]["ms"] == about(3 * TEN_S)
