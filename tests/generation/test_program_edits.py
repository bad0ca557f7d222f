"""What a clinician may change in a program, and what is refused with its reason (domain.md 3.3, 4, 6)."""

from copy import deepcopy

import pytest

from generation.clinical import constraints, editing
from generation.clinical.alternatives import alternatives
from generation.clinical.data_files import read
from generation.clinical.profile import Profile
from generation.clinical.validation import Check
from generation.errors import EditRefused, ExerciseExcluded, Invalid
from tests.generation.program_making import KNEE, SHIPPED, bench, content_for, slugs


@pytest.fixture
def content():
    return content_for()


def edited(content, action, **fields):
    return editing.apply(content, bench(), action, **fields)


def item_of(content, slug):
    return next(item for item in content["items"] if item["slug"] == slug)


def test_no_edit_changes_the_content_it_is_given(content):
    before = deepcopy(content)
    first, second = slugs(content)[:2]
    to = alternatives(content, first, bench())[0]["slug"]
    for action, fields in {
        "swap": {"slug": first, "to": to},
        "move": {"slug": second, "direction": "up"},
        "dose": {"slug": first, "sets": 1},
        "remove": {"slug": first},
        "note": {"slug": first, "text": "Slowly"},
    }.items():
        assert edited(content, action, **fields) != before
        assert content == before


def test_a_swap_takes_the_place_with_a_dose_of_its_own(content):
    before = slugs(content)
    to = alternatives(content, before[1], bench())[0]["slug"]
    after = edited(content, "swap", slug=before[1], to=to)
    assert slugs(after) == [before[0], to, *before[2:]]
    assert after["items"][1]["steps"] == SHIPPED[to]["text"]["en"]["steps"]
    assert after["items"][1]["reason"]


def test_a_warm_up_is_swapped_for_a_warm_up(content):
    first = content["items"][0]
    assert first["role"] == "warmup"
    to = alternatives(content, first["slug"], bench())[0]["slug"]
    assert edited(content, "swap", slug=first["slug"], to=to)["items"][0]["role"] == "warmup"


def test_an_exercise_moves_one_place(content):
    a, b, *rest = slugs(content)
    assert slugs(edited(content, "move", slug=b, direction="up")) == [b, a, *rest]
    assert slugs(edited(content, "move", slug=a, direction="down")) == [b, a, *rest]


@pytest.mark.parametrize(("place", "direction", "reason"), [(0, "up", "first_place"), (-1, "down", "last_place")])
def test_at_the_end_there_is_nowhere_to_move(content, place, direction, reason):
    with pytest.raises(EditRefused) as refused:
        edited(content, "move", slug=slugs(content)[place], direction=direction)
    assert refused.value.reason == reason


def test_a_dose_is_rewritten_with_its_words_and_minutes(content):
    after = edited(content, "dose", slug="bridge", sets=2, reps=12, hold_s=5, days_per_week=3)
    bridge = item_of(after, "bridge")
    assert bridge["dose_text"].startswith("2 sets of 12, hold 5 s, 3 days a week")
    assert "2 sets of 12" in bridge["progress_when"]
    assert bridge["dose"]["estimated_minutes"] != item_of(content, "bridge")["dose"]["estimated_minutes"]
    assert after["total_minutes"] == round(sum(item["dose"]["estimated_minutes"] for item in after["items"]))
    assert f"about {after['total_minutes']} minutes" in after["summary_for_patient"]


def test_every_dose_within_the_bounds_passes_and_one_beyond_is_an_error_that_names_them(content):
    for item in content["items"]:
        allowed = editing.bounds(SHIPPED[item["slug"]], item["dose"])
        for name, (low, high) in allowed.items():
            for value in (low, high):
                after = item_of(edited(content, "dose", slug=item["slug"], **{name: value}), item["slug"])
                assert after["dose"].get(name, after["dose"]["frequency"].get(name)) == value
            for value in (low - 1, high + 1):
                with pytest.raises(Invalid) as fault:
                    edited(content, "dose", slug=item["slug"], **{name: value})
                assert fault.value.fields == {name: [f"{low} to {high} is allowed for this exercise."]}


def test_the_bounds_of_the_exercise_are_narrower_than_those_of_its_kind(content):
    strict = SHIPPED | {"bridge": SHIPPED["bridge"] | {"dose_bounds": {"reps": [8, 10]}}}
    with pytest.raises(Invalid, match="8 to 10"):
        editing.apply(content, bench(shipped=strict), "dose", slug="bridge", reps=11)


