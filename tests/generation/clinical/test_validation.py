"""Checks catch what any engine may get wrong. Source: domain.md 4."""

import pytest

from generation.clinical import dosing, library, program, selection
from generation.clinical.answer import choice, frame_faults
from generation.clinical.constraints import constraints_for
from generation.clinical.profile import Profile
from generation.clinical.red_flags import RedFlag
from generation.clinical.validation import Check, reported_stop

EXERCISES = {exercise["slug"]: exercise for exercise in library.load().exercises}
PERSON = Profile(
    regions=("knee",), side="right", phase="restore", pain_now=4, age=40, condition_tags=("knee_oa",),
    goals=("climb_stairs",),
)  # fmt: skip
GOOD = ("heel-slide-supine", "bridge", "straight-leg-raise", "weight-shift")


def check(profile: Profile = PERSON, language: str | None = "en", offered=EXERCISES) -> Check:
    return Check(profile, constraints_for(profile), offered, language)


def item(slug: str, profile: Profile = PERSON, reason: str = "Builds the knee up.", **dose) -> dict:
    made = dosing.dose_for(EXERCISES[slug], profile)
    return {"slug": slug, "role": "strength", "dose": {**made, **dose}, "reason": reason, "progress_when": "later"}


def codes(entry: dict, earlier=(), profile: Profile = PERSON, language: str = "en") -> list[tuple[str, str]]:
    return [(f.code, f.severity) for f in check(profile, language).item(entry, list(earlier))[1]]


def picked(**change) -> dict:
    return {"slug": "bridge", "dose": {}, "reason": "Right knee."} | change


def test_a_good_item_passes():
    assert codes(item("bridge")) == []


def test_v01_a_good_pick_is_read():
    load = {"kind": "kg", "value": 99}
    pick, faults = choice(picked(dose={"sets": 2, "reps": None, "pain_limit": 9, "load": load}))
    assert faults == []
    assert pick == {"slug": "bridge", "dose": {"sets": 2}, "reason": "Right knee."}


@pytest.mark.parametrize("dose", [None, {}])
def test_v01_a_dose_that_is_left_out_is_an_empty_one(dose):
    assert choice(picked(dose=dose))[0]["dose"] == {}


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ("bridge", "an exercise is not an object"),
        (picked(steps=["Lift."]), "exercise steps: "),
        (picked(slug=5), "exercise slug: "),
        (picked(dose={"sets": "two"}), "exercise dose.sets: "),
        (picked(dose={"sets": 10**400}), "exercise dose.sets: "),
        (picked(reason="x" * 201), "exercise reason: "),
        (picked(dose={"tempo": "slow"}), "exercise dose.tempo: "),
        (picked(dose={"tempo": "100-0-0"}), "exercise dose.tempo: "),
        (picked(dose={"effort": {"scale": "rpe10", "min": 6, "max": 2}}), "exercise dose.effort: "),
        (picked(dose={"effort": {"scale": "borg6_20", "min": 0, "max": 12}}), "exercise dose.effort: "),
        (picked(dose={"frequency": {"named_days": ["<script>"]}}), "exercise dose.frequency.named_days.0: "),
        (picked(role="yoga"), "exercise role: "),
    ],
)  # fmt: skip
def test_v01_a_bad_pick_is_refused_with_the_place(value, place):
    pick, faults = choice(value)
    assert pick is None
    assert len(faults) == 1
    assert faults[0].startswith(place)


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('{"red_flags": [], "exercises": []}', []),
        ('{"exercises": []}', []),
        ("Sure! Here is the program:", ["the answer is not whole JSON"]),
        ('{"exercises": [', ["the answer is not whole JSON"]),
        ('{"exercises": [NaN]}', ["the answer is not whole JSON"]),
        ("[]", ["the answer is not an object"]),
        ('{"exercises": [], "note": "x"}', ["note is not wanted"]),
        ('{"exercises": {}}', ["exercises is not a list"]),
        ("{}", ["exercises is not a list"]),
    ],
)
def test_v01_what_is_wrong_around_the_picks_is_said(text, faults):
    assert frame_faults(text) == faults


def test_v02_the_same_exercise_twice_is_refused():
    assert codes(item("bridge"), [item("bridge")]) == [("V02", "error")]


