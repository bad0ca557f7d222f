"""What `load_library` does to a database that knows an older, a newer or another library."""

import io
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from generation import shelf
from generation.clinical.library import FIELDS, load
from generation.library_loading import load_library
from generation.models import Clinic, Exercise, LibraryLoad
from tests.generation.shelving import shipment

pytestmark = pytest.mark.django_db


def counts(loaded) -> tuple[int, int, int, int]:
    return loaded.made, loaded.changed, loaded.retired, loaded.unchanged


def slugs() -> list[str]:
    return [entry["slug"] for entry in shelf.library(None)]


def command() -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("load_library", stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_second_load_changes_nothing():
    total = len(load().exercises)
    assert counts(load_library()) == (total, 0, 0, 0)
    stamps = list(Exercise.objects.values_list("pk", "updated_at"))
    assert counts(load_library()) == (0, 0, 0, total)
    assert list(Exercise.objects.values_list("pk", "updated_at")) == stamps


def test_what_is_loaded_is_read_back_as_it_was_shipped():
    load_library()
    assert shelf.library(None) == [dict(entry) for entry in load().exercises]


def test_every_language_of_the_files_is_loaded():
    load_library()
    shipped = sum(text is not None for entry in load().exercises for text in entry["text"].values())
    assert sum(exercise.texts.count() for exercise in Exercise.objects.prefetch_related("texts")) == shipped


def test_a_text_that_is_added_and_one_that_is_taken_away_are_changes():
    whole = shipment("bridge").exercises[0]["text"]
    english = {"en": whole["en"], "da": None}
    danish = {"en": whole["en"], "da": {**whole["en"], "name": "Bækkenløft"}}
    for text, languages in ((english, ["en"]), (danish, ["da", "en"]), (english, ["en"])):
        load_library(shipment("bridge", text=text))
        found = Exercise.objects.get().texts.order_by("language").values_list("language", flat=True)
        assert list(found) == languages
        assert counts(load_library(shipment("bridge", text=text))) == (0, 0, 0, 1)


def test_a_changed_exercise_keeps_its_row():
    load_library(shipment("bridge"))
    before = Exercise.objects.get()
    assert counts(load_library(shipment("bridge", level=5, evidence_note="Told anew."))) == (0, 1, 0, 0)
    after = Exercise.objects.get()
    assert (after.pk, after.level, after.details["evidence_note"]) == (before.pk, 5, "Told anew.")
    assert after.updated_at > before.updated_at


def test_an_exercise_that_left_the_files_is_retired_and_comes_back_with_them():
    load_library(shipment("bridge", "clamshell"))
    assert counts(load_library(shipment("bridge"))) == (0, 0, 1, 1)
    assert Exercise.objects.get(slug="clamshell").status == "retired"
    assert slugs() == ["bridge"]
    assert counts(load_library(shipment("bridge"))) == (0, 0, 0, 1)
    assert counts(load_library(shipment("bridge", "clamshell"))) == (0, 1, 0, 1)
    assert slugs() == ["bridge", "clamshell"]


def test_a_clinics_own_exercise_is_left_alone():
    load_library(shipment("bridge"))
    own = Exercise.objects.get()
    own.pk, own.slug, own.source, own.clinic = None, "our-own", "", Clinic.objects.create(name="North")
    own.save(force_insert=True)
    load_library(shipment("bridge", level=5))
    after = Exercise.objects.get(slug="our-own")
    assert (after.status, after.level, after.updated_at) == ("reviewed", own.level, own.updated_at)


def test_a_slug_that_a_clinic_had_first_is_told_and_left_alone():
    load_library(shipment("bridge"))
    Exercise.objects.update(source="", clinic=Clinic.objects.create(name="North"), level=4)
    loaded = load_library(shipment("bridge", "clamshell"))
    assert (counts(loaded), loaded.refused) == ((1, 0, 0, 0), ("bridge",))
    assert Exercise.objects.get(slug="bridge").level == 4


def test_the_version_in_the_database_is_on_record():
    load_library()
    load_library()
    assert [(row.version, row.made) for row in LibraryLoad.objects.all()] == [(load().version, len(load().exercises))]
    load_library(shipment("bridge"))
    latest = LibraryLoad.objects.first()
    assert (latest.version, latest.retired, latest.unchanged) == ("of-a-test", len(load().exercises) - 1, 1)


def test_the_command_says_what_it_did():
    total = len(load().exercises)
    version = load().version
    assert command() == (f"Library {version}: {total} made, 0 changed, 0 retired, 0 unchanged.\n", "")
    Exercise.objects.filter(slug="bridge").update(source="", level=4)
    out, err = command()
    assert out == f"Library {version}: 0 made, 0 changed, 0 retired, {total - 1} unchanged.\n"
    assert err.startswith("bridge: ")


def test_an_exercise_of_which_nobody_said_what_it_demands_is_never_offered():
    load_library(shipment("bridge", "clamshell"))
    Exercise.objects.filter(slug="bridge").update(demands=[])
    assert slugs() == ["clamshell"]


def test_a_change_is_seen_even_if_another_clock_was_ahead():
    load_library()
    Exercise.objects.filter(slug="bridge").update(updated_at=timezone.now() + timedelta(hours=1))
    assert {entry["slug"]: entry["level"] for entry in shelf.library(None)}["clamshell"] != 5
    row = Exercise.objects.prefetch_related("texts").get(slug="clamshell")
    shelf.put([(row, shelf.as_entry(row) | {"level": 5})])
    assert {entry["slug"]: entry["level"] for entry in shelf.library(None)}["clamshell"] == 5


def test_an_exercise_added_by_hand_says_what_it_left_unsaid():
    bare = Exercise.objects.create(
        slug="bare",
        level=1,
        laterality="bilateral",
        weight_bearing="none",
        resistance_type="none",
        variation_group="bare",
    )
    assert set(shelf.as_entry(bare)) == set(FIELDS)
