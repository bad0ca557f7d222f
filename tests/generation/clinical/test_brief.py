"""A model is told what to choose by, and nothing that says whose case it is. Source: domain.md 4 and 7."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings

from generation.clinical import dosing, library, selection
from generation.clinical.brief import brief
from generation.clinical.constraints import constraints_for
from generation.clinical.profile import Profile
from generation.clinical.scenario import parse
from generation.clinical.validation import Check
from tests.generation.clinical.test_properties import profiles

EXERCISES = library.load().exercises
KNEE = "70 yo, right knee OA, 8 months, pain 4/10, has stairs"
CASES = [
    (KNEE, "en"),
    ("Low back pain for 3 weeks, 45 years, pain 5/10, sits at work, wants to lift", "en"),
    ("Frossen skulder højre, 52 år, 4 måneder, smerte 3/10", "da"),
    ("ACL reconstruction left 20 weeks ago, 24 years, wants football", "en"),
]


def told(profile: Profile, case: str = "", decided=(), language: str = "en") -> dict:
    limits = constraints_for(profile)
    offered = {exercise["slug"]: exercise for exercise in selection.offer(EXERCISES, profile, limits).candidates}
    return brief(case, profile, Check(profile, limits, offered, language), decided, language)


def test_it_holds_the_case_the_person_and_the_bounds_of_the_choice():
    surgery = {"type": "tka", "weeks_post_op": 3.0}
    limit = {"code": "flexion_max", "value": 90, "source_text": "flex to 90"}
    person = Profile(
        regions=("knee",), side="right", age=70, surgery=surgery, restrictions=(limit,), unknowns=("pain",)
    )
    whole = told(person, "[name], knee", ["bridge"])
    assert list(whole) == [
        "case", "profile", "candidates", "constraints", "decided", "most_items", "minutes_budget", "language",
    ]  # fmt: skip
    assert whole["case"] == "[name], knee"
    assert (whole["decided"], whole["most_items"], whole["minutes_budget"]) == (["bridge"], 5, 25)
    assert whole["profile"] == {
        "regions": ["knee"],
        "side": "right",
        "phase": "restore",
        "irritability": "low",
        "age": 70,
        "restrictions": [{"code": "flexion_max", "value": 90}],
        "surgery": surgery,
        "unknowns": ["pain"],
    }


def test_a_candidate_has_what_it_is_and_what_this_person_would_do_of_it():
    profile = parse(KNEE)
    found = {candidate["slug"]: candidate for candidate in told(profile)["candidates"]}
    exercise = next(e for e in EXERCISES if e["slug"] == "bridge")
    dose = dosing.dose_for(exercise, profile)
    assert found["bridge"] == {
        "slug": "bridge",
        "name": exercise["text"]["en"]["name"],
        "purposes": exercise["purposes"],
        "level": exercise["level"],
        "demands": exercise["demands"],
        "kind": exercise["variation_group"],
        "regions": exercise["body_regions"],
        "dose": found["bridge"]["dose"],
        "minutes": dose["estimated_minutes"],
    }
    assert found["bridge"]["dose"]["sets"] == dose["sets"]
    assert found["bridge"]["dose"]["frequency"]["days_per_week"] == dose["frequency"]["days_per_week"]


def test_names_are_in_the_language_of_the_run():
    names = {candidate["slug"]: candidate["name"] for candidate in told(parse(KNEE), language="da")["candidates"]}
    assert names["bridge"] == next(e for e in EXERCISES if e["slug"] == "bridge")["text"]["da"]["name"]


def test_no_pain_is_a_fact():
    assert told(replace(parse(KNEE), pain_now=0))["profile"]["pain_now"] == 0


@pytest.mark.parametrize(("age", "said"), [(89, 89), (90, "90+"), (97, "90+")])
def test_a_great_age_is_not_told(age, said):
    assert told(replace(parse(KNEE), age=age))["profile"]["age"] == said


def test_the_words_that_were_read_stay_here():
    limit = {"code": "sling", "value": None, "source_text": "Dr Anne Smith said: sling"}
    flag = {"code": "bp", "tier": "STOP-urgent", "matched_text": "Smith", "status": "negated"}
    profile = replace(
        parse(KNEE), restrictions=(limit,), red_flags=(flag,), evidence={"age": "Smith"}, assumptions=("Smith",)
    )
    whole = told(profile)
    assert "Smith" not in json.dumps(whole)
    assert whole["profile"]["restrictions"] == [{"code": "sling"}]


@settings(max_examples=60, deadline=None)
@given(profiles)
def test_nothing_in_it_is_empty_and_all_of_it_is_json(profile):
    whole = json.loads(json.dumps(told(profile)))
    assert whole == told(profile)
    for part in (whole["profile"], *whole["candidates"], *whole["constraints"]):
        assert [name for name, value in part.items() if value in (None, "", [], {}) or value is False] == []


@pytest.mark.parametrize(("case", "language"), CASES)
def test_it_is_less_than_half_of_what_the_composer_gets(case, language):
    profile = parse(case, language)
    whole = told(profile, case, language=language)
    views = [selection.view(e, language) for e in EXERCISES if e["slug"] in {c["slug"] for c in whole["candidates"]}]
    assert len(json.dumps(whole, ensure_ascii=False)) < len(json.dumps(views, ensure_ascii=False)) / 2