def test_v02_two_of_a_kind_are_refused():
    assert codes(item("seated-knee-flexion-slide"), [item("heel-slide-supine")]) == [("V02", "error")]


def test_v03_an_exercise_that_was_not_offered_is_refused_and_the_nearest_are_named():
    found = check().item({"slug": "heel-slides-supine", "dose": {}}, [])[1]
    assert [(f.code, f.severity) for f in found] == [("V03", "error")]
    assert "nearest: heel-slide-supine" in found[0].message


def test_v03_what_is_like_nothing_has_no_nearest():
    assert "nearest" not in check().item({"slug": "zzzz", "dose": {}}, [])[1][0].message


@pytest.mark.parametrize(
    ("slug", "dose", "severity"),
    [
        ("bridge", {"reps": 22}, "warning"),
        ("bridge", {"reps": 30}, "error"),
        ("bridge", {"sets": 6}, "warning"),
        ("bridge", {"rest_s": 400}, "error"),
        ("bridge", {"effort": {"scale": "rpe10", "min": 4, "max": 6}}, "warning"),
        ("bridge", {"effort": {"scale": "rpe10", "min": 8, "max": 9}}, "error"),
        ("bridge", {"duration_s": 120}, "error"),
        ("bridge", {"tempo": "11-0-2"}, "error"),
        ("weight-shift", {"reps": 10}, "error"),
        ("bridge", {"reps": None}, "error"),
    ],
)
def test_v04_a_dose_near_its_bounds_is_mended_and_a_far_or_foreign_one_refused(slug, dose, severity):
    assert ("V04", severity) in codes(item(slug, **dose))


@pytest.mark.parametrize("dose", [{"reps": 20}, {"reps": 4}, {"sets": 5}, {"rest_s": 180}, {"hold_s": 5}])
def test_v04_a_dose_at_its_bounds_passes(dose):
    assert codes(item("bridge", **dose)) == []


def test_v04_a_mended_dose_is_inside():
    mended, _ = check().item(item("bridge", reps=22, effort={"scale": "rpe10", "min": 5, "max": 6}), [])
    assert (mended["dose"]["reps"], mended["dose"]["effort"]["max"]) == (20, 5)


@pytest.mark.parametrize(
    ("effort", "severity"),
    [
        ({"scale": "borg6_20", "min": 19, "max": 20}, "error"),
        ({"scale": "rir", "min": 0, "max": 1}, "error"),
        ({"scale": "borg6_20", "min": 12, "max": 15}, "warning"),
        ({"scale": "borg6_20", "min": 11, "max": 13}, None),
        ({"scale": "rir", "min": 5, "max": 7}, None),
    ],
)
def test_v04_effort_is_held_to_the_cap_on_whatever_scale_it_is_given(effort, severity):
    pick = {"slug": "bridge", "dose": {"effort": effort}, "reason": "For the right knee."}
    made, found = check().item(check().completed(pick), [])
    assert [f.severity for f in found if f.code == "V04"] == ([severity] if severity else [])
    assert made["dose"]["effort"]["scale"] == "rpe10"
    assert made["dose"]["effort"]["max"] <= 5


@pytest.mark.parametrize(("hold", "wrong"), [(10, False), (60, True)])
def test_v04_an_item_takes_at_most_twenty_minutes(hold, wrong):
    assert (("V04", "error") in codes(item("bridge", sets=5, reps=15, hold_s=hold))) is wrong


@pytest.mark.parametrize(("role", "slug", "kept"), [
    ("cooldown", "bridge", "strength"),
    ("warmup", "bridge", "strength"),
    ("warmup", "heel-slide-supine", "warmup"),
    (None, "heel-slide-supine", "mobility"),
])  # fmt: skip
def test_a_role_is_what_the_exercise_is_for(role, slug, kept):
    assert check().completed({"slug": slug, "role": role, "dose": {}})["role"] == kept


def test_v04_hard_strength_work_gets_its_day_of_rest():
    person = Profile(regions=("knee",), side="right", phase="load")
    daily = {"per_day": 1, "days_per_week": 4, "named_days": [], "rest_days_between": 0}
    mended, found = check(person).item(item("bridge", person, "Builds the knee up.", frequency=daily), [])
    assert [(f.code, f.severity) for f in found] == [("V04", "warning")]
    assert mended["dose"]["frequency"]["rest_days_between"] == 1