def test_a_hold_without_repetitions_gets_none(content):
    held = next(item for item in content["items"] if item["dose"]["reps"] is None and item["dose"]["hold_s"])
    with pytest.raises(Invalid) as fault:
        edited(content, "dose", slug=held["slug"], reps=10)
    assert list(fault.value.fields) == ["reps"]


def test_a_dose_without_any_part_is_an_error(content):
    with pytest.raises(Invalid, match="at least one"):
        edited(content, "dose", slug="bridge")


def test_a_program_of_few_exercises_says_so_until_there_are_more(content):
    assert not any("Few exercises" in warning for warning in content["warnings"])
    fewer = content
    while len(fewer["items"]) > 3:
        fewer = edited(fewer, "remove", slug=slugs(fewer)[-1])
    assert fewer["warnings"] == [*content["warnings"], "The clinician chose fewer than four exercises."]
    assert "V02" in {finding["code"] for finding in fewer["findings"]}
    gone = next(slug for slug in slugs(content) if slug not in slugs(fewer))
    assert edited(fewer, "add", slug=gone)["warnings"] == content["warnings"]


def test_few_that_the_composer_chose_stay_its_own_until_there_are_enough(content):
    limited = "Few exercises fit these limits. Review the program soon."
    few = content | {"items": content["items"][:3], "warnings": [limited]}
    assert edited(few, "move", slug=slugs(few)[0], direction="down")["warnings"] == [limited]


def test_the_last_exercise_stays(content):
    alone = content | {"items": content["items"][:1]}
    with pytest.raises(EditRefused) as refused:
        edited(alone, "remove", slug=slugs(alone)[0])
    assert refused.value.reason == "last_item"


def test_an_added_exercise_comes_after_those_of_its_role(content):
    after = edited(content, "add", slug="clamshell")
    roles = [item["role"] for item in after["items"]]
    order = read("quotas")["role_order"]
    assert len(after["items"]) == len(content["items"]) + 1
    assert roles == sorted(roles, key=order.index)


def test_a_ninth_exercise_is_refused(content):
    full = content
    for slug in SHIPPED:
        if len(full["items"]) == 8:
            break
        try:
            full = edited(full, "add", slug=slug)
        except EditRefused:
            continue
    with pytest.raises(EditRefused) as refused:
        edited(full, "add", slug="clamshell")
    assert (len(full["items"]), refused.value.reason) == (8, "full")


@pytest.mark.parametrize("action", ["swap", "add"])
def test_what_is_in_already_is_refused(content, action):
    first, second = slugs(content)[:2]
    fields = {"slug": first, "to": second} if action == "swap" else {"slug": first}
    with pytest.raises(EditRefused) as refused:
        edited(content, action, **fields)
    assert refused.value.reason == "already_in"


def test_a_second_exercise_of_the_same_kind_is_refused(content):
    twin = SHIPPED["bridge"] | {"slug": "twin-bridge"}
    with pytest.raises(EditRefused) as refused:
        editing.apply(content, bench(shipped=SHIPPED | {"twin-bridge": twin}), "add", slug="twin-bridge")
    assert refused.value.reason == "same_kind"


@pytest.mark.parametrize(("given", "change", "by", "sentence"), [
    ({}, {"demands": ["pos_kneeling"]}, "cannot_kneel", "Excluded: can't kneel."),
    ({"condition_tags": ("knee_oa", "osteoporosis")}, {"demands": ["sp_flex_end"]}, "osteoporosis", None),
    ({}, {"phases": ["protect"]}, "phase", "Excluded: not for this phase."),
    ({}, {"level": 5}, "level", None),
    ({}, {"equipment": ["dumbbell"], "equipment_alternatives": []}, "equipment", None),
    ({}, {"max_age": 50}, "age", None),
])  # fmt: skip
@pytest.mark.parametrize("action", ["swap", "add"])
def test_an_unsafe_exercise_is_refused_with_code_and_words(given, change, by, sentence, action):
    content = content_for(Profile.from_dict(KNEE.as_dict() | given))
    unsafe = SHIPPED["clamshell"] | {"slug": "made-up", "demands": ["none"], "variation_group": "own", **change}
    fields = {"slug": slugs(content)[0], "to": "made-up"} if action == "swap" else {"slug": "made-up"}
    with pytest.raises(ExerciseExcluded) as refused:
        editing.apply(content, bench(shipped=SHIPPED | {"made-up": unsafe}), action, **fields)
    assert (refused.value.reason, refused.value.by) == ("excluded", by)
    assert sentence is None or refused.value.sentence == sentence


