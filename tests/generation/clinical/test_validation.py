"""Checks catch what any engine may get wrong. Source: domain.md 4."""

import pytest

from generation.clinical import dosing, library, selection
from generation.clinical.constraints import constraints_for
from generation.clinical.profile import Profile
from generation.clinical.validation import Check

EXERCISES = {exercise["slug"]: exercise for exercise in library.load().exercises}
PERSON = Profile(regions=("knee",), side="right", phase="restore", pain_now=4, age=40)


def check(profile: Profile = PERSON) -> Check:
    return Check(profile, constraints_for(profile), EXERCISES)


def item(slug: str, profile: Profile = PERSON, **dose) -> dict:
    made = dosing.dose_for(EXERCISES[slug], profile)
    return {"slug": slug, "role": "strength", "dose": {**made, **dose}, "progress_when": "later"}


def codes(entry: dict, earlier=(), profile: Profile = PERSON) -> list[tuple[str, str]]:
    return [(f.code, f.severity) for f in check(profile).item(entry, list(earlier))[1]]


def test_a_good_item_passes():
    assert codes(item("bridge")) == []


def test_an_exercise_that_was_not_offered_is_refused():
    assert codes({"slug": "made-up", "dose": {}}) == [("V03", "error")]


def test_the_same_exercise_twice_is_refused():
    assert codes(item("bridge"), [item("bridge")]) == [("V02", "error")]


def test_two_of_a_kind_are_refused():
    assert codes(item("seated-knee-flexion-slide"), [item("heel-slide-supine")]) == [("V02", "error")]


def test_a_forbidden_exercise_is_refused():
    person = Profile(regions=("ankle_foot",), phase="restore", wb_status="NWB")
    assert ("V05", "error") in codes(item("bridge", person), profile=person)


def test_an_exercise_too_hard_for_the_phase_is_refused():
    person = Profile(regions=("knee",), phase="load")
    too_early = item("step-down", person)
    assert ("V07", "error") in codes(too_early)


@pytest.mark.parametrize(("reps", "expected"), [(22, ("V04", "warning")), (30, ("V04", "error"))])
def test_a_dose_near_its_bounds_is_mended_and_a_far_one_refused(reps, expected):
    assert codes(item("bridge", reps=reps)) == [expected]


def test_a_mended_dose_is_inside():
    mended, _ = check().item(item("bridge", reps=22), [])
    assert mended["dose"]["reps"] == 20


def test_a_wrong_side_is_set_right():
    mended, found = check().item(item("heel-slide-supine", side="left"), [])
    assert mended["dose"]["side"] == "right"
    assert [f.code for f in found] == ["V08"]


def program(*slugs: str, **change) -> dict:
    items = [item(slug) | {"role": selection.role_of(EXERCISES[slug])} for slug in slugs]
    return {"items": items, "pain_rule": "x", "stop_rules": ["x"], "review_in_days": 14, **change}


GOOD = ("heel-slide-supine", "bridge", "straight-leg-raise", "weight-shift")


@pytest.mark.parametrize(
    ("given", "profile", "expected"),
    [
        (program(*GOOD), PERSON, []),
        (program(*GOOD[:3]), PERSON, ["V02"]),
        (program(*GOOD, stop_rules=[]), PERSON, ["V12"]),
        (program(*GOOD, review_in_days=None), PERSON, ["V12"]),
        (program("heel-slide-supine", "ankle-pumps", "heel-prop-extension", "seated-march"), PERSON, ["V09"]),
        (
            program(*GOOD),
            Profile(
                regions=("knee",), side="right", phase="restore", restrictions=({"code": "time_budget", "value": 5},)
            ),
            ["V10"],
        ),
    ],
)
def test_a_whole_program_is_checked(given, profile, expected):
    assert [finding.code for finding in check(profile).program(given)] == expected