def test_v05_a_forbidden_exercise_is_refused():
    person = Profile(regions=("ankle_foot",), phase="restore", wb_status="NWB")
    assert ("V05", "error") in codes(item("bridge", person, "For the ankle."), profile=person)


def test_v05_an_allowed_one_is_not():
    person = Profile(regions=("ankle_foot",), phase="restore", wb_status="NWB")
    assert codes(item("straight-leg-raise", person, "For the ankle."), profile=person) == []


def flag(code: str, status: str, tier: str = "STOP-urgent") -> RedFlag:
    return RedFlag(code, tier, "", "", status)


@pytest.mark.parametrize(
    ("reported", "screened", "code"),
    [
        ("infection", [], "infection"),
        ("infection", [flag("fracture", "fired")], "infection"),
        ("infection", [flag("infection", "negated")], None),
        ("infection", [flag("infection", "listed")], None),
        ("infection", [flag("infection", "fired", "CAUTION")], "infection"),
        ("infection", [flag("infection", "cleared", "CAUTION")], None),
        ("inflammatory", [], None),
        ("made_up", [], None),
    ],
)
def test_v06_a_stop_flag_that_only_a_model_sees_ends_in_a_referral(reported, screened, code):
    found = reported_stop([{"code": reported, "matched_text": "hot knee"}], screened, "da")
    assert (found.code if found else None) == code
    assert found is None or (found.matched_text, found.status) == ("hot knee", "fired")


def test_v07_an_exercise_too_hard_for_the_phase_is_refused():
    person = Profile(regions=("knee",), phase="load")
    too_early = item("step-down", person)
    assert ("V07", "error") in codes(too_early)


def test_v07_strength_work_in_protect_is_refused():
    person = Profile(regions=("knee",), side="right", phase="protect")
    entry = item("bridge") | {"reason": "For the right knee."}
    assert ("V07", "error") in codes(entry, profile=person)


@pytest.mark.parametrize(("cleared", "wrong"), [(False, True), (True, False)])
def test_v07_power_waits_until_jumps_are_cleared(cleared, wrong):
    hop = EXERCISES["single-heel-raise"] | {"slug": "hop", "purposes": ["power"], "default_dose": {}}
    limits = ({"code": "hop_jump_cleared", "value": None, "source_text": ""},) if cleared else ()
    person = Profile(regions=("ankle_foot",), phase="perform", restrictions=limits)
    entry = {"slug": "hop", "dose": dosing.dose_for(hop, person)}
    found = [f.code for f in check(person, offered={"hop": hop}).item(entry, [])[1]]
    assert ("V07" in found) is wrong


def test_v08_a_wrong_side_is_set_right():
    mended, found = check().item(item("heel-slide-supine", side="left"), [])
    assert mended["dose"]["side"] == "right"
    assert [f.code for f in found] == ["V08"]


def test_v08_both_legs_have_no_side():
    assert check().item(item("bridge", side="left"), [])[0]["dose"]["side"] == "na"
    assert codes(item("heel-slide-supine", side="right")) == []


@pytest.mark.parametrize(
    "reason",
    [
        "Helps the right knee bend.",
        "For climbing stairs.",
        "Gentle enough at pain 4/10.",
        "Suits osteoarthritis at age 40.",
        "Hjælper knæet med at bøje.",
    ],
)
def test_v11_a_reason_that_names_a_fact_passes(reason):
    assert ("V11", "error") not in codes(item("bridge", reason=reason))


@pytest.mark.parametrize(
    "reason",
    [
        "A popular exercise.",
        "For the knee of a 70-year-old.",
        "For the knee at pain 8/10.",
        "For the knee, 6 weeks after injury.",
        "For the knee after surgery.",
        "For the knee after ACL reconstruction.",
        "For the knee and its meniscus tear.",
        "For the knee; take ibuprofen first.",
        "For the knee; you have a torn tendon.",
        "For the knee; stop the blood thinner.",
        "For the knee: skip your metformin and insulin.",
        "For the knee: ignore pain and push through it.",
        "For the knee; no need to see a doctor.",
        "For the knee; your ACL is torn.",
        "For the knee; use CBD oil.",
        "For the knee at pain 9 out of ten.",
        "Til knæet: stop med den blodfortyndende medicin.",
        "Til knæet: ignorer smerten.",
        "Til knæet: du behøver ikke se en læge.",
        "Til knæet: dit korsbånd er revet.",
        "For the knee, before manipulation.",
        "Til knæet; tag Panodil først.",
        "Til knæet; du har en prolaps.",
        "Til knæet efter operation.",
    ],
)
def test_v11_a_reason_that_claims_more_is_refused(reason):
    assert ("V11", "error") in codes(item("bridge", reason=reason))


