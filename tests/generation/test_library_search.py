"""What a search finds and in which order, and that it keeps up with the texts. The same on SQLite and PostgreSQL."""

import pytest
from django.db import connection

from generation import exercise_search
from generation.library_loading import load_library
from generation.models import Exercise, ExerciseWords
from tests.generation.shelving import add, index, shipment, write

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


def found(query: str, language: str = "en") -> list[str]:
    return [exercise.slug for exercise in exercise_search.matching(Exercise.objects.all(), query, language)]


@pytest.fixture
def heron() -> Exercise:
    exercise = add("made-up", details={"primary_muscles": ["wing_opener"], "conditions_good": ["knee_oa", "flu"]})
    write(exercise, "en", "Heron stand", "Wait quietly.", aliases=["Stork"], steps=["Lift one leg.", "Hold 3x10 s."])
    write(exercise, "da", "Hejrens ÅBNE knæ", "Stå stille.", aliases=["Stork på Læsø"], steps=["Løft ét ben."])
    return exercise


@pytest.mark.parametrize("query", [
    "heron", "HERON", "her", "stand heron", "made-up", "quietly", "stork", "lift leg", "3x10", "wing", "wing_opener",
    "flu", "osteoarthritis", "heron*", "heron stork quiet lift wing", "heron heron", "*heron",
])  # fmt: skip
def test_each_word_begins_a_word_of_what_is_known(heron, query):
    assert "made-up" in found(query)


@pytest.mark.parametrize(
    "query", ["heron zebra", "eron", "heronry", "%", "_", "*", "''", "-", " ", "hejre", "𝔷", "\u0301"]
)
def test_a_word_that_begins_nothing_finds_nothing(heron, query):
    assert found(query) == []


@pytest.mark.parametrize("query", [
    'heron" OR "stand', "heron OR zebra", "heron NOT stand", "name:heron AND zebra", "NEAR(heron zebra)",
    "heron' | 'zebra", "heron:* & !stand zebra", "heron\\' zebra", "heron; DROP TABLE zebra", "^heron + zebra",
    "heron)",
])  # fmt: skip
def test_the_query_is_words_and_never_an_expression(heron, query):
    every = [word in "heron stand" for word in exercise_search.words(query)]
    assert (found(query) == ["made-up"]) == all(every)


@pytest.mark.parametrize("query", [
    "knæ", "KNÆ", "knae", "Knae", "åbne", "AABNE", "a\u030abne", "læsø", "laesoe", "ét", "et", "ÅBNE KNÆ",
])  # fmt: skip
def test_danish_letters_are_found_however_they_are_typed(heron, query):
    assert "made-up" in found(query, "da")
    assert "made-up" not in found(query, "en")


def test_conditions_are_found_by_their_names_in_the_language(heron):
    assert found("slidgigt hejre", "da") == ["made-up"]
    assert found("slidgigt heron", "en") == []


@pytest.mark.parametrize(("query", "language"), [("tkr", "en"), ("knæprotese", "da"), ("anterior knee pain", "en")])
def test_conditions_are_found_by_what_clinicians_call_them(query, language):
    assert found(query, language)


def test_a_clinics_own_exercise_gets_its_words_with_a_load(heron):
    ExerciseWords.objects.all().delete()
    load_library()
    assert found("heron") == ["made-up"]


def test_a_missing_text_is_searched_in_english(heron):
    heron.texts.filter(language="da").delete()
    index(heron)
    assert found("heron", "da") == ["made-up"]


def test_hits_in_the_name_come_first_and_the_shorter_name_before_the_longer():
    write(add("in-steps"), "en", "Alpha", steps=["Quetzal."])
    write(add("in-alias"), "en", "Beta", aliases=["Quetzal"])
    write(add("long-name"), "en", "Quetzal stand with a wall")
    write(add("short-name"), "en", "Quetzal stand")
    assert found("quetz") == ["short-name", "long-name", "in-alias", "in-steps"]
    assert found("quetz stand")[:2] == ["short-name", "long-name"]


def test_equals_are_ordered_by_slug():
    for slug in ("twin-b", "twin-c", "twin-a"):
        write(add(slug), "en", "Quetzal")
    assert found("quetzal") == ["twin-a", "twin-b", "twin-c"]


def test_a_search_stays_on_its_shelf(heron):
    assert not exercise_search.matching(Exercise.objects.exclude(slug="made-up"), "heron", "en").exists()


@pytest.mark.parametrize("query", ["a" * 200, " ".join("abcdefghijklmnopqrstuvwxyz0123456789" * 3), "ÆØÅ" * 60])
def test_a_long_query_is_answered(heron, query):
    assert found(query) == []


def test_a_word_longer_than_the_index_keeps_is_found(heron):
    write(add("long-word"), "en", "b" * 80)
    assert found("b" * 61) == ["long-word"]


def test_a_changed_text_is_found_by_its_new_words_only(heron):
    heron.texts.filter(language="en").update(name="Ibis stand")
    index(heron)
    assert (found("heron"), found("ibis")) == ([], ["made-up"])


def test_a_removed_exercise_is_found_no_more(heron):
    heron.delete()
    assert found("heron") == []
    assert not ExerciseWords.objects.filter(name__contains="heron").exists()


def test_a_load_makes_new_words_findable_and_forgets_the_old():
    entry = shipment("bridge").exercises[0]
    load_library(shipment("bridge", text={**entry["text"], "en": {**entry["text"]["en"], "name": "Quetzal lift"}}))
    assert found("quetzal") == ["bridge"]
    load_library()
    assert found("quetzal") == []
    assert found("bridge")[0] == "bridge"


def test_words_written_by_an_older_version_are_written_anew_by_a_load():
    ExerciseWords.objects.filter(exercise__slug="bridge", language="en").update(name=" quetzal")
    ExerciseWords.objects.filter(exercise__slug="bridge", language="da").delete()
    load_library()
    assert found("quetzal") == []
    assert "bridge" in found("bridge", "da")


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="Only SQLite has a table of its own for the full text.")
def test_the_full_text_table_agrees_with_the_words_it_is_of(heron):
    heron.texts.filter(language="en").update(name="Ibis stand")
    index(heron)
    heron.delete()
    with connection.cursor() as cursor:
        # Raises when a trigger has missed something.
        cursor.execute(
            "INSERT INTO generation_exercisewords_index(generation_exercisewords_index, rank)"
            " VALUES ('integrity-check', 1)"
        )
