"""The shipped exercises obey their schema, their ladders and the reading age of a patient."""

import re
from copy import deepcopy

import pytest
from jsonschema import Draft202012Validator

from generation.clinical import dosing, library, readability
from generation.clinical.data_files import DATA, read

LIBRARY = library.load()
EXERCISES = LIBRARY.exercises
BY_SLUG = {exercise["slug"]: exercise for exercise in EXERCISES}
each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e["slug"])


@each
def test_an_exercise_obeys_the_schema(exercise):
    errors = [error.message for error in Draft202012Validator(read("exercise.schema")).iter_errors(exercise)]
    assert errors == []


@each
@pytest.mark.parametrize("language", ["en", "da"])
def test_a_patient_can_read_it(exercise, language):
    assert readability.problems(readability.of_exercise(exercise["text"][language]), language) == []


def test_there_are_enough_exercises_in_both_languages():
    assert len(EXERCISES) >= 150
    parts = set(BY_SLUG["bridge"]["text"]["en"])
    assert all(set(exercise["text"][language]) == parts for exercise in EXERCISES for language in ("en", "da"))
    names = [exercise["text"][language]["name"] for exercise in EXERCISES for language in ("en", "da")]
    assert all(names)


@pytest.mark.parametrize(
    "regions", [("neck",), ("thoracic",), ("shoulder",), ("elbow", "wrist_hand"), ("lumbar",), ("hip",), ("knee",),
                ("ankle_foot",)],
)  # fmt: skip
@pytest.mark.parametrize(("phase", "least"), [("protect", 3), ("restore", 4), ("load", 4), ("perform", 2)])
def test_every_region_is_served_in_every_phase(regions, phase, least):
    fitting = [e for e in EXERCISES if phase in e["phases"] and not set(regions).isdisjoint(e["body_regions"])]
    assert len([e for e in fitting if dosing.has_dose(e, phase)]) >= least


@pytest.mark.parametrize("region", sorted({region for exercise in EXERCISES for region in exercise["body_regions"]}))
def test_every_region_has_something_for_a_leg_without_weight(region):
    off_feet = {"supine", "prone", "side_lying", "sitting", "long_sitting"}
    bearing = {"wb_partial", "wb_full", "wb_single", "impact"}
    assert any(
        region in e["body_regions"] and off_feet & set(e["positions"]) and bearing.isdisjoint(e["demands"])
        for e in EXERCISES
    )


@pytest.mark.parametrize("phase", ["protect", "restore", "load", "perform", "maintain"])
def test_every_dose_that_an_exercise_names_can_be_given(phase):
    assert all(dosing.has_dose(e, phase) for e in EXERCISES if phase in e["default_dose"])


def test_most_exercises_need_nothing_bought():
    household = set(read("quotas")["household"])
    assert sum(set(e["equipment"]) <= household for e in EXERCISES) / len(EXERCISES) >= 0.6


def test_ladders_have_two_ends():
    for exercise in EXERCISES:
        for harder in exercise["easier_than"]:
            assert exercise["slug"] in BY_SLUG[harder]["harder_than"]


def test_each_file_holds_one_region():
    assert {path.stem for path in (DATA / "exercises").glob("*.json")} == {e["body_regions"][0] for e in EXERCISES}


def test_every_slug_in_packs_and_goals_exists():
    packs = {
        slug for pack in read("packs").values() for phase in ("protect", "restore", "load") for slug in pack[phase]
    }
    also = {slug for pack in read("packs").values() for name in ("tips", "doses") for slug in pack.get(name, ())}
    goals = {slug for goal in read("goals") for slug in goal["slugs"]}
    assert packs | also | goals <= set(BY_SLUG)


def test_every_condition_of_this_release_has_its_pack_in_both_languages():
    tags = {entry["tag"] for entry in read("conditions") if not entry.get("outside")}
    # Of these only the place says what to train.
    assert tags - {"fracture", "stress_fracture"} <= set(read("packs"))
    assert {f"after_{entry['type']}" for entry in read("surgeries")} - {"after_other"} <= set(read("packs"))
    assert all(pack["note"]["en"] and pack["note"]["da"] for pack in read("packs").values())


def test_every_pack_is_for_a_known_condition():
    known = {entry["tag"] for entry in read("conditions")} | {f"after_{entry['type']}" for entry in read("surgeries")}
    assert set(read("packs")) <= known
    assert {tag for exercise in EXERCISES for tag in exercise["conditions_good"]} <= known


