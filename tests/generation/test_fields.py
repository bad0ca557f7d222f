"""What lies in the database is sealed, and opens only where it was sealed."""

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection

from generation import fields
from generation.models import Run
from tests.generation.factories import make_run

SECRET = "Jane Roe, 010203-4567"
KEY_A = "a:" + "A" * 43 + "="
KEY_B = "b:" + "B" * 43 + "="


def stored_input(run: Run) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT input FROM generation_run WHERE id = %s", [run.pk])
        return bytes(cursor.fetchone()[0])


def store_input(run: Run, value: bytes) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE generation_run SET input = %s WHERE id = %s", [value, run.pk])


@pytest.mark.django_db
def test_a_value_comes_back_as_it_was(alice):
    run = make_run(alice, input={"prompt": SECRET, "n": [1, 2.5, None]})
    assert Run.objects.get(pk=run.pk).input == {"prompt": SECRET, "n": [1, 2.5, None]}


@pytest.mark.django_db
def test_the_text_is_not_in_the_row(alice):
    assert SECRET.encode() not in stored_input(make_run(alice, input={"prompt": SECRET}))


@pytest.mark.django_db
def test_a_value_copied_to_another_row_does_not_open(alice):
    mine, other = make_run(alice, input={"prompt": SECRET}), make_run(alice)
    store_input(other, stored_input(mine))
    with pytest.raises(fields.CannotOpen):
        Run.objects.get(pk=other.pk).input  # noqa: B018


@pytest.mark.django_db
def test_a_changed_value_does_not_open(alice):
    run = make_run(alice)
    sealed = bytearray(stored_input(run))
    sealed[-1] ^= 1
    store_input(run, bytes(sealed))
    with pytest.raises(fields.CannotOpen):
        Run.objects.get(pk=run.pk).input  # noqa: B018


@pytest.mark.django_db
def test_a_list_that_does_not_look_does_not_open(alice, monkeypatch):
    make_run(alice)
    monkeypatch.setattr(fields, "open_sealed", lambda *_: pytest.fail("opened"))
    assert [run.status for run in Run.objects.all()] == ["queued"]


@pytest.mark.django_db
def test_a_former_key_still_opens_and_the_first_one_seals(alice, settings):
    settings.FIELD_KEYS = KEY_A
    run = make_run(alice, input={"prompt": SECRET})
    settings.FIELD_KEYS = f"{KEY_B}, {KEY_A}"
    again = Run.objects.get(pk=run.pk)
    assert again.input == {"prompt": SECRET}
    again.save(update_fields=["input"])
    settings.FIELD_KEYS = KEY_B
    assert Run.objects.get(pk=run.pk).input == {"prompt": SECRET}


@pytest.mark.django_db
def test_without_the_key_nothing_opens(alice, settings):
    settings.FIELD_KEYS = KEY_A
    run = make_run(alice)
    settings.FIELD_KEYS = KEY_B
    with pytest.raises(fields.CannotOpen):
        Run.objects.get(pk=run.pk).input  # noqa: B018


@pytest.mark.django_db
def test_a_query_can_not_compare_it(alice):
    with pytest.raises(FieldError):
        list(Run.objects.filter(input={"prompt": SECRET}))


@pytest.mark.django_db
def test_an_unopened_value_shows_nothing(alice):
    run = make_run(alice, input={"prompt": SECRET})
    assert SECRET not in repr(Run.objects.values("input").get(pk=run.pk))


@pytest.mark.parametrize("keys", ["", "nocolon", "a:short", ":" + "A" * 43 + "="])
def test_a_wrong_key_ring_is_refused_with_a_sentence(keys):
    with pytest.raises(ImproperlyConfigured, match="FIELD_KEYS"):
        fields.key_ring(keys)