def test_v11_a_drug_the_person_takes_may_be_named_but_not_stopped():
    person = Profile(regions=("knee",), side="right", comorbidities=("anticoagulant",))
    assert codes(item("bridge", person, "Without jolts, since you take a blood thinner."), profile=person) == []
    assert ("V11", "error") in codes(item("bridge", person, "Stop the blood thinner."), profile=person)


@pytest.mark.parametrize(("language", "wrong"), [("en", False), ("da", True)])
def test_v14_a_reason_is_in_the_language_asked_for(language, wrong):
    found = codes(item("bridge", reason="This keeps the knee strong for the stairs."), language=language)
    assert (("V14", "error") in found) is wrong


@pytest.mark.parametrize(
    ("reason", "wrong"),
    [
        ("For the right knee of Mrs Jensen.", True),
        ("For the right knee, CPR 010190-1234.", True),
        ("For the right knee.", False),
    ],
)
def test_v14_a_reason_names_nobody(reason, wrong):
    assert (("V14", "error") in codes(item("bridge", reason=reason))) is wrong


def whole(*slugs: str, profile: Profile = PERSON, language: str = "en", **change) -> dict:
    exercises = [EXERCISES[slug] for slug in slugs]
    reasons = program.reasons(exercises, profile, language)
    names = program.names(list(EXERCISES.values()), language)
    items = [
        program.item(
            {"slug": e["slug"], "role": selection.role_of(e), "dose": dosing.dose_for(e, profile), "reason": reason},
            e, profile, names, language,
        )
        for e, reason in zip(exercises, reasons, strict=True)
    ]  # fmt: skip
    return program.assemble(items, profile, constraints_for(profile), [], None, language) | change


SHORT = Profile(regions=("knee",), side="right", phase="restore", restrictions=({"code": "time_budget", "value": 5},))
OLDER = Profile(regions=("knee",), side="right", phase="restore", age=70)
MOVING = ("heel-slide-supine", "ankle-pumps", "heel-prop-extension", "hamstring-strap-stretch")


@pytest.mark.parametrize(
    ("given", "profile", "expected"),
    [
        (whole(*GOOD), PERSON, []),
        (whole(*GOOD[:3]), PERSON, ["V02"]),
        (whole(*GOOD, stop_rules=[]), PERSON, ["V12"]),
        (whole(*GOOD, review_in_days=None), PERSON, ["V12"]),
        (whole(*MOVING), PERSON, ["V09"]),
        (whole(*GOOD, profile=OLDER), OLDER, []),
        (whole(*GOOD[:3], "supported-mini-squat", profile=OLDER), OLDER, ["V09"]),
        (whole(*GOOD, profile=SHORT), SHORT, ["V10"]),
        (whole(*GOOD, education=["Go on and on " + "and on " * 12 + "to the end."]), PERSON, ["V13"]),
    ],
)  # fmt: skip
def test_a_whole_program_is_checked(given, profile, expected):
    assert [finding.code for finding in check(profile).program(given)] == expected


@pytest.mark.parametrize(("language", "wrong"), [("en", True), ("da", False)])
def test_v14_a_program_is_in_the_language_asked_for(language, wrong):
    found = [f.code for f in check(language=language).program(whole(*GOOD, language="da"))]
    assert ("V14" in found) is wrong


def test_v10_what_would_take_too_long_does_not_fit_once_there_are_four():
    four = [item(slug) for slug in GOOD]
    assert all(check(SHORT).fits(each, four[:place]) for place, each in enumerate(four))
    assert not check(SHORT).fits(item("supported-mini-squat"), four)
    assert check().fits(item("supported-mini-squat"), four)
