"""What the clinician corrects holds, and what follows from it follows."""

import pytest

from generation.clinical import corrections
from generation.clinical.data_files import read
from generation.clinical.profile import Profile
from generation.clinical.scenario import parse

KNEE = "left knee OA, 8 months, pain 4/10, has a chair"


def correct(text: str, language: str = "en", **given) -> Profile:
    assert corrections.problems(given) == {}
    return corrections.corrected(parse(text, language), given, language)


def test_a_corrected_side_is_no_longer_unknown():
    profile = correct("knee OA", side="right")
    assert profile.side == "right"
    assert "side" not in profile.unknowns
    assert not any(line.startswith("Side") for line in profile.assumptions)
    assert profile.evidence["side"] == "corrected by the clinician"


def test_the_marker_is_in_the_language_asked_for():
    profile = correct("ondt i knæet", "da", age=70)
    assert profile.evidence["age"] == "rettet af behandleren"
    assert not any(line.startswith("Alder") for line in profile.assumptions)


def test_no_corrections_leave_the_profile_as_it_is():
    assert correct(KNEE) == parse(KNEE)


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (KNEE, {"pain_now": 8}, {"phase": "protect", "irritability": "high"}),
        (f"{KNEE}, settles quickly", {"pain_now": 8}, {"phase": "restore", "irritability": "low"}),
        (KNEE, {"irritability": "high"}, {"phase": "protect"}),
        ("shoulder pain", {"onset": {"value": 8, "unit": "week"}}, {"phase": "load", "acuity": "subacute"}),
        ("shoulder pain 8 weeks", {"onset": None}, {"phase": "restore", "acuity": None}),
        (KNEE, {"phase": "load"}, {"phase": "load"}),
        (KNEE, {"phase": "load", "pain_now": 9}, {"phase": "load"}),
        ("TKA week 1", {"surgery": {"type": "tka", "weeks_post_op": 5}}, {"phase": "restore"}),
        ("TKA week 1", {"surgery": None}, {"surgery": None, "condition_tags": (), "acuity": None, "wb_status": None}),
        ("TKA week 1", {"surgery": {"type": "tha"}}, {"condition_tags": ("after_tha",), "regions": ("hip", "knee")}),
        ("TKA week 1", {"wb_status": "FWB"}, {"wb_status": "FWB"}),
        (KNEE, {"condition_tags": ["gtps"]}, {"condition_tags": ("gtps",), "regions": ("hip", "knee")}),
        (KNEE, {"condition_tags": ["pfp"], "regions": ["knee"]}, {"regions": ("knee",), "condition_tags": ("pfp",)}),
        (KNEE, {"condition_tags": ["knee_oa", "osteoporosis"]}, {"regions": ("knee", "whole_body")}),
        (KNEE, {"regions": ["hip", "knee"]}, {"regions": ("hip", "knee"), "condition_tags": ("knee_oa",)}),
        (KNEE, {"equipment_available": ["band", "band"]}, {"equipment_available": ("band",)}),
        (
            KNEE,
            {"goals": ["walking"], "comorbidities": ["diabetes"]},
            {"goals": ("walking",), "comorbidities": ("diabetes",)},
        ),
        (KNEE, {"age": 97}, {"age": 90}),
    ],
)  # fmt: skip
def test_what_follows_from_a_correction_is_derived_anew(text, given, expected):
    profile = correct(text, **given)
    assert {name: getattr(profile, name) for name in expected} == expected


def test_a_phase_once_corrected_stays():
    profile = corrections.corrected(correct(KNEE, phase="load"), {"age": 80})
    assert profile.phase == "load"


def test_a_number_taken_back_is_unknown_again():
    profile = correct(f"72 yo, {KNEE}", age=None)
    assert profile.age is None
    assert "age" in profile.unknowns


def test_an_operation_without_its_date_is_asked_about():
    profile = correct(KNEE, surgery={"type": "aclr", "weeks_post_op": None})
    assert {"surgery_date", "weight_bearing"} <= set(profile.unknowns)
    assert profile.wb_status == "PWB"
    assert "onset" not in profile.unknowns


def test_restrictions_are_added_and_removed():
    text = "RC repair 4 weeks, in sling, cannot kneel"
    profile = correct(text, restrictions={"add": ["no_prone", {"code": "er_limit", "value": 30}], "remove": ["sling"]})
    assert {entry["code"]: entry["value"] for entry in profile.restrictions} == {
        "cannot_kneel": None,
        "no_prone": None,
        "er_limit": 30,
    }


@pytest.mark.parametrize(
    ("tick", "code"), [("jump_cleared", "hop_jump_cleared"), ("general_conditioning_ok", "general_conditioning_ok")]
)
def test_a_tick_is_a_restriction_that_comes_and_goes(tick, code):
    ticked = correct(KNEE, **{tick: True})
    assert ticked.restriction(code)
    assert corrections.corrected(ticked, {tick: False}).restriction(code) is None


