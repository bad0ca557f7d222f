"""Keys can be changed while the server runs, and an old one taken away afterwards."""

import base64
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from generation import record_numbers, rotation, runs
from generation.fields import key_id_of
from generation.models import Run
from tests.generation.factories import make_run

pytestmark = pytest.mark.django_db

MRN = "ZX-4411"


def ring(*names: str) -> str:
    return ", ".join(f"{name}:{base64.urlsafe_b64encode(name.encode() * 32).decode()}" for name in names)


def rotated(settings, keys: str) -> str:
    settings.FIELD_KEYS = keys
    out = StringIO()
    call_command("rotate_keys", stdout=out)
    return out.getvalue()


@pytest.fixture
def run(alice, settings) -> Run:
    settings.FIELD_KEYS = ring("a")
    made = make_run(alice, input={"prompt": "A case", "mrn": MRN}, mrn_hash=record_numbers.digest(MRN))
    Run.objects.filter(pk=made.pk).update(result=Run._meta.get_field("result").sealed({"outcome": "program"}, made))
    return made


def test_what_was_sealed_with_the_old_key_opens_without_it_afterwards(run, settings):
    printed = rotated(settings, ring("b", "a"))
    assert "generation.run.input: 1 moved, 0 had the key, 0 unreadable" in printed
    settings.FIELD_KEYS = ring("b")
    again = Run.objects.get(pk=run.pk)
    assert (again.input["mrn"], again.result) == (MRN, {"outcome": "program"})


def test_a_second_turn_finds_nothing_to_do(run, settings):
    rotated(settings, ring("b", "a"))
    assert "generation.run.input: 0 moved, 1 had the key, 0 unreadable" in rotated(settings, ring("b", "a"))


def test_a_record_number_is_found_before_and_after(run, alice, settings):
    for keys in (ring("b", "a"), ring("b")):
        settings.FIELD_KEYS = keys
        if keys == ring("b"):
            assert not record_numbers.matching(runs.visible_to(alice), alice, MRN).exists()
            rotated(settings, ring("b", "a"))
            settings.FIELD_KEYS = keys
        assert record_numbers.matching(runs.visible_to(alice), alice, MRN).get() == run


def test_a_key_that_is_gone_is_said_and_nothing_is_lost(run, settings):
    with pytest.raises(CommandError, match="open with no key"):
        rotated(settings, ring("b"))
    settings.FIELD_KEYS = ring("a")
    assert Run.objects.get(pk=run.pk).input["mrn"] == MRN


def test_what_the_server_writes_meanwhile_is_left_alone(run, settings):
    settings.FIELD_KEYS = ring("b", "a")
    field = Run._meta.get_field("input")
    stale = Run.objects.only("pk", "uid", "input").get(pk=run.pk)
    fresh = Run.objects.get(pk=run.pk)
    fresh.input = {"prompt": "Another case"}
    fresh.save(update_fields=["input"])
    done = rotation.Resealed(field.place)
    rotation.reseal_one(field, stale, done)
    assert (done.moved, Run.objects.get(pk=run.pk).input) == (0, {"prompt": "Another case"})


def test_many_rows_turn_while_somebody_else_writes(alice, settings, monkeypatch):
    monkeypatch.setattr(rotation, "ROWS_AT_ONCE", 3)
    settings.FIELD_KEYS = ring("a")
    made = [make_run(alice, input={"prompt": f"Case {n}"}) for n in range(10)]
    assert "generation.run.input: 10 moved" in rotated(settings, ring("b", "a"))
    settings.FIELD_KEYS = ring("b")
    assert [Run.objects.get(pk=run.pk).input["prompt"] for run in made] == [f"Case {n}" for n in range(10)]


def test_what_an_old_process_seals_meanwhile_is_counted(run, alice, settings, monkeypatch):
    reseal_one = rotation.reseal_one

    def with_a_latecomer(field, row, done):
        reseal_one(field, row, done)
        if field.place == "generation.run.input" and Run.objects.count() == 1:
            settings.FIELD_KEYS = ring("a", "b")
            make_run(alice, input={"prompt": "Late"})
            settings.FIELD_KEYS = ring("b", "a")

    monkeypatch.setattr(rotation, "ROWS_AT_ONCE", 1)
    # The latecomer's page comes after the last one was read as empty.
    monkeypatch.setattr(rotation, "reseal_one", with_a_latecomer)
    monkeypatch.setattr(rotation, "pages", lambda rows: [list(rows)])
    with pytest.raises(CommandError, match="under an older key"):
        rotated(settings, ring("b", "a"))


def test_a_run_from_before_there_was_a_hash_is_found_afterwards(run, alice, settings):
    Run.objects.filter(pk=run.pk).update(mrn_hash="")
    rotated(settings, ring("a"))
    assert record_numbers.matching(runs.visible_to(alice), alice, MRN).get() == run


def test_every_sealed_field_of_the_project_is_turned():
    places = {field.place for field in rotation.sealed_fields()}
    assert {
        "generation.run.input",
        "generation.run.result",
        "generation.event.data",
        "generation.step.result",
    } <= places


def test_the_key_of_a_value_can_be_told(run):
    stored = Run.objects.only("pk", "uid", "input").get(pk=run.pk).__dict__["input"].stored
    assert key_id_of(stored) == b"a"
