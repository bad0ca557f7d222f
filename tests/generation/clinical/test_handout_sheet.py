"""What stands on a hand-out, before it is a page or a PDF."""

from datetime import date

import pytest

from generation.clinical import handout
from generation.clinical.data_files import phrases, read
from generation.clinical.handout import Edition, Letterhead
from tests.generation.handout_making import SHIPPED, content_of, dose, item_of

NOTHING = {}


def sheet(content=None, written="en", language=None, library=NOTHING, approved=True, head=None):
    edition = Edition(written, date(2026, 3, 3), approved)
    return handout.sheet(content or content_of(written), edition, head or Letterhead(), library, language or written)


def often_of(*frequencies):
    usual = {"per_day": 1, "days_per_week": 7, "named_days": [], "rest_days_between": 0}
    return handout.often([{"dose": dose(frequency=usual | change)} for change in frequencies], "en")


def test_both_languages_have_the_same_words():
    english, danish = handout.words("en"), handout.words("da")
    assert set(english) == set(danish)
    assert all(english[name] or name == "emergency_more" for name in english)


def test_its_own_language_is_the_snapshot_whatever_the_library_says():
    changed = {
        slug: entry | {"text": {"en": entry["text"]["en"] | {"name": "Changed"}}} for slug, entry in SHIPPED.items()
    }
    for item, row in zip(content_of()["items"], sheet(library=changed)["items"], strict=True):
        assert (row["name"], row["steps"], row["precaution"]) == (item["name"], item["steps"], item["precaution"])
        assert row["language"] is None


def test_the_other_language_is_the_librarys():
    for item, row in zip(content_of()["items"], sheet(language="da", library=SHIPPED)["items"], strict=True):
        text = SHIPPED[item["slug"]]["text"]["da"]
        assert (row["name"], row["setup"], row["steps"]) == (text["name"], text["setup"], text["steps"])
        assert row["dose"] == "2 sæt af 10 gentagelser, hver side, hver dag"
        assert row["language"] is None


def test_what_is_not_in_the_library_stays_as_it_was_and_says_so():
    row = sheet(language="da")["items"][0]
    assert (row["name"], row["language"], row["foreign"]) == ("Heel slide lying down", "en", "på engelsk")
    assert row["dose"].endswith("hver dag")


def test_a_note_keeps_its_own_language():
    content = content_of(items=[item_of("bridge", "en", patient_note="Use the mat.")])
    assert sheet(content)["items"][0]["note_language"] is None
    other = sheet(content, language="da", library=SHIPPED)["items"][0]
    assert (other["note"], other["note_language"]) == ("Use the mat.", "en")


@pytest.mark.parametrize(("written", "language"), [("en", "da"), ("da", "en")])
def test_every_line_of_ours_is_said_in_the_other_language(written, language):
    notes = [note for name in ("packs", "constraints") for note in found_notes(read(name))]
    content = content_of(written)
    content["education"] = [*content["education"], phrases(written)["regress"], *(note[written] for note in notes)]
    made = sheet(content, written, language, SHIPPED)
    for note, line in zip(notes, made["education"][3:], strict=True):
        # Two notes may be the same in one language only.
        assert line["text"] in {other[language] for other in notes if other[written] == note[written]}
    for line in (made["pain_rule"], *made["stop_rules"], *made["education"]):
        assert line["language"] is None, line
    assert made["education"][0]["text"] == phrases(language)["walking"].format(minutes=10, days=5)
    assert made["stop_rules"] == [
        {"text": rule, "language": None, "foreign": None} for rule in content_of(language)["stop_rules"]
    ]


def found_notes(data):
    entries = data.values() if isinstance(data, dict) else data
    return [entry["note"] for entry in entries if entry.get("note")]


def test_a_line_that_nobody_knows_says_its_language():
    line = sheet(content_of(education=["Feed the cat."]), language="da")["education"][0]
    assert line == {"text": "Feed the cat.", "language": "en", "foreign": "på engelsk"}


def test_how_often_names_the_exercises_that_are_alike():
    assert often_of({}, {}) == ["All exercises: every day"]
    every_other = {"days_per_week": 4, "rest_days_between": 1}
    assert often_of({}, every_other, {}, {"per_day": 3}, {}) == [
        "Exercises 1, 3 and 5: every day",
        "Exercise 2: every other day",
        "Exercise 4: 3 times a day",
    ]


@pytest.mark.parametrize(("limit", "ranges"), [
    ("5", ["Pain 0 to 3", "Pain 4 to 5", "Pain 6 to 10"]),
    ("3", ["Pain 0 to 3", "Pain 4 to 10"]),
])  # fmt: skip
def test_the_traffic_light_is_that_of_the_stated_rule(limit, ranges):
    lights = sheet(content_of(pain_rule=phrases("en")["pain_rule"][limit]))["pain"]
    assert [light["range"] for light in lights] == ranges
    assert len({light["word"] for light in lights}) == len(lights)


def test_the_dates_are_in_words():
    assert (sheet()["date"], sheet()["review"]) == ("3 March 2026", "31 March 2026")
    assert sheet(written="da")["review"] == "31. marts 2026"


def test_the_clinic_and_its_numbers_are_on_it():
    made = sheet(head=Letterhead("North clinic", "12 34 56 78", "999", "Alice Andersen"))
    assert (made["clinic"], made["phone"], made["emergency"]) == ("North clinic", "12 34 56 78", "999")
    assert made["made"] == "Made for you by Alice Andersen, North clinic. Not for anyone else."


def test_danes_are_told_whom_to_call_when_it_is_no_emergency():
    assert "1813" in sheet(written="da")["emergency_more"]
    assert sheet(written="da", head=Letterhead(emergency="999"))["emergency_more"] == ""


def test_without_a_clinic_it_is_made_by_your_clinician():
    assert sheet()["made"] == "Made for you by your clinician. Not for anyone else."


def test_only_what_is_approved_is_no_draft():
    assert [sheet(approved=approved)["draft"] for approved in (True, False)] == [False, True]


def test_an_exercise_without_a_drawing_has_none():
    rows = sheet(content_of(items=[item_of("bridge", "en"), item_of("bridge", "en") | {"slug": "of-the-clinic"}]))[
        "items"
    ]
    assert "<svg" in rows[0]["figure"]
    assert rows[1]["figure"] is rows[1]["figure_alt"] is None
