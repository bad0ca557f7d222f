"""Doses follow purpose and phase, and never leave their bounds. Source: domain.md 2.3 and 3.3."""

import pytest

from generation.clinical import dosing, library
from generation.clinical.phase import PHASES
from generation.clinical.profile import Profile

EXERCISES = {exercise["slug"]: exercise for exercise in library.load().exercises}


def dose(slug: str, **facts) -> dosing.Dose:
    return dosing.dose_for(EXERCISES[slug], Profile(**{"regions": ("knee",), "phase": "maintain", **facts}))


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("older", [None, 80])
@pytest.mark.parametrize("pain", [None, 8])
def test_every_default_is_within_its_bounds(phase, older, pain):
    profile = Profile(regions=("knee",), phase=phase, age=older, pain_now=pain)
    for exercise in EXERCISES.values():
        if dosing.has_dose(exercise, phase):
            made = dosing.dose_for(exercise, profile)
            assert dosing.timed(dosing.clamp(made, exercise)) == made


def test_there_is_no_strength_in_protect():
    assert not dosing.has_dose(EXERCISES["step-up-forward"], "protect")


def test_an_adult_starts_at_the_table():
    made = dose("bridge")
    assert (made["sets"], made["reps"], made["effort"]["max"]) == (3, 10, 8)


def test_at_65_there_are_fewer_sets_and_less_effort():
    made = dose("bridge", age=65)
    assert (made["sets"], made["reps"]) == (2, 10)
    assert made["effort"] == {"scale": "rpe10", "min": 4, "max": 5}


def test_strong_pain_takes_a_set_and_keeps_effort_low():
    made = dose("bridge", phase="restore", pain_now=7)
    assert (made["sets"], made["effort"]["max"]) == (1, 3)


def test_hard_strength_work_has_a_day_between():
    for exercise in EXERCISES.values():
        for phase in PHASES:
            if dosing.dose_class(exercise) == "strength" and dosing.has_dose(exercise, phase):
                made = dosing.default_dose(exercise, phase)
                assert made["effort"]["max"] < 6 or made["frequency"]["rest_days_between"] >= 1


@pytest.mark.parametrize(
    ("facts", "limit"),
    [
        ({}, 5),
        ({"acuity": "acute"}, 3),
        ({"surgery": {"type": "tka", "weeks_post_op": 4}}, 3),
        ({"surgery": {"type": "tka", "weeks_post_op": 9}}, 5),
        ({"condition_tags": ("radiculopathy",)}, 3),
    ],
)
def test_the_pain_limit_is_lower_while_things_heal(facts, limit):
    assert dose("bridge", **facts)["pain_limit"] == limit


@pytest.mark.parametrize(
    ("slug", "facts", "side"),
    [
        ("heel-slide-supine", {"side": "right"}, "right"),
        ("heel-slide-supine", {"side": "unknown"}, "affected"),
        ("heel-slide-supine", {"side": "both"}, "both"),
        ("step-up-forward", {"side": "right"}, "both"),
        ("bridge", {"side": "right"}, "na"),
        ("seated-march", {"side": "right"}, "alternating"),
        ("clamshell", {"regions": ("lumbar",)}, "both"),
    ],
)
def test_the_side_fits_the_exercise_and_the_person(slug, facts, side):
    assert dose(slug, phase="restore", **facts)["side"] == side


@pytest.mark.parametrize(
    ("slug", "facts", "language", "text"),
    [
        ("heel-slide-supine", {"side": "right", "age": 68}, "en", "2 sets of 10, right side, every day"),
        ("quad-set", {"phase": "protect", "side": "left"}, "en",
         "10 times, hold 5 s, left side, 2 times a day, effort 2 to 3 out of 10"),
        ("tandem-stance", {"age": 68}, "en", "2 times 30 s, each side, every day"),
        ("step-up-forward", {"age": 68}, "da",
         "2 sæt af 10 gentagelser, hver side, hver anden dag, anstrengelse 4 til 5 ud af 10"),
        ("walking-programme", {}, "en", "10 minutes, 5 days a week, effort 3 to 5 out of 10"),
    ],
)  # fmt: skip
def test_the_dose_is_said_in_plain_words(slug, facts, language, text):
    assert dosing.dose_text(dose(slug, **facts), language) == text


