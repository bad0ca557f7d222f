"""What holds for anybody and any library. Source: domain.md 2.5, 3.3 and 3.5."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.clinical import dosing, library, program, selection
from generation.clinical.constraints import ALL, constraints_for
from generation.clinical.data_files import phrases, read
from generation.clinical.phase import PHASES
from generation.clinical.profile import Profile
from generation.clinical.validation import Check

EXERCISES = library.load().exercises
CODES = list(ALL)


def table(name: str) -> list[str]:
    return list(read("terms")[name])


def some(codes: list[str], most: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(codes), max_size=most, unique=True).map(tuple)


TAGS = [entry["tag"] for entry in read("conditions")]


def person(**facts) -> Profile:
    """As the parser gives an operation: as a condition too, and that the first."""
    operated = facts["surgery"]
    tags = (f"after_{operated['type']}", *facts["condition_tags"]) if operated else facts["condition_tags"]
    return Profile(**facts | {"condition_tags": tags})


profiles = st.builds(
    person,
    regions=st.lists(st.sampled_from(list(read("quotas")["neighbours"])), min_size=1, max_size=2, unique=True).map(
        tuple
    ),
    side=st.sampled_from(["left", "right", "both", "unknown"]),
    condition_tags=some(TAGS, 3),
    phase=st.sampled_from(PHASES),
    pain_now=st.none() | st.integers(0, 10),
    irritability=st.sampled_from(["low", "mod", "high"]),
    age=st.none() | st.integers(16, 90),
    pregnant=st.booleans(),
    comorbidities=some(table("comorbidities"), 2),
    restrictions=some(table("restrictions"), 3).map(
        lambda codes: tuple({"code": code, "value": 20, "source_text": ""} for code in codes)
    ),
    surgery=st.none()
    | st.builds(
        lambda kind, weeks: {"type": kind, "weeks_post_op": weeks},
        st.sampled_from([entry["type"] for entry in read("surgeries")]),
        st.none() | st.integers(0, 30),
    ),
    wb_status=st.sampled_from([None, "NWB", "TTWB", "PWB", "WBAT", "FWB"]),
    equipment_available=some(table("equipment"), 3),
    goals=some([goal["code"] for goal in read("goals")], 2),
)
libraries = st.just(EXERCISES) | st.sets(st.sampled_from(range(len(EXERCISES))), min_size=1).map(
    lambda places: tuple(EXERCISES[place] for place in sorted(places))
)


def planned(profile: Profile, exercises) -> tuple[selection.Offer, list[selection.Pick]]:
    offer = selection.offer(exercises, profile, constraints_for(profile))
    return offer, selection.plan(offer.candidates, profile)


@settings(max_examples=250, deadline=None)
@given(profiles, libraries)
def test_no_program_holds_what_the_person_must_not_do(profile, exercises):
    limits = constraints_for(profile)
    _, picks = planned(profile, exercises)
    for pick in picks:
        assert not any(limit.excludes(pick.exercise) for limit in limits)
        assert pick.exercise["level"] <= selection.level_cap(profile)
        assert profile.phase in pick.exercise["phases"]


@settings(max_examples=250, deadline=None)
@given(profiles, libraries)
def test_there_are_four_to_eight_of_different_kinds_or_a_stated_reason(profile, exercises):
    offer, picks = planned(profile, exercises)
    groups = [pick.exercise["variation_group"] for pick in picks]
    assert len(groups) == len(set(groups))
    assert len(picks) <= selection.MAX_ITEMS
    if len(picks) < 2:
        assert program.library_reason(profile, offer.direct, len(picks), "en", offer.excluded)
    elif len(picks) < selection.MIN_ITEMS:
        made = program.assemble(items_of(picks, profile, "en"), profile, [], [], None, "en", offer)
        assert phrases("en")["limited"] in made["warnings"]


def items_of(picks, profile, language):
    exercises = [pick.exercise for pick in picks]
    names = program.names(exercises, language)
    reasons = program.reasons(exercises, profile, language)
    return [
        program.item(
            {"slug": pick.exercise["slug"], "role": pick.role, "dose": pick.dose, "reason": reason},
            pick.exercise,
            profile,
            names,
            language,
        )
        for pick, reason in zip(picks, reasons, strict=True)
    ]


@settings(max_examples=250, deadline=None)
@given(profiles)
def test_every_dose_is_within_its_bounds(profile):
    for pick in planned(profile, EXERCISES)[1]:
        assert dosing.clamp(pick.dose, pick.exercise) == pick.dose
        if pick.dose["effort"]:
            assert pick.dose["effort"]["max"] <= dosing.effort_cap(profile)


@settings(max_examples=100, deadline=None)
@given(profiles, st.randoms())
def test_the_same_person_gets_the_same_program(profile, chance):
    shuffled = list(EXERCISES)
    chance.shuffle(shuffled)
    assert planned(profile, EXERCISES)[1] == planned(profile, shuffled)[1]


@settings(max_examples=150, deadline=None)
@given(profiles, st.sampled_from(CODES))
def test_one_more_constraint_never_adds_what_it_excludes(profile, code):
    limits = constraints_for(profile)
    before = {e["slug"] for e in selection.offer(EXERCISES, profile, limits).candidates}
    after = selection.offer(EXERCISES, profile, [*limits, ALL[code]]).candidates
    assert {exercise["slug"] for exercise in after} <= before
    assert not any(ALL[code].excludes(pick.exercise) for pick in selection.plan(after, profile))


@pytest.mark.parametrize("language", ["en", "da"])
@settings(max_examples=120, deadline=None)
@given(profile=profiles)
def test_what_is_composed_passes_its_own_checks(language, profile):
    offer, picks = planned(profile, EXERCISES)
    limits = constraints_for(profile)
    check = Check(profile, limits, {exercise["slug"]: exercise for exercise in offer.candidates}, language)
    whole = program.assemble(items_of(picks, profile, language), profile, limits, [], None, language, offer)
    assert [finding.message for finding in check.program(whole) if finding.severity == "error"] == []