@pytest.mark.parametrize(
    ("slug", "demands"),
    [
        ("single-knee-to-chest", {"hip_flex_gt90", "sp_flex_end"}),
        ("double-knee-to-chest", {"hip_flex_gt90", "sp_flex_end"}),
        ("prayer-stretch", {"pos_kneeling", "hip_flex_gt90", "kn_flex_gt90_loaded", "sp_flex_end", "sh_active_elev"}),
        ("figure-four-stretch", {"hip_flex_gt90"}),
        ("clamshell", {"pos_sidelying", "hip_abd_active"}),
        ("side-lying-hip-abduction", {"pos_sidelying", "hip_abd_active", "hip_add_past_mid"}),
        ("lower-trunk-rotation", {"sp_rot_end", "hip_add_past_mid"}),
        ("side-lying-open-book", {"sp_rot_end", "sh_abd_er"}),
        ("bridge", {"pos_supine_flat", "wb_partial"}),
        ("straight-leg-raise", {"slr"}),
        ("sit-to-stand-no-hands", {"wb_full", "hip_flex_gt90"}),
        ("sit-to-stand-with-hands", {"wb_full", "hip_flex_gt90"}),
        ("wall-sit", {"wb_full", "isometric_hold_gt10"}),
        ("heel-drop-straight-knee", {"wb_full", "wb_single", "an_pf_resisted", "an_df_stretch"}),
        ("heel-drop-bent-knee", {"wb_full", "wb_single", "an_pf_resisted", "an_df_stretch"}),
        ("bird-dog-full", {"pos_quadruped", "ue_weight_bearing", "wrist_loaded_ext", "sh_active_elev"}),
        *(
            (slug, {"pos_floor", "ue_weight_bearing", "abdominal_pressure", "isometric_hold_gt10", "valsalva"})
            for slug in ("side-plank-knees", "side-plank-full", "front-plank-knees", "front-plank-full")
        ),
        ("wall-push-up", {"ue_weight_bearing", "wrist_loaded_ext", "sh_resisted"}),
        ("prone-press-up", {"pos_prone", "sp_ext_end", "ue_weight_bearing"}),
        ("sleeper-stretch", {"sh_ir_stretch"}),
        ("towel-stretch-behind-back", {"sh_ir_stretch"}),
        ("stick-external-rotation", {"sh_er_stretch"}),
        ("table-slide-flexion", {"sh_assisted_elev"}),
        ("pulley-flexion", {"sh_assisted_elev"}),
        ("stick-flexion-supine", {"sh_assisted_elev"}),
        ("tandem-stance", {"wb_full", "balance_unsupported"}),
        ("single-leg-stance", {"wb_full", "wb_single", "balance_unsupported"}),
        ("median-nerve-slider", {"nerve_tension"}),
        ("ulnar-nerve-slider", {"nerve_tension"}),
        ("sciatic-nerve-slider-seated", {"nerve_tension"}),
        ("gaze-stabilisation-vorx1", {"head_motion_fast"}),
    ],
)
def test_the_demands_people_miss_are_there(slug, demands):
    assert demands <= set(BY_SLUG[slug]["demands"])


@pytest.mark.parametrize("slug", ["pendulum", "ankle-pumps", "scapular-setting-seated", "quad-set", "glute-set"])
def test_what_asks_nothing_says_none(slug):
    assert BY_SLUG[slug]["demands"] == ["none"]


@pytest.mark.parametrize(
    ("slug", "demand"),
    [("sit-to-stand-from-raised-seat", "hip_flex_gt90"), ("supported-single-leg-stance", "balance_unsupported")],
)
def test_the_easier_variant_asks_less(slug, demand):
    assert demand not in BY_SLUG[slug]["demands"]


@each
def test_standing_work_bears_weight(exercise):
    feet = {"full_lower": "wb_full", "single_leg": "wb_single", "partial_lower": "wb_partial"}
    needed = feet.get(exercise["weight_bearing"])
    assert needed is None or needed in exercise["demands"]


def test_the_version_follows_the_content():
    assert re.fullmatch(r"[0-9a-f]{12}", LIBRARY.version)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"demands": []}, "demands is empty"),
        ({"demands": ["none", "slr"]}, 'demands has "none" beside others'),
        ({"easier_than": ["no-such"]}, "ladder names no-such"),
        ({"default_dose": {"perform": {}}}, "default_dose gives phase perform"),
        ({"purposes": []}, "purposes is empty"),
        ({"colour": "red"}, "colour is not a known field"),
        ({"text": {"en": None, "da": None}}, "has no English text"),
    ],
)
def test_a_fault_is_named(change, message):
    entry = deepcopy(dict(BY_SLUG["quad-set"])) | {"easier_than": [], "harder_than": []} | change
    assert any(f"quad-set: {message}" in problem for problem in library.problems([entry]))


def test_a_missing_field_and_a_double_slug_are_named():
    entry = dict(BY_SLUG["bridge"]) | {"easier_than": [], "harder_than": []}
    bare = {key: value for key, value in entry.items() if key != "level"}
    assert library.problems([entry, entry])[0] == "bridge: more than one exercise has this slug"
    assert "bridge: level is missing" in library.problems([bare])
