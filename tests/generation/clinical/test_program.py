"""What stands around the exercises: goals, rules, advice, reasons. Source: domain.md 2.4 and 3.5."""

import re

import pytest

from generation.clinical import dosing, library, program, readability, reasons, targets
from generation.clinical.data_files import phrases, read
from generation.clinical.phase import PHASES
from generation.clinical.profile import Profile
from generation.pipelines import exercise_program
from tests.generation.pipelines.handle import MemoryRun

EXERCISES = {exercise["slug"]: exercise for exercise in library.load().exercises}
both = pytest.mark.parametrize("language", ["en", "da"])


async def program_of(text: str, language: str = "en") -> dict:
    made: dict = (await exercise_program.execute(MemoryRun(text, language)))["program"]
    return made


def item(slug: str, profile: Profile, language: str = "en") -> dict:
    exercise = EXERCISES[slug]
    pick = {"slug": slug, "role": "mobility", "reason": "", "dose": dosing.dose_for(exercise, profile)}
    names = program.names(list(EXERCISES.values()), language)
    return program.item(pick, exercise, profile, names, language, EXERCISES)


async def test_goals_are_measured_and_dated():
    made = await program_of("68 yo, right knee OA, 8 months, pain 5/10, wants to climb stairs")
    assert [goal["text"] for goal in made["goals"]] == ["Climbing stairs", "Less pain"]
    assert made["goals"][1]["target"] == "3 or less"
    assert {goal["by_week"] for goal in made["goals"]} == {made["duration_weeks"]}


async def test_without_a_stated_goal_the_region_is_the_goal():
    made = await program_of("skuldersmerter i 5 uger, højre", "da")
    assert made["goals"] == [
        {
            "text": "Bruge skulderen i hverdagen med mindre besvær",
            "measure": "Score fra 0 (kan ikke) til 10 (som før)",
            "target": "2 point bedre",
            "by_week": 6,
        }
    ]


@both
def test_every_goal_of_the_dictionary_can_be_measured(language):
    for goal in read("goals"):
        made = targets.goals(Profile(regions=("knee",), goals=(goal["code"],)), 6, language)
        assert all(made[0].values())


@pytest.mark.parametrize(
    ("limit", "emergency", "first", "last"),
    [
        (5, None, "Call 112 if", "Pain of 6 or more"),
        (3, "999", "Call 999 if", "Pain of 4 or more"),
    ],
)
def test_stop_rules_name_the_emergency_number_and_where_red_begins(limit, emergency, first, last):
    rules = program.stop_rules(limit, "en", emergency)
    assert first in rules[0]
    assert last in rules[-1]
    assert not re.search(r"[{}]", " ".join(rules))


@both
def test_the_stop_rules_are_all_there(language):
    words = {
        "en": ("chest", "calf", "bladder", "locks", "wound", "fever", "faint"),
        "da": ("brystet", "læg", "vandladning", "låser", "Såret", "feber", "besvimelse"),
    }
    rules = " ".join(program.stop_rules(5, language)).lower()
    assert all(word.lower() in rules for word in words[language])


@pytest.mark.parametrize("limit", [("maintain", "5"), ("protect", "3")])
@both
def test_the_pain_rule_has_two_presets(limit, language):
    profile = Profile(phase=limit[0])
    assert program.pain_rule(profile, language) == phrases(language)["pain_rule"][limit[1]]
    assert program.pain_rule(profile, language, "nemex") == phrases(language)["pain_rule_nemex"][limit[1]]


@pytest.mark.parametrize(
    ("text", "language", "line"),
    [
        ("TKA wk 3, WBAT", "en", "Confirm this program with the operating team's protocol."),
        ("nyt knæ for 3 uger siden", "da", "Bekræft programmet med operationsstedets protokol."),
    ],
)
async def test_after_an_operation_the_team_decides(text, language, line):
    made = await program_of(text, language)
    assert made["precautions"][0] == line
    assert line in made["warnings"]


async def test_limits_come_as_advice():
    made = await program_of("82 yo, right knee OA, 2 years, takes bisoprolol")
    assert "Train by a fixed support, not a chair that moves." in made["precautions"]
    assert "Go by how hard it feels, not by your pulse." in made["education"]


async def test_what_was_left_out_is_said_in_words_the_most_first():
    made = await program_of("THA posterior wk 2, WBAT, left")
    counts = [entry["count"] for entry in made["exclusions"]]
    assert counts == sorted(counts, reverse=True)
    hip = next(entry for entry in made["exclusions"] if entry["code"] == "hip_prec_posterior")
    assert hip["text"] == f"{hip['count']} excluded: hip precautions"


async def test_a_caution_stands_apart_to_be_acknowledged():
    made = await program_of("right knee OA, 8 months, pain 4/10, takes warfarin")
    assert [caution["code"] for caution in made["cautions"]] == ["weak_single"]
    assert made["cautions"][0]["message"] in made["warnings"]


async def test_sources_and_facts_are_told_to_the_clinician():
    made = await program_of("right knee OA, 8 months, pain 4/10, 68 yo")
    assert "GLA:D" in made["sources"][0]
    assert "Age 68" in made["summary_for_clinician"]


