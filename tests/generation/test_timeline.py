"""The timeline of a run: where its log, row, calls and metrics say that the time went, without a word of the case."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from generation.models import ModelCall, Reconnect
from generation.models.runs import Status
from generation.retention import prune
from generation.timeline import replay, story, words
from generation.timeline.lanes import Lane, State, Timeline
from generation.timeline.log import Log, facts_of, log_of
from tests.generation import telling
from tests.generation.calling import call_of
from tests.generation.factories import make_run
from tests.generation.telling import after, item, kept, queued, stage, told_run

pytestmark = pytest.mark.django_db


def timeline_of(run, now=None) -> Timeline:
    return story.timeline_of(run, log_of(run), now or timezone.now())


def lane(timeline: Timeline, name: str) -> Lane:
    (found,) = [lane for lane in timeline.lanes if lane.name == name]
    return found


def spans(timeline: Timeline, name: str) -> list[tuple[str, int, int, int | None]]:
    return [(span.state.value, span.began_ms, span.ended_ms, span.attempt) for span in lane(timeline, name).spans]


def test_a_run_that_succeeded_waited_was_worked_on_and_has_a_bar_for_each_stage(alice):
    timeline = timeline_of(told_run(alice, telling.SUCCEEDED))
    assert spans(timeline, "Run") == [("queued", 0, 400, None), ("working", 400, 5310, 1)]
    assert spans(timeline, "generating") == [("succeeded", 700, 5200, 1)]
    assert [lane.name for lane in timeline.lanes if lane.code == "stage"] == [
        "started", "fetching-exercises", "generating", "validating", "storing", "complete",
    ]  # fmt: skip
    assert [(mark.at_ms, mark.what) for mark in lane(timeline, "Items").marks] == [
        (2000, "exercises 0"), (3500, "exercises 1"),
    ]  # fmt: skip
    assert (timeline.length_ms, timeline.live) == (5310, False)


def test_a_worker_lost_twice_leaves_two_gaps_from_its_last_sign_of_life(alice):
    run = told_run(alice, telling.LOST_TWICE, attempt=3)
    kept(run, "generating", "lost", 16_000, 15_800, attempt=1)
    kept(run, "generating", "lost", 33_000, 16_990, attempt=2)
    timeline = timeline_of(run)
    assert spans(timeline, "Run") == [
        ("queued", 0, 100, None), ("working", 100, 900, 1), ("unheld", 900, 16_000, None),
        ("working", 16_000, 17_000, 2), ("unheld", 17_000, 33_000, None), ("working", 33_000, 36_005, 3),
    ]  # fmt: skip
    generating = lane(timeline, "generating")
    assert spans(timeline, "generating") == [
        ("lost", 200, 900, 1), ("lost", 16_010, 17_000, 2), ("succeeded", 33_010, 36_000, 3),
    ]  # fmt: skip
    # The metrics count until somebody noticed.
    assert [span.lasted_ms for span in generating.spans] == [700, 990, 2990]
    assert words.summary(generating) == "worker lost ×2 → succeeded · 4.7 s"


def test_a_stage_that_was_given_back_without_a_metric_is_cut_off(alice):
    assert [state for state, *_ in spans(timeline_of(told_run(alice, telling.LOST_TWICE)), "generating")] == [
        "cut", "cut", "succeeded",
    ]  # fmt: skip


def test_a_pause_is_no_work_and_its_end_is_a_wait_for_a_worker(alice):
    run = told_run(alice, telling.PAUSED, attempt=2)
    kept(run, "generating", "paused", 1500, 1290)
    timeline = timeline_of(run)
    assert spans(timeline, "Run") == [
        ("queued", 0, 100, None), ("working", 100, 1500, 1), ("paused", 1500, 9000, None),
        ("queued", 9000, 9400, None), ("working", 9400, 11_010, 2),
    ]  # fmt: skip
    assert spans(timeline, "generating") == [("paused", 200, 1500, 1), ("succeeded", 9400, 11_000, 2)]
    assert lane(timeline, "generating").spans[0].lasted_ms == 1290


def test_a_run_paused_before_it_began_was_never_worked_on_meanwhile(alice):
    told = [queued(), (500, "paused", {"by": "alice"}), (900, "resumed", {"by": "alice", "attempt": 1})]
    run = told_run(alice, [*told, *stage("started", 1000)], status=Status.RUNNING)
    run.lease_until = after(run, 60_000)
    assert spans(timeline_of(run, after(run, 1200)), "Run") == [
        ("queued", 0, 500, None), ("paused", 500, 900, None), ("queued", 900, 1000, None), ("working", 1000, 1200, 1),
    ]  # fmt: skip


def test_readers_that_came_back_before_the_end_have_a_lane_of_their_own(alice, bob):
    run = told_run(alice, telling.SUCCEEDED)
    assert "reconnects" not in [lane.code for lane in timeline_of(run).lanes]
    for reader, way, seq, ms in ((alice, "sse", 4, 1_000), (bob, "ws", 9, 4_000), (alice, "sse", 12, 60_000)):
        Reconnect.objects.create(run=run, user=reader, way=way, after=seq, at=after(run, ms))
    timeline = timeline_of(run)
    assert [(mark.at_ms, mark.what) for mark in lane(timeline, "Reconnects").marks] == [
        (1_000, "alice by SSE, after event 4"), (4_000, "bob by WebSocket, after event 9"),
    ]  # fmt: skip
    assert timeline.length_ms == 5310


def test_a_cancel_is_timed_from_the_request_to_the_end(alice):
    run = told_run(alice, telling.CANCELLED)
    run.cancel_requested_at = after(run, 2000)
    timeline = timeline_of(run)
    assert spans(timeline, "Run")[-1] == ("cancelling", 2010, 2060, 1)
    assert spans(timeline, "generating") == [("cancelled", 200, 2060, 1)]
    assert spans(timeline, "Cancel") == [("cancelled", 2000, 2060, None)]
    assert [(mark.at_ms, mark.what) for mark in lane(timeline, "Cancel").marks] == [
        (2010, "announced"), (2040, "call to the model closed"),
    ]  # fmt: skip
    said = "announced after 10 ms, call to the model closed after 40 ms, cancelled after 60 ms"
    assert words.cancel_words(timeline.lanes) == said


def test_what_follows_within_a_millisecond_follows_at_once(alice):
    run = told_run(alice, [queued(), (500, "cancelling", {"by": "alice"}), (500, "cancelled", {"by": "alice"})])
    run.cancel_requested_at = after(run, 500)
    assert words.cancel_words(timeline_of(run).lanes) == "announced at once, cancelled at once"


def test_a_run_that_finished_before_the_cancel_says_so(alice):
    run = told_run(alice, [*telling.SUCCEEDED[:-1], (5305, "cancelling", {"by": "alice"}), telling.complete(5310)])
    run.cancel_requested_at = after(run, 5304)
    assert spans(timeline_of(run), "Cancel") == [("succeeded", 5304, 5310, None)]


def test_a_cancel_that_met_a_lost_worker_shows_since_when_nobody_worked(alice):
    told = [*telling.CANCELLED[:-2], (18_000, "cancelling", {"by": "a"}), (18_001, "cancelled", {"by": "a"})]
    run = told_run(alice, told)
    kept(run, "generating", "lost", 18_000, 17_800)
    timeline = timeline_of(run)
    assert spans(timeline, "Run")[1:] == [("working", 100, 900, 1), ("unheld", 900, 18_001, None)]
    assert spans(timeline, "generating") == [("lost", 200, 900, 1)]


def test_a_failed_stage_ends_with_the_error(alice):
    timeline = timeline_of(told_run(alice, telling.FAILED))
    assert spans(timeline, "generating") == [("failed", 200, 4000, 1)]
    assert lane(timeline, "Warnings").marks[0].what == "MODEL_FALLBACK"
    assert words.summary(lane(timeline, "storing")) == "not reached"


def test_a_run_given_up_has_no_worker_before_its_error(alice):
    lost = {"code": "WORKER_LOST", "message": "", "retryable": True, "stage": "generating"}
    timeline = timeline_of(told_run(alice, [*telling.FAILED[:-2], (15_000, "error", lost)]))
    assert spans(timeline, "Run")[1:] == [("working", 100, 200, 1), ("unheld", 200, 15_000, None)]


@pytest.mark.parametrize(
    ("status", "lease_ms", "state"),
    [
        ("running", 9000, "working"),
        ("running", 4000, "unheld"),
        ("queued", None, "unheld"),
        ("paused", None, "working"),
    ],
)
def test_a_live_run_lasts_until_now_and_is_held_or_not(alice, status, lease_ms, state):
    told = [*telling.CANCELLED[:-2], *([(1500, "paused", {"by": "a"})] if status == "paused" else [])]
    run = told_run(alice, told, status=status)
    run.lease_until = None if lease_ms is None else after(run, lease_ms)
    timeline = timeline_of(run, after(run, 5000))
    assert timeline.live
    run_lane = lane(timeline, "Run").spans
    if status == "paused":
        assert (run_lane[-1].state, run_lane[-1].began_ms, run_lane[-1].ended_ms) == (State.PAUSED, 1500, 5000)
    else:
        assert (run_lane[-1].state, run_lane[-1].ended_ms) == (state, 5000)
    assert run_lane[-1].going_on
    assert (lane(timeline, "generating").spans[-1].state == State.RUNNING) == (
        state == "working" and status == "running"
    )


def test_calls_stand_with_the_waits_between_those_of_an_attempt(alice):
    run = told_run(alice, telling.SUCCEEDED)
    failed, broken, answered = (
        call_of(run, "0", outcome=outcome, duration_ms=took, first_text_ms=first)
        for outcome, took, first in (("failed", 300, None), ("broken", 700, 120), ("answered", 2000, 90))
    )
    for call, at_ms in ((failed, 800), (broken, 1400), (answered, 3000)):
        ModelCall.objects.filter(pk=call.pk).update(began_at=after(run, at_ms))
    timeline = timeline_of(run)
    assert spans(timeline, "Model calls") == [
        ("failed", 800, 1100, 1), ("retry", 1100, 1400, 1), ("broken", 1400, 2100, 1), ("retry", 2100, 3000, 1),
        ("answered", 3000, 5000, 1),
    ]  # fmt: skip
    assert [mark.at_ms for mark in lane(timeline, "Model calls").marks] == [1520, 3090]
    assert words.summary(lane(timeline, "Model calls")) == "3 · 3.0 s"


def test_a_call_whose_worker_was_lost_ends_with_the_last_sign_of_life(alice):
    run = told_run(alice, telling.LOST_TWICE, attempt=3)
    call = call_of(run, "0", outcome="broken", duration_ms=None)
    ModelCall.objects.filter(pk=call.pk).update(began_at=after(run, 300))
    assert spans(timeline_of(run), "Model calls") == [("broken", 300, 900, 1)]


def test_without_its_log_a_run_is_drawn_from_its_row_and_its_metrics(alice):
    run = told_run(alice, telling.SUCCEEDED, finished_at=timezone.now() - timedelta(days=30))
    run.started_at, run.finished_at = after(run, 400), after(run, 5310)
    kept(run, "generating", "succeeded", 5200, 4500)
    assert prune() == 1
    timeline = timeline_of(run)
    assert spans(timeline, "Run") == [("queued", 0, 400, None), ("working", 400, 5310, 1)]
    assert spans(timeline, "generating") == [("succeeded", 700, 5200, 1)]
    assert [lane.name for lane in timeline.lanes] == ["Run", "generating"]


def test_a_replay_holds_what_appeared_and_not_what_it_said(alice):
    run = told_run(alice, [*telling.SUCCEEDED[:-1], (5305, "iteration", {"iteration": 2, "reason": "QWERTZ"})])
    log = log_of(run)
    told = replay.replay_of(run, log, timeline_of(run))
    assert "QWERTZ" not in json.dumps(told)
    assert [event["data"] for event in told["events"] if event["event"] == "item"] == [
        {"path": "exercises", "index": 0}, {"path": "exercises", "index": 1},
    ]  # fmt: skip
    assert told["events"][0]["data"]["eta"] == telling.ETA
    assert told["end_ms"] is None
    assert [event["seq"] for event in told["events"]] == list(range(1, len(log.entries) + 1))


def test_a_long_log_is_read_to_a_bound_and_to_its_last_event(alice):
    items = [item(200 + n, n) for n in range(40)]
    began, ended = stage("generating", 100, 8000)
    many = [queued(), began, *items, ended, telling.complete(9000)]
    run = told_run(alice, many)
    log = log_of(run, most=10)
    assert ([entry.seq for entry in log.entries], log.cut) == (list(range(1, 11)), True)
    assert ([entry.name for entry in log.later], log.last_seq) == (["stage_complete", "complete"], len(many))
    timeline = story.timeline_of(run, log, timezone.now())
    assert spans(timeline, "generating") == [("succeeded", 100, 8000, 1)]
    assert timeline.length_ms == 9000
    assert not log_of(run, most=len(many)).cut


def test_a_log_of_large_events_is_read_to_its_end(alice):
    large = [(n, "item", {"path": "exercises", "index": n, "value": {"text": "x" * 9000}}) for n in range(20)]
    run = told_run(alice, [queued(), *large])
    assert len(log_of(run).entries) == 21


def test_where_no_estimate_was_given_the_replay_has_none_either(alice):
    run = told_run(alice, telling.UNUSUALLY_LONG)
    log = log_of(run)
    told = replay.replay_of(run, log, timeline_of(run))["events"]
    assert [event["data"].get("eta", "nothing told") for event in told] == [
        telling.ETA, telling.ETA, None, "nothing told", "nothing told", {**telling.ETA, "low_ms": 900}, "nothing told",
    ]  # fmt: skip
    assert told[2]["what"] == "stage generating, progress 50"


def test_a_log_whose_key_is_lost_is_told_apart_from_one_that_is_no_longer_kept(alice, settings):
    run = told_run(alice, telling.SUCCEEDED)
    settings.FIELD_KEYS = telling.OTHER_KEY
    assert log_of(run) == Log((), sealed=True)
    assert not log_of(make_run(alice)).sealed


def test_only_codes_counts_and_durations_are_taken_from_an_event():
    data = {
        "stage": "generating",
        "message": "QWERTZ",
        "arguments": {"q": "QWERTZ"},
        "eta": {"ms": 1, "note": "QWERTZ"},
    }
    assert facts_of("progress", data) == {
        "stage": "generating", "eta": {"ms": 1, "low_ms": None, "high_ms": None, "basis": None},
    }  # fmt: skip
