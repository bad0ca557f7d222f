"""The shipped exercises obey their schema, their ladders and the reading age of a patient."""

import re
from copy import deepcopy

import pytest
from jsonschema import Draft202012Validator

from generation.clinical import library
from generation.clinical.data_files import DATA, read

LIBRARY = library.load()
EXERCISES = LIBRARY.exercises
BY_SLUG = {exercise["slug"]: exercise for exercise in EXERCISES}
each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e["slug"])


def sentences(exercise) -> list[str]:
    text = exercise["text"]["en"]
    parts = [text["purpose_line"], text["setup"], *text["steps"], text["feel"], text["easier"], text["harder"]]
    return [s for part in [*parts, text["safety"]] for s in re.split(r"(?<=[.!?])\s+", part) if s]


def syllables(word: str) -> int:
    word = re.sub(r"(?<![aeiouyl])es$|(?<![aeioudty])ed$|(?<=[^l])e$", "", word)
    return max(1, len(re.findall(r"[aeiouy]+", word)))


def grade(lines: list[str]) -> float:
    """Flesch-Kincaid grade."""
    words = [word for line in lines for word in re.findall(r"[a-z']+", line.lower())]
    return 0.39 * len(words) / len(lines) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


@each
def test_an_exercise_obeys_the_schema(exercise):
    errors = [error.message for error in Draft202012Validator(read("exercise.schema")).iter_errors(exercise)]
    assert errors == []


@each
def test_an_exercise_reads_at_grade_seven(exercise):
    assert grade(sentences(exercise)) <= 7
    assert max(len(sentence.split()) for sentence in sentences(exercise)) <= 20


def test_there_are_enough_exercises():
    assert len(EXERCISES) >= 60
    assert {"knee", "lumbar", "shoulder", "ankle_foot", "whole_body", "hip"} <= {
        e["body_regions"][0] for e in EXERCISES
    }


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
    goals = {slug for goal in read("goals") for slug in goal["slugs"]}
    assert packs | goals <= set(BY_SLUG)


def test_every_pack_is_for_a_known_condition():
    known = {entry["tag"] for entry in read("conditions")} | {f"after_{entry['type']}" for entry in read("surgeries")}
    assert set(read("packs")) <= known
    assert {tag for exercise in EXERCISES for tag in exercise["conditions_good"]} <= known


@pytest.mark.parametrize(
    ("slug", "demands"),
    [
        ("single-knee-to-chest", {"hip_flex_gt90", "sp_flex_end"}),
        ("clamshell", {"pos_sidelying", "hip_abd_active"}),
        ("lower-trunk-rotation", {"sp_rot_end", "hip_add_past_mid"}),
        ("bridge", {"pos_supine_flat", "wb_partial"}),
        ("straight-leg-raise", {"slr"}),
        ("sit-to-stand-no-hands", {"wb_full", "hip_flex_gt90"}),
        ("wall-sit", {"wb_full", "isometric_hold_gt10"}),
        ("heel-drop-straight-knee", {"wb_full", "wb_single", "an_pf_resisted", "an_df_stretch"}),
        ("bird-dog-full", {"pos_quadruped", "ue_weight_bearing", "wrist_loaded_ext", "sh_active_elev"}),
        ("side-plank-knees", {"pos_floor", "ue_weight_bearing", "abdominal_pressure", "isometric_hold_gt10"}),
        ("wall-push-up", {"ue_weight_bearing", "wrist_loaded_ext", "sh_resisted"}),
        ("prone-press-up", {"pos_prone", "sp_ext_end", "ue_weight_bearing"}),
        ("stick-external-rotation", {"sh_er_stretch"}),
        ("table-slide-flexion", {"sh_assisted_elev"}),
        ("tandem-stance", {"wb_full", "balance_unsupported"}),
        ("pendulum", {"none"}),
        ("ankle-pumps", {"none"}),
        ("quad-set", {"none"}),
    ],
)
def test_the_demands_people_miss_are_there(slug, demands):
    assert demands <= set(BY_SLUG[slug]["demands"])


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