def test_a_refusal_is_in_the_language_of_whoever_edits(content):
    unsafe = SHIPPED["clamshell"] | {"slug": "made-up", "level": 5}
    with pytest.raises(ExerciseExcluded, match="Udelukket: for svær"):
        editing.apply(content, bench("en", "da", SHIPPED | {"made-up": unsafe}), "add", slug="made-up")


def test_whatever_may_keep_an_exercise_out_has_words_in_both_languages():
    reasons = {entry["code"] for entry in read("constraints")} | {"phase", "level", "equipment", "age"}
    for reason in reasons:
        known = read("editing")["excluded"].get(reason) or editing.labels()[reason]
        assert {editing.excluded_words(reason, language) for language in ("en", "da")} == {known["en"], known["da"]}


def test_an_exercise_that_left_the_library_may_be_removed_but_not_dosed(content):
    without = {slug: entry for slug, entry in SHIPPED.items() if slug != "bridge"}
    with pytest.raises(EditRefused) as refused:
        editing.apply(content, bench(shipped=without), "dose", slug="bridge", sets=2)
    assert refused.value.reason == "not_in_library"
    after = editing.apply(content, bench(shipped=without), "remove", slug="bridge")
    assert "V03" not in {finding["code"] for finding in after["findings"]}


def test_a_note_is_for_one_exercise_and_goes_with_it(content):
    noted = edited(content, "note", slug="bridge", text="  Heels on the mat.  ")
    assert item_of(noted, "bridge")["patient_note"] == "Heels on the mat."
    assert edited(noted, "note", slug="bridge", text="") == content
    to = alternatives(noted, "bridge", bench())[0]["slug"]
    assert item_of(edited(noted, "swap", slug="bridge", to=to), to)["patient_note"] == ""


@pytest.mark.parametrize(("action", "fields", "name"), [
    ("swap", {"slug": "pendulum", "to": "clamshell"}, "slug"),
    ("swap", {"slug": "bridge", "to": "no-such"}, "to"),
    ("add", {"slug": "no-such"}, "slug"),
    ("note", {"slug": "pendulum", "text": "x"}, "slug"),
    ("remove", {"slug": "pendulum"}, "slug"),
])  # fmt: skip
def test_a_slug_that_is_not_there_is_named(content, action, fields, name):
    with pytest.raises(Invalid) as fault:
        edited(content, action, **fields)
    assert list(fault.value.fields) == [name]


def test_what_is_similar_comes_ladder_first_and_every_one_of_it_may_be_taken(content):
    found = alternatives(content, "bridge", bench())
    ladder = {*SHIPPED["bridge"]["easier_than"], *SHIPPED["bridge"]["harder_than"]}
    assert found[0]["slug"] in ladder
    assert "ladder" in found[0]["why"]
    for one in found:
        after = edited(content, "swap", slug="bridge", to=one["slug"])
        assert item_of(after, one["slug"])["dose_text"] == one["dose_text"]
        assert not [finding for finding in after["findings"] if finding["severity"] == "error"]


def test_nothing_similar_is_in_already_excluded_or_for_another_part_of_the_body(content):
    limits = constraints.constraints_for(KNEE)
    for slug in slugs(content):
        for one in alternatives(content, slug, bench()):
            exercise = SHIPPED[one["slug"]]
            assert one["slug"] not in slugs(content)
            assert constraints.first_excluding(limits, exercise) is None
            on_ladder = {"easier", "harder"} & set(one["codes"])
            assert on_ladder or {"knee", *SHIPPED[slug]["body_regions"]} & set(exercise["body_regions"])


def test_the_constraints_come_from_the_profile_that_is_stored(content):
    content["profile"]["restrictions"] = []
    kneeling = SHIPPED["clamshell"] | {"slug": "made-up", "demands": ["pos_kneeling"], "variation_group": "own"}
    after = editing.apply(content, bench(shipped=SHIPPED | {"made-up": kneeling}), "add", slug="made-up")
    assert "made-up" in slugs(after)


def test_findings_are_those_of_the_check_of_generation(content):
    after = edited(content, "remove", slug=slugs(content)[-1])
    profile = Profile.from_dict(after["profile"])
    found = Check(profile, constraints.constraints_for(profile), SHIPPED, "en").program(after)
    assert after["findings"] == [finding.as_dict() for finding in found]