@pytest.mark.parametrize(
    ("change", "minutes"),
    [
        ({"sets": 2, "reps": 10}, 1.3),
        ({"sets": 2, "reps": 10, "rest_s": 60}, 2.3),
        ({"sets": 2, "reps": 10, "side": "both"}, 2.7),
        ({"sets": 1, "reps": 10, "tempo": "3-1-3"}, 1.2),
        ({"sets": 1, "reps": 3, "hold_s": 30}, 1.5),
        ({"sets": 2, "hold_s": 30, "rest_s": 15, "side": "both"}, 2.5),
        ({"duration_s": 600}, 10.0),
    ],
)
def test_minutes_follow_the_formula(change, minutes):
    assert dosing.minutes({**dosing._EMPTY, **change}) == minutes


@pytest.mark.parametrize(
    ("facts", "language", "said"),
    [
        ({"surgery": {"type": "tha", "weeks_post_op": 3}, "regions": ("hip",)}, "en", "range 0-70°"),
        ({"surgery": {"type": "aclr", "weeks_post_op": 1}}, "da", "bevægelse 0-90°"),
        ({"restrictions": ({"code": "flexion_limit", "value": 80, "source_text": ""},)}, "en", "range 0-80°"),
        ({"surgery": {"type": "tka", "weeks_post_op": 1}}, "en", None),
    ],
)
def test_a_limited_range_is_said_with_the_dose(facts, language, said):
    text = dosing.dose_text(dose("heel-slide-supine", phase="protect", **facts), language)
    assert (said in text) if said else ("range" not in text)


@pytest.mark.parametrize(
    ("facts", "cap"),
    [
        ({"phase": "protect"}, 3),
        ({"phase": "restore"}, 5),
        ({"phase": "load"}, 7),
        ({"phase": "perform"}, 8),
        ({"phase": "load", "age": 70}, 5),
        ({"phase": "load", "irritability": "high"}, 3),
    ],
)
def test_effort_is_capped_by_phase_age_and_pain(facts, cap):
    assert dosing.effort_cap(Profile(**facts)) == cap


@pytest.mark.parametrize(
    ("phase", "preset", "zones"),
    [
        ("maintain", "traffic_light", [("green", 0, 3), ("amber", 4, 5), ("red", 6, 10)]),
        ("protect", "traffic_light", [("green", 0, 3), ("red", 4, 10)]),
        ("maintain", "nemex", [("green", 0, 2), ("amber", 3, 5), ("red", 6, 10)]),
        ("protect", "nemex", [("green", 0, 2), ("amber", 3, 3), ("red", 4, 10)]),
    ],
)
def test_the_pain_zones_cover_all_numbers(phase, preset, zones):
    made = dosing.pain_zones(Profile(phase=phase), preset)
    assert [(zone["colour"], zone["from"], zone["to"]) for zone in made] == zones


def test_power_has_a_dose_in_perform_only():
    hop = EXERCISES["single-heel-raise"] | {"purposes": ["power"]}
    assert [phase for phase in PHASES if dosing.has_dose(hop, phase)] == ["perform"]


def test_a_condition_slows_its_own_exercise():
    assert dose("split-squat", phase="load", condition_tags=("quad_tendinopathy",))["tempo"] == "3-0-3"
    assert dose("split-squat", phase="load")["tempo"] is None


def test_a_nerve_is_glided_on_the_side_that_hurts():
    assert dose("sciatic-nerve-slider-seated", phase="restore", regions=("lumbar",), side="left")["side"] == "left"


def test_a_single_hold_is_said_as_one():
    assert dosing.dose_text({**dosing._EMPTY, "hold_s": 20}, "en").startswith("hold 20 s, once")


@pytest.mark.parametrize(
    ("slug", "side"),
    [("heel-slide-supine", "right"), ("ankle-pumps", "affected"), ("side-lying-hip-abduction", "right")],
)
def test_the_side_is_that_of_the_first_region_and_not_of_another_that_is_named(slug, side):
    person = Profile(regions=("knee", "ankle_foot"), side="right", phase="restore")
    assert dosing.side_for(EXERCISES[slug], person) == side


@pytest.mark.parametrize(
    ("scale", "low", "high", "expected"),
    [("borg6_20", 11, 13, (4, 5)), ("borg6_20", 6, 20, (0, 10)), ("rir", 2, 4, (6, 8)), ("rpe10", 3, 5, (3, 5))],
)
def test_effort_on_other_scales_is_told_out_of_ten(scale, low, high, expected):
    made = dosing.rpe10({"scale": scale, "min": low, "max": high})
    assert (made["scale"], made["min"], made["max"]) == ("rpe10", *expected)
