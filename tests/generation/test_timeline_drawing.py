"""How a timeline is drawn, told in words, and held against what was foretold."""

import re

import pytest
from django.utils import timezone

from generation.timeline import forecasts, scale, story, words
from generation.timeline.drawing import drawing_of
from generation.timeline.lanes import Lane, Span, State, Timeline
from generation.timeline.log import log_of
from tests.generation import telling
from tests.generation.telling import after, told_run
from tests.generation.test_timeline import timeline_of

pytestmark = pytest.mark.django_db


def forecasts_of(run) -> forecasts.Forecasts | None:
    log = log_of(run)
    return forecasts.forecasts_of(log, story.timeline_of(run, log, timezone.now()))


def test_forecasts_are_held_against_the_end(alice):
    run = told_run(alice, telling.SUCCEEDED)
    told = forecasts_of(run)
    assert told is not None
    assert told.end_ms == 5310
    first = told.told[0]
    assert (first.at_ms, first.low_ms, first.ms, first.high_ms, first.basis) == (0, 2000, 3000, 6000, "history")
    # Those told from 3310 ms on had their earliest end past the true one.
    assert told.held_count == sum(one.at_ms <= 3310 for one in told.told) == 4
    assert forecasts_of(told_run(alice, telling.FAILED)) is None


def test_a_pause_is_no_fault_of_a_forecast_but_a_lost_worker_is(alice):
    paused = forecasts_of(told_run(alice, telling.PAUSED, attempt=2))
    assert paused is not None
    assert [one.at_ms for one in paused.told] == [0, 100, 200, 1900, 3500]
    assert paused.end_ms == 3510
    lost = forecasts_of(told_run(alice, telling.LOST_TWICE, attempt=3))
    assert lost is not None
    assert (lost.end_ms, lost.held_count) == (36_005, 1)


def test_a_chart_of_forecasts_goes_up_with_them_and_ends_at_the_end(alice):
    told = forecasts_of(told_run(alice, telling.SUCCEEDED))
    assert told is not None
    chart = forecasts.chart_of(told)
    corners = [tuple(map(float, corner.split(","))) for corner in re.findall(r"[\d.]+,[\d.]+", chart.line)]
    assert len(corners) == 2 * len(told.told)
    assert (corners[0][0], corners[-1][0]) == (0, chart.units)
    # Later ends are higher up: what was foretold last lay past the true end.
    assert corners[-1][1] / chart.units * 100 < chart.end_y < corners[0][1] / chart.units * 100


def test_a_chart_is_broken_where_nothing_was_foretold(alice):
    told = forecasts_of(told_run(alice, telling.UNUSUALLY_LONG))
    assert told is not None
    assert [(one.at_ms, one.until_ms) for one in told.told] == [(0, 1000), (1000, 20_000), (30_000, 31_000)]
    chart = forecasts.chart_of(told)
    # The middle of the first two was 3 and 4 s, the latest end 6 and 7 s.
    assert steps_of(chart.line, 31_000) == [[(0, 1000), (1000, 4000)], [(30_000, 31_000)]]
    assert steps_of(chart.band, 31_000) == [[(0, 1000), (1000, 7000)], [(30_000, 31_000)]]


def test_a_forecast_that_ran_out_is_not_drawn_past_its_own_end(alice):
    late = [telling.queued(), *telling.stage("generating", 9000, 9500), telling.complete(10_000)]
    told = forecasts_of(told_run(alice, late))
    assert told is not None
    assert steps_of(forecasts.chart_of(told).line, 10_000) == [[(0, 3000)], [(9000, 10_000)]]


def steps_of(path: str, end_ms: int) -> list[list[tuple[int, int]]]:
    """From when to when the steps of each unbroken part go, to 100 ms; of a band, those of its upper edge."""
    parts = []
    for part in path.split("M")[1:]:
        xs = [round(float(x) / forecasts.UNITS * end_ms, -2) for x in re.findall(r"([\d.]+),", part)]
        edge = xs[: len(xs) // 2] if "Z" in part else xs
        parts.append(list(zip(edge[::2], edge[1::2], strict=True)))
    return parts


def test_a_night_in_the_queue_does_not_hide_the_work():
    night = Span(State.PAUSED, 2000, 36_000_000)
    timeline = Timeline(0, 36_003_000, [Lane("run", "Run", [Span(State.WORKING, 0, 2000, 1), night])], live=False)
    drawn = scale.scale_of(timeline)
    # Of five seconds of work and a quarter as much for the night.
    assert drawn.at(2000) == pytest.approx(100 * 2000 / 6250, abs=0.1)
    assert drawn.at(36_000_000) == pytest.approx(100 * 3250 / 6250, abs=0.1)
    assert [fold.word for fold in drawing_of(timeline).folds] == ["9 h 59 min"]
    assert drawn.at(36_003_000) == 100


@pytest.mark.parametrize("length_ms", [1, 7, 130, 5310, 61_000, 3_700_000, 40 * 86_400_000])
def test_the_words_of_an_axis_are_few_and_apart(length_ms):
    drawn = scale.Scale(length_ms)
    ticks = list(drawn.ticks())
    for earlier, later in zip(ticks, ticks[1:], strict=False):
        assert earlier.reach[1] < later.reach[0]
    assert 1 <= len(ticks) <= 8
    assert len({tick.word for tick in ticks}) == len(ticks)


def test_nothing_drawn_leaves_the_drawing(alice):
    run = told_run(alice, telling.LOST_TWICE, attempt=3)
    for row in drawing_of(timeline_of(run)).rows:
        for bar in row.bars:
            assert 0 <= bar.x <= bar.x + bar.width <= 100.001
        assert all(0 <= stroke.x <= 100 for stroke in row.strokes)


def test_the_alternative_and_the_table_tell_what_is_drawn(alice):
    run = told_run(alice, telling.CANCELLED)
    run.cancel_requested_at = after(run, 2000)
    timeline = timeline_of(run)
    told = words.told_in_words(timeline.lanes, timeline.length_ms, timeline.live)
    assert "It took 2.1 s." in told
    assert "generating: cancelled · 1.9 s." in told
    assert "Cancel: 60 ms." in told
    rows = words.table_of(timeline.lanes)
    assert ("generating", "cancelled", "1", "0.200 s", "2.060 s", "1.9 s") in rows
    assert ("Cancel", "call to the model closed", "", "2.040 s", "", "") in rows
    drawn = sum(len(row.bars) + len(row.strokes) for row in drawing_of(timeline).rows)
    assert len(rows) == drawn


@pytest.mark.parametrize(
    ("ms", "word"), [(0, "0 ms"), (999, "999 ms"), (1000, "1.0 s"), (59_940, "59.9 s"), (59_960, "1 min 0 s"),
                     (3_599_000, "59 min 59 s"), (7_500_000, "2 h 5 min")]
)  # fmt: skip
def test_durations_are_said_as_people_say_them(ms, word):
    assert words.span_of_time(ms) == word
