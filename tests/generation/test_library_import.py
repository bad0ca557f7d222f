"""Another list of exercises becomes drafts; its bad rows are told by number and leave nothing behind."""

import io
import json
import uuid
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from generation import exercise_search, shelf
from generation.models import Clinic, Exercise, ExerciseText, ExerciseWords

pytestmark = pytest.mark.django_db

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "free-exercise-db.json"
GOOD = {
    "id": "Wall_Squat", "name": "Wall Squat", "force": "push", "level": "beginner", "mechanic": "compound",
    "equipment": "body only", "primaryMuscles": ["quadriceps"], "secondaryMuscles": ["glutes"],
    "instructions": ["Stand against a wall.", "Slide down."], "category": "strength",
    "images": ["Wall_Squat/0.jpg"],
}  # fmt: skip


def run(file: Path, **options) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("import_exercises", str(file), format="free-exercise-db", stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


@pytest.fixture
def given(tmp_path):
    def import_(*rows, **options) -> tuple[str, str]:
        file = tmp_path / "list.json"
        file.write_text(json.dumps(rows))
        return run(file, **options)

    return import_


def test_a_row_becomes_a_draft_with_what_is_known_and_nothing_else(given):
    assert given(GOOD)[0].startswith("1 drafts made, 0 changed, 0 unchanged, 0 kept")
    entry = shelf.as_entry(Exercise.objects.get())
    assert (entry["slug"], entry["status"], entry["level"]) == ("fed-wall-squat", "draft", 2)
    assert (entry["body_regions"], entry["purposes"], entry["equipment"]) == (["knee"], ["strength"], ["none"])
    assert (entry["primary_muscles"], entry["secondary_muscles"]) == (["quadriceps"], ["glutes"])
    assert entry["demands"] == entry["phases"] == entry["positions"] == []
    assert entry["text"]["en"]["steps"] == GOOD["instructions"]
    assert entry["text"]["da"] is None
    assert entry["licence"]["license"] == "The Unlicense"
    assert ".jpg" not in json.dumps(entry)


def test_no_program_can_hold_a_draft_nor_one_that_was_reviewed_without_its_demands(given):
    given(GOOD)
    assert shelf.library(None) == []
    Exercise.objects.update(status="reviewed")
    assert shelf.library(None) == []
    Exercise.objects.update(demands=["wb_full"])
    assert [entry["slug"] for entry in shelf.library(None)] == ["fed-wall-squat"]


def test_a_draft_can_be_searched_for(given):
    given(GOOD)
    assert exercise_search.matching(Exercise.objects.all(), "squat quadri", "da").count() == 1


@pytest.mark.parametrize(("change", "reason"), [
    ({"name": None}, "name is not a text"),
    ({"name": ""}, "name is empty"),
    ({"name": "   "}, "name is empty"),
    ({"name": 7}, "name is not a text"),
    ({"name": "x" * 81}, "name is longer than 80 characters"),
    ({"name": "a\x00b"}, "name holds signs that are no text"),
    ({"name": "a\ud800"}, "name holds signs that are no text"),
    ({"id": "___"}, "id has neither letters nor digits of the English alphabet"),
    ({"id": ["x"]}, "id is not a text"),
    ({"level": "godlike"}, "level 'godlike' is not known"),
    ({"level": None}, "level is missing"),
    ({"level": 2}, "level is not a text"),
    ({"level": float("nan")}, "level is not a text"),
    ({"force": "the force"}, "force 'the force' is not known"),
    ({"mechanic": {}}, "mechanic is not a text"),
    ({"equipment": "trapeze"}, "equipment 'trapeze' is not known"),
    ({"category": "dance"}, "category 'dance' is not known"),
    ({"primaryMuscles": []}, "primaryMuscles is empty"),
    ({"primaryMuscles": "quadriceps"}, "primaryMuscles is not a list"),
    ({"primaryMuscles": ["wing"]}, "primaryMuscles names 'wing', which is not known"),
    ({"primaryMuscles": [["x"]]}, "primaryMuscles 1 is not a text"),
    ({"secondaryMuscles": [None]}, "secondaryMuscles 1 is not a text"),
    ({"instructions": ["Stand.", 3]}, "instructions 2 is not a text"),
    ({"instructions": ["x" * 1001]}, "instructions 1 is longer than 1000 characters"),
    ({"instructions": ["x"] * 31}, "instructions has more than 30 entries"),
    ({"source_url": "javascript:alert(1)"}, "source_url is not an http or https address"),
    ({"source_url": "https://"}, "source_url is not an http or https address"),
    ({"source_url": "http://[x"}, "source_url is no address"),
])  # fmt: skip
def test_a_bad_row_is_told_by_its_number_and_the_good_ones_are_kept(given, change, reason):
    out, err = given(GOOD, {**GOOD, "id": "Other", **change}, {**GOOD, "id": "Third"})
    assert err == f"Row 2: {reason}.\n"
    assert out.startswith("2 drafts made")
    assert out.endswith("1 rows refused.\n")
    assert set(Exercise.objects.values_list("slug", flat=True)) == {"fed-wall-squat", "fed-third"}


@pytest.mark.parametrize("row", [None, 7, "Wall Squat", [GOOD], float("inf")])
def test_a_row_that_is_no_object_is_refused(given, row):
    assert given(row, GOOD)[1] == "Row 1: it is not an object.\n"
    assert Exercise.objects.count() == 1


def test_a_row_without_a_name_is_refused(given):
    assert given({key: value for key, value in GOOD.items() if key != "name"})[1] == "Row 1: name is missing.\n"


def test_a_row_that_was_there_already_is_refused(given):
    _, err = given(GOOD, {**GOOD, "name": "Another"})
    assert err == "Row 2: it has the same id as row 1.\n"
    assert ExerciseText.objects.get().name == "Wall Squat"


def test_a_text_stays_text(given):
    given({**GOOD, "name": "<script>alert(1)</script>", "instructions": ["javascript:alert(1)"]})
    assert ExerciseText.objects.get().name == "<script>alert(1)</script>"


def test_a_slug_that_somebody_else_has_is_told_and_the_rest_goes_on(given):
    given({**GOOD, "id": "Other"})
    Exercise.objects.update(source="", status="reviewed")
    _, err = given(GOOD, {**GOOD, "id": "Other", "name": "Another"}, {**GOOD, "id": "Third"})
    assert err == "Row 2: another exercise has the slug fed-other.\n"
    assert Exercise.objects.count() == ExerciseText.objects.count() == 3
    assert not ExerciseText.objects.filter(name="Another").exists()
    assert ExerciseWords.objects.count() == 6


def test_a_second_import_changes_its_own_drafts_and_makes_no_others(given):
    given(GOOD, {**GOOD, "id": "Other"})
    before = set(Exercise.objects.values_list("pk", flat=True))
    out, _ = given({**GOOD, "name": "Squat at a wall"}, {**GOOD, "id": "Other"})
    assert out.startswith("0 drafts made, 1 changed, 1 unchanged, 0 kept")
    assert set(Exercise.objects.values_list("pk", flat=True)) == before
    assert ExerciseText.objects.filter(name="Squat at a wall").count() == 1


@pytest.mark.parametrize("status", ["reviewed", "retired"])
def test_an_exercise_that_is_no_draft_any_more_is_kept(given, status):
    given(GOOD)
    Exercise.objects.update(status=status, level=4)
    assert given({**GOOD, "name": "Another"})[0].startswith("0 drafts made, 0 changed, 0 unchanged, 1 kept")
    assert (Exercise.objects.get().level, ExerciseText.objects.get().name) == (4, "Wall Squat")


def test_a_clinic_has_its_own(given):
    clinic = Clinic.objects.create(name="North")
    given(GOOD, clinic=str(clinic.pk))
    given(GOOD)
    assert set(Exercise.objects.values_list("clinic", flat=True)) == {clinic.pk, None}


def test_a_clinic_that_does_not_exist_is_told(given):
    with pytest.raises(CommandError, match="no clinic with this id"):
        given(GOOD, clinic=str(uuid.UUID(int=0)))
    assert not Exercise.objects.exists()


@pytest.mark.parametrize(("content", "reason"), [
    (b"", "not JSON"), (b"[", "not JSON"), (b"{}", "not a list"), (b'"x"', "not a list"), (b"\xff\xfe[]", "not UTF-8"),
    (b"[" * 100_000, "not JSON"), (None, "No such file"),
])  # fmt: skip
def test_an_unreadable_file_changes_nothing(tmp_path, content, reason):
    file = tmp_path / "list.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=f"{reason}.*Nothing was imported"):
        run(file)
    assert not Exercise.objects.exists()


@pytest.mark.skipif(not SHARED.exists(), reason="the list is not beside this checkout")
def test_the_whole_list_becomes_drafts_that_nobody_is_offered():
    rows = json.loads(SHARED.read_text())
    out, err = run(SHARED)
    assert (out.split(",")[0], err) == (f"{len(rows)} drafts made", "")
    assert set(Exercise.objects.values_list("status", flat=True)) == {"draft"}
    assert not Exercise.objects.exclude(demands=[]).exists()
    assert shelf.library(None) == []
    assert f"0 drafts made, 0 changed, {len(rows)} unchanged" in run(SHARED)[0]
    assert Exercise.objects.count() == len(rows)
