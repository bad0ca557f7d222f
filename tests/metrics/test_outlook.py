"""What is left of a run, by what is known of it."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.profiles import ANY_SIZE, Mark, Observation
from tests.metrics.seen import STAGES, learned, outlook, runs, stage, written


def ordered(estimate) -> bool:
    return 0 <= estimate.low_ms <= estimate.ms <= estimate.high_ms < 10**13


observations = st.builds(
    Observation,
    kind=st.just("k"),
    stage=st.sampled_from(STAGES),
    provider=st.just("p"),
    model=st.sampled_from(["m", "other"]),
    size=st.integers(0, 10_000),
    duration_ms=st.integers(0, 2**31 - 1),
    finished=st.booleans(),
    output_tokens=st.integers(0, 10_000),
    asked_ms=st.integers(0, 10**7),
    marks=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 10**6), st.integers(0, 10**4)), max_size=3),
)


@settings(max_examples=60, deadline=None)
@given(
    history=st.lists(observations, max_size=12),
    code=st.sampled_from([None, *STAGES]),
    elapsed=st.floats(-1e7, 1e10),
    size=st.integers(0, 10_000),
    asked=st.floats(0, 1e8),
    tokens=st.integers(0, 10**6),
    mark=st.none() | st.builds(Mark, st.floats(0, 1), st.floats(0, 1e7), st.integers(0, 10**6)),
)
def test_whatever_was_seen_an_estimate_is_in_order_or_there_is_none(history, code, elapsed, size, asked, tokens, mark):
    look = outlook(learned(history))
    found = look.remaining(code, elapsed, size=size, asked_ms=asked, tokens=tokens, mark=mark)
    assert found is None or ordered(found)
    assert ordered(look.of_stage("generating", size=size))


def test_without_history_it_is_a_default_and_says_so():
    found = outlook(learned()).remaining()
    assert ordered(found)
    assert found.data()["basis"] == "default"


def test_five_runs_are_history():
    assert not outlook(learned(runs(4))).remaining().from_history
    assert outlook(learned(runs(5))).remaining().from_history


def test_the_range_of_a_new_run_is_that_of_the_runs_before():
    draw = random.Random(3)
    profiles = learned(stage("prepare", round(draw.lognormvariate(8, 0.5)), provider="composer") for _ in range(400))
    found = outlook(profiles, stages=("prepare",), provider="composer").remaining()
    # Of that distribution: 1,571, 2,981 and 5,657 ms.
    assert found.low_ms == pytest.approx(1571, rel=0.15)
    assert found.ms == pytest.approx(2981, rel=0.12)
    assert found.high_ms == pytest.approx(5657, rel=0.15)


def test_what_is_left_is_conditioned_on_the_time_that_has_passed():
    profiles = learned([stage("prepare", ms, provider="composer") for ms in (1_000, 60_000) * 50])
    look = outlook(profiles, stages=("prepare",), provider="composer")
    assert look.remaining("prepare", 0).low_ms < 2_000
    # Past the short ones only the long ones are left: far more than the mean minus what has passed.
    assert look.remaining("prepare", 3_000).ms == pytest.approx(57_000, rel=0.06)


def test_a_run_that_has_outlived_all_that_is_known_is_told_nothing():
    look = outlook(
        learned(stage("prepare", 1_000, provider="composer") for _ in range(50)),
        stages=("prepare",),
        provider="composer",
    )
    assert look.remaining("prepare", 10_000_000) is None


def test_cancelled_stages_make_the_estimate_longer_not_shorter():
    finished = [stage("prepare", ms, provider="composer") for ms in (1_000, 2_000, 4_000, 8_000) * 10]
    cut_off = [stage("prepare", 3_000, provider="composer", finished=False)] * 20
    plain = outlook(learned(finished), stages=("prepare",), provider="composer").remaining()
    told = outlook(learned(finished, cut_off), stages=("prepare",), provider="composer").remaining()
    assert told.ms > plain.ms


@pytest.mark.parametrize("runs_since", [3, 5])
def test_a_shift_of_the_models_speed_is_seen_within_a_handful_of_runs(runs_since):
    before = [written(500, 20 * draw) for draw in (0.95, 1.0, 1.05) * 60]
    after = [written(500, 60 * draw) for draw in (0.95, 1.0, 1.05, 1.0, 0.95)[:runs_since]]
    found = outlook(learned(before, after), stages=("generating",)).remaining()
    assert found.ms == pytest.approx(30_000, rel=0.15)


def test_a_shift_of_a_stage_without_tokens_is_seen_too():
    before = [stage("prepare", ms, provider="composer") for ms in (95, 100, 105) * 60]
    after = [stage("prepare", ms, provider="composer") for ms in (290, 300, 310, 300, 300)]
    assert outlook(learned(before, after), stages=("prepare",), provider="composer").remaining().ms == pytest.approx(
        300, rel=0.2
    )


def test_one_outlier_does_not_turn_the_estimate():
    steady = [written(500, 20 * draw) for draw in (0.95, 1.0, 1.05) * 60]
    found = outlook(learned(steady, [written(500, 200)]), stages=("generating",)).remaining()
    assert found.ms == pytest.approx(10_000, rel=0.15)


def test_a_new_model_is_expected_to_write_as_much_as_others_have_at_its_own_pace():
    others = [written(tokens, 20) for tokens in (400, 500, 600) * 30]
    found = outlook(learned(others, [written(500, 80, model="new")]), stages=("generating",), model="new").remaining()
    assert found.from_history
    assert found.high_ms > 30_000


def test_what_writes_by_rule_is_no_measure_for_a_model():
    profiles = learned(stage("generating", 5, provider="composer") for _ in range(50))
    found = outlook(profiles, stages=("generating",), model="new").remaining()
    assert not found.from_history
    assert found.ms > 1_000


def test_the_size_of_the_request_narrows_the_range_where_it_tells_something():
    history = [written(100 if turn % 2 else 3_000, 20, size=200 if turn % 2 else 4_000) for turn in range(120)]
    look = outlook(learned(history), stages=("generating",))
    assert look.remaining(size=200).high_ms < 4_000
    assert look.remaining(size=4_000).low_ms > 40_000
    assert look.remaining().low_ms < 4_000 < 40_000 < look.remaining().high_ms


def test_a_size_that_tells_nothing_is_left_out_of_account():
    draw = random.Random(5)
    history = [written(draw.choice([100, 3_000]), 20, size=draw.choice([200, 4_000])) for _ in range(300)]
    look = outlook(learned(history), stages=("generating",))
    assert look.remaining(size=200).high_ms == pytest.approx(look.remaining().high_ms, rel=0.1)


def test_a_model_that_takes_its_time_whatever_it_writes_is_not_expected_to_differ():
    draw = random.Random(5)
    history = [
        stage("generating", round(draw.gauss(10_000, 1_000)), output_tokens=draw.choice([20, 200, 2_000]))
        for _ in range(60)
    ]
    found = outlook(learned(history)).of_stage("generating")
    assert 8_000 < found.low_ms < found.high_ms < 12_500


def test_a_time_out_does_not_speak_against_tokens_and_pace():
    draw = random.Random(5)
    tokens = [round(draw.lognormvariate(6, 1)) for _ in range(300)]
    paces = [20 if turn // 30 % 2 else 80 for turn in range(300)]
    history = [
        stage("generating", min(60_000, each * pace), output_tokens=each)
        for each, pace in zip(tokens, paces, strict=True)
    ]
    assert learned(history).found["k", "generating", "p", "m", ANY_SIZE].apart.weight > 0.5


def test_tokens_so_far_tell_of_a_slow_hour_that_history_does_not_know_of():
    look = outlook(learned(written(500, 20 * draw) for draw in (0.95, 1.0, 1.05) * 60), stages=("generating",))
    # 250 tokens took 25 s: five times as long as usual, so that much is left again.
    assert look.remaining("generating", 25_000, tokens=250).ms == pytest.approx(25_000, rel=0.15)


def test_the_first_tokens_are_not_taken_for_the_pace():
    look = outlook(learned(written(500, 20 * draw) for draw in (0.95, 1.0, 1.05) * 60), stages=("generating",))
    # One token after two seconds of waiting: 500 such would take a quarter of an hour.
    assert look.remaining("generating", 2_000, tokens=1).ms < 20_000


def test_a_mark_tells_how_much_of_an_answer_there_is():
    draw = random.Random(7)
    history = []
    for _ in range(60):
        tokens = draw.choice([250, 4_000])
        history.append(written(tokens, 20, marks=[(0.5, tokens * 10, round(tokens * draw.uniform(0.48, 0.52)))]))
    look = outlook(learned(history), stages=("generating",))
    found = look.remaining("generating", 3_000, tokens=150, mark=Mark(0.5, 2_500, 125))
    assert found.ms == pytest.approx(2_000, rel=0.25)
    assert found.high_ms < 4_000


def test_a_later_stage_that_may_ask_again_takes_a_share_of_the_writing():
    look = outlook(learned(runs(300)))
    early = look.remaining("validating", 10, asked_ms=20_000)
    assert early.ms < 1_000
    # Still at it after two seconds: it asks again, which takes half of what writing took.
    assert look.remaining("validating", 2_000, asked_ms=20_000).ms == pytest.approx(8_000, rel=0.1)


def test_the_chance_of_a_later_round_widens_the_range_of_the_whole():
    look = outlook(learned(runs(300)))
    whole, writing = look.remaining(size=1000), look.of_stage("generating", size=1000)
    assert whole.high_ms > writing.high_ms * 1.03


def test_levels_of_a_calibration_move_the_ends_of_the_range():
    profiles = learned(runs(200))
    narrow, wide = outlook(profiles, lower=0.3, upper=0.7), outlook(profiles, lower=0.02, upper=0.98)
    assert wide.remaining().low_ms < narrow.remaining().low_ms
    assert narrow.remaining().high_ms < wide.remaining().high_ms
    assert narrow.remaining().ms == wide.remaining().ms


def test_a_time_out_that_cuts_off_a_model_is_the_longest_that_is_expected():
    history = [written(tokens, min(tokens * 20, 30_000) / tokens) for tokens in (200, 800, 1400, 2000, 2600, 3200) * 20]
    assert outlook(learned(history), stages=("generating",)).remaining().high_ms < 34_000


@pytest.mark.parametrize("skipped", [1, 3, 8])
def test_stages_without_tokens_are_not_taken_for_paces(skipped):
    healthy = [written(500, 20 * draw) for draw in (0.95, 1.0, 1.05) * 60]
    look = outlook(learned(healthy, [stage("generating", 30_000)] * skipped), stages=("generating",))
    assert look.remaining().ms == pytest.approx(10_000, rel=0.2)


def test_after_an_upgrade_the_first_pace_is_not_mixed_with_durations():
    old = [stage("generating", ms) for ms in (10_000, 20_000, 40_000, 48_000, 50_000) * 4]
    look = outlook(learned(old, [written(500, 20)]), stages=("generating",))
    assert look.remaining().ms < 100_000