@pytest.mark.parametrize(
    ("slug", "person", "up"),
    [
        ("feet-together-stance", Profile(regions=("knee",), phase="maintain"), "semi-tandem"),
        ("feet-together-stance", Profile(regions=("knee",), phase="maintain", age=82), None),
        ("step-up-forward", Profile(regions=("knee",), phase="maintain"), "step-up-lateral"),
    ],
)
def test_the_next_step_is_one_the_person_may_take(slug, person, up):
    made = item(slug, person)
    assert made["progress_to"] == up
    assert ("Later, move on to" in made["progress_when"]) is (up is not None)


def test_a_step_back_is_named():
    assert item("bridge", Profile(regions=("knee",), phase="restore"))["regress_to"] == "glute-set"


@pytest.mark.parametrize(
    ("language", "tip"), [("en", "Put a pillow between the knees."), ("da", "Læg en pude mellem knæene.")]
)
def test_a_condition_adds_its_tip(language, tip):
    person = Profile(regions=("hip",), condition_tags=("gtps",), phase="load")
    assert item("side-lying-hip-abduction", person, language)["precaution"].endswith(tip)


@pytest.mark.parametrize(
    ("text", "language", "kinds"),
    [
        ("68 yo, right knee OA, 8 months, 4/10, wants to climb stairs, has stairs", "en", ["goal", "choice", "68"]),
        ("ankle ORIF left, NWB wk 2", "en", ["NWB", "week 2", "choice"]),
        ("THA posterior wk 2, left", "en", ["hip precautions", "week 2"]),
        ("low back pain 4 days, 7/10", "en", ["7 out of 10"]),
        ("tennisalbue i 3 måneder, 10 minutter om dagen", "da", ["tennisalbue", "10 minutter"]),
    ],
)
async def test_reasons_name_what_led_to_the_choice_and_differ(text, language, kinds):
    given = [entry["reason"] for entry in (await program_of(text, language))["items"]]
    assert all(any(kind in reason for reason in given) for kind in kinds)
    assert len(set(given)) == len(given)
    assert all(len(reason) <= reasons.MOST for reason in given)


async def test_a_danish_program_is_danish_throughout():
    made = await program_of("68-årig kvinde, højre knæartrose, smerter 4/10, 8 måneder, har trappe", "da")
    english = re.compile(r"\b(?:the|and|with|your|of|for the|excluded|after)\b")
    texts = [made[name] for name in ("title", "summary_for_patient", "summary_for_clinician", "pain_rule")]
    texts += [line for name in ("stop_rules", "education", "precautions", "warnings", "progression_rules", "sources")
              for line in made[name]]  # fmt: skip
    texts += [value for entry in made["goals"] for value in entry.values() if isinstance(value, str)]
    texts += [entry["text"] for entry in made["exclusions"]]
    for entry in made["items"]:
        texts += [entry[name] for name in ("name", "setup", "reason", "dose_text", "progress_when", "precaution")]
        texts += entry["steps"]
    assert [text for text in texts if english.search(text)] == []


def fixed_lines(language: str) -> list[str]:
    """Every line for the patient that does not depend on numbers, in one order for all languages."""
    words = phrases(language)
    rules = [line for limit in (3, 5) for line in program.stop_rules(limit, language)]
    rules += [words[name][limit] for name in ("pain_rule", "pain_rule_nemex") for limit in ("3", "5")]
    notes = [*read("packs").values(), *read("constraints"), *read("advice")]
    told = [entry["note"][language] for entry in notes if entry.get("note")]
    return [*rules, words["regress"], words["general_education"], *words["progression_rules"], *told]


@both
def test_the_fixed_lines_are_the_same_in_number_and_easy_to_read(language):
    lines = fixed_lines(language)
    assert len(lines) == len(fixed_lines("en"))
    assert readability.problems(readability.sentences(lines), language) == []


def test_a_text_that_fell_back_to_english_is_owned_up_to():
    bare = EXERCISES["bridge"] | {"text": EXERCISES["bridge"]["text"] | {"da": None}}
    assert program.untranslated([bare], "da") == ["Nogle øvelsestekster vises på engelsk."]
    assert program.untranslated([EXERCISES["bridge"]], "da") == []


async def test_few_fitting_exercises_are_owned_up_to():
    made = await program_of("left ankle ORIF NWB wk 2")
    assert (
        "Few exercises for the ankle and foot fit here, so nearby joints and breathing were added." in made["warnings"]
    )


def test_no_program_names_the_limits_that_leave_nothing():
    said = program.library_reason(Profile(regions=("knee",)), 5, 1, "en", {"nwb_lower": 30, "phase": 3})
    assert said == (
        "Fewer than two exercises are safe within the limits given (no weight on the leg, not for this phase)."
    )


def test_phrases_have_the_same_keys_in_both_languages():
    def keys(value, path=""):
        if isinstance(value, dict):
            return {key for name, inner in value.items() for key in keys(inner, f"{path}.{name}")}
        return {path}

    assert keys(phrases("en")) == keys(phrases("da"))
    assert set(phrases("en")["phase"]) == set(PHASES)