def test_not_pregnant_takes_the_weeks_along():
    profile = correct("28 weeks pregnant, pelvic girdle pain", pregnant=False)
    assert not profile.pregnant
    assert profile.restriction("pregnancy_weeks") is None


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"red_flags": []}, "red_flags"),
        ({"unknowns": []}, "unknowns"),
        ({"side": "up"}, "side"),
        ({"side": None}, "side"),
        ({"regions": []}, "regions"),
        ({"regions": ["tail"]}, "regions"),
        ({"regions": "knee"}, "regions"),
        ({"condition_tags": ["after_nothing"]}, "condition_tags"),
        ({"condition_tags": [["knee_oa"]]}, "condition_tags"),
        ({"pain_now": 11}, "pain_now"),
        ({"pain_worst": True}, "pain_worst"),
        ({"age": -1}, "age"),
        ({"age": "70"}, "age"),
        ({"onset": {"value": 3, "unit": "fortnight"}}, "onset"),
        ({"onset": {"value": None, "unit": "week"}}, "onset"),
        ({"surgery": {"type": "tka", "surgeon": "x"}}, "surgery"),
        ({"surgery": {"type": "wings"}}, "surgery"),
        ({"wb_status": "some"}, "wb_status"),
        ({"phase": "fly"}, "phase"),
        ({"pregnant": "no"}, "pregnant"),
        ({"restrictions": ["sling"]}, "restrictions"),
        ({"restrictions": {"add": ["wings"]}}, "restrictions"),
        ({"restrictions": {"add": [{"code": "flexion_limit"}]}}, "restrictions"),
        ({"restrictions": {"add": [{"code": "flexion_limit", "value": 400}]}}, "restrictions"),
        ({"restrictions": {"add": [{"code": "sling", "value": 3}]}}, "restrictions"),
        ({"restrictions": {"remove": [{}]}}, "restrictions"),
    ],
)
def test_a_wrong_correction_is_refused_by_its_field(given, field):
    assert list(corrections.problems(given)) == [field]


def test_every_choice_has_both_labels_and_may_be_chosen():
    choices = corrections.choices()
    for field, options in choices.items():
        assert options, field
        for option in options:
            assert all(option["label"][language] for language in ("en", "da")), option
    for field in ("side", "phase", "irritability", "wb_status"):
        assert not any(corrections.problems({field: option["code"]}) for option in choices[field])
    for field in ("regions", "condition_tags", "equipment_available", "goals", "comorbidities"):
        assert corrections.problems({field: [option["code"] for option in choices[field]]}) == {}


def test_every_restriction_of_the_parser_may_be_chosen():
    assert {option["code"] for option in corrections.choices()["restrictions"]} == set(read("terms")["restrictions"])


def test_a_correction_never_removes_a_red_flag():
    text = "12-year-old, knee pain and a limp, saddle numbness"
    read_as = parse(text)
    profile = corrections.corrected(read_as, {"age": 45, "condition_tags": [], "regions": ["hip"]})
    fired = {flag.code for flag in corrections.screened(text, read_as, profile) if flag.status == "fired"}
    assert fired == {"child_hip", "cauda_equina"}


def test_a_correction_can_raise_a_red_flag():
    text = "knee pain and swelling"
    read_as = parse(text)
    profile = corrections.corrected(read_as, {"age": 12})
    assert [flag.code for flag in corrections.screened(text, read_as, profile)] == ["child_hip"]


def test_flags_that_were_met_stay_with_the_profile():
    met = ({"code": "bp", "tier": "CAUTION", "matched_text": "BP 185/95", "status": "fired"},)
    read_as = Profile.from_dict(parse(KNEE).as_dict() | {"red_flags": met})
    assert corrections.corrected(read_as, {"side": "right"}).red_flags == met


@pytest.mark.parametrize(
    ("earlier", "later", "expected"),
    [
        ({}, {"side": "left"}, {"side": "left"}),
        ({"side": "left", "age": 50}, {"age": 60}, {"side": "left", "age": 60}),
        (
            {"restrictions": {"add": ["cannot_kneel"], "remove": ["no_impact"]}},
            {"restrictions": {"add": ["no_prone"]}},
            {"restrictions": {"add": ["cannot_kneel", "no_prone"], "remove": ["no_impact"]}},
        ),
        (
            {"restrictions": {"add": ["cannot_kneel"]}},
            {"restrictions": {"remove": ["cannot_kneel"]}},
            {"restrictions": {"remove": ["cannot_kneel"]}},
        ),
        (
            {"restrictions": {"remove": ["cannot_kneel", "no_prone"]}},
            {"restrictions": {"add": ["cannot_kneel"]}},
            {"restrictions": {"add": ["cannot_kneel"], "remove": ["no_prone"]}},
        ),
        (
            {"restrictions": {"add": [{"code": "flexion_limit", "value": 60}]}},
            {"restrictions": {"add": [{"code": "flexion_limit", "value": 90}]}},
            {"restrictions": {"add": [{"code": "flexion_limit", "value": 90}]}},
        ),
        (
            {"restrictions": {"add": ["cannot_kneel"]}},
            {"restrictions": {}},
            {"restrictions": {"add": ["cannot_kneel"]}},
        ),
        ({"age": 50}, {"restrictions": {}}, {"age": 50}),
        # A tick is a restriction by another name.
        ({"restrictions": {"add": ["hop_jump_cleared"]}}, {"jump_cleared": False}, {"jump_cleared": False}),
        (
            {"jump_cleared": True},
            {"restrictions": {"remove": ["hop_jump_cleared"]}},
            {"restrictions": {"remove": ["hop_jump_cleared"]}},
        ),
        ({"restrictions": {"add": ["pregnancy_weeks"]}}, {"pregnant": False}, {"pregnant": False}),
        (
            {"pregnant": False},
            {"restrictions": {"add": ["pregnancy_weeks"]}},
            {"restrictions": {"add": ["pregnancy_weeks"]}},
        ),
    ],
)
def test_of_two_corrections_the_later_wins_code_by_code(earlier, later, expected):
    assert corrections.merged(earlier, later) == expected
    assert corrections.problems(expected) == {}


def test_what_is_cleared_and_then_not_is_not_cleared():
    first = {"restrictions": {"add": ["hop_jump_cleared"]}}
    profile = correct(KNEE, **corrections.merged(first, {"jump_cleared": False}))
    assert "hop_jump_cleared" not in {entry["code"] for entry in profile.restrictions}
