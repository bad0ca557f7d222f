"""Asking for a batch on its form, as a browser without scripts does."""

import re

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from generation.models import Batch, Clinic, Membership, Run
from tests.generation.browsing import (
    browser,
    url_of,
)
from tests.generation.factories import CASE, make_run

pytestmark = pytest.mark.django_db

NEW = "/batches/new/"
BACK = "54 yo man, low back pain for 6 weeks, pain 3/10, 5/10 worst, sits a lot at work, wants to garden."
FAULT = re.compile(r'<tr><th scope="row">(\d+)</th><td>(?:<code>(\w+)</code>|–)</td><td>(.*?)</td></tr>')


def csv(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("cases.csv", text.encode("utf-8-sig"), "text/csv")


def refused(user, **sent) -> tuple[str, list[tuple[str, str, str]]]:
    answer = browser(user).post(NEW, sent)
    text = answer.content.decode()
    assert answer.status_code == 400, text
    assert not Run.objects.exists()
    assert not Batch.objects.exists()
    return text, FAULT.findall(text)


@pytest.mark.django_db(transaction=True)
def test_pasted_lines_start_a_batch_and_lead_to_its_page(alice):
    answer = browser(alice).post(NEW, {"pasted": f"{CASE}\r\n\r\n{BACK}\r\n", "max_parallel": "2", "language": "da"})
    batch = Batch.objects.get()
    assert answer["Location"] == url_of(batch)
    assert (batch.owner, batch.max_parallel) == (alice, 2)
    assert [(run.row, run.input["prompt"], run.language) for run in batch.runs.order_by("row")] == [
        (0, CASE, "da"),
        (1, BACK, "da"),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_file_starts_a_batch_with_record_numbers_and_clinics(alice):
    own = alice.clinics.get()
    east = Clinic.objects.create(name="Øst klinik")
    Membership.objects.create(clinic=east, user=alice)
    text = f'mrn;clinic;clinic_id;prompt\n7;øst Klinik;;"{CASE}\nno falls"\n;;{own.pk};{BACK}\n;;;{BACK}\n'
    assert browser(alice).post(NEW, {"file": csv(text)}).status_code == 302
    batch = Batch.objects.get()
    first, second, third = batch.runs.order_by("row")
    assert (first.clinic, first.input["mrn"], first.input["prompt"]) == (east, "7", f"{CASE}\nno falls")
    assert (second.clinic, third.clinic, third.language) == (own, None, alice.language)
    assert batch.max_parallel == settings.MAX_ACTIVE_RUNS_PER_USER


def test_every_fault_of_every_row_is_said_and_nothing_starts(alice):
    text = f"prompt;mrn;clinic\n{CASE};1;\nshort;{'9' * 65};\n\n;3;\n{BACK};4;Nowhere\n{BACK};5;;6\n"
    shown, faults = refused(alice, file=csv(text))
    said = {(row, column): reason for row, column, reason in faults}
    assert list(said) == [("3", "prompt"), ("3", "mrn"), ("5", "prompt"), ("6", "clinic"), ("7", "")]
    assert said["5", "prompt"] == "This field is required."
    assert said["6", "clinic"] == "There is no such clinic among yours."
    assert "choose it again" in shown
    assert BACK not in shown


@pytest.mark.django_db(transaction=True)
def test_a_formula_is_text(alice):
    formula = '=HYPERLINK("http://example.org") right knee OA, 68 yo'
    assert browser(alice).post(NEW, {"file": csv(f"prompt;mrn\n{formula};=1+1\n")}).status_code == 302
    run = Run.objects.get()
    assert (run.input["prompt"], run.input["mrn"]) == (formula, "=1+1")


def test_a_clinic_of_others_is_none_of_mine(alice, charlie):
    theirs = charlie.clinics.get()
    _, faults = refused(alice, pasted=f"prompt;clinic;clinic_id\n{CASE};{theirs.name};\n{CASE};;{theirs.pk}\n")
    assert [(row, column) for row, column, _ in faults] == [("2", "clinic"), ("3", "clinic_id")]


def test_a_name_that_two_clinics_share_is_no_name(alice):
    Membership.objects.create(clinic=Clinic.objects.create(name="NORTH clinic"), user=alice)
    _, ((_, column, reason),) = refused(alice, pasted=f"prompt;clinic\n{CASE};North clinic\n")
    assert (column, reason) == ("clinic", "Several of your clinics have this name; use clinic_id.")


def test_what_was_pasted_is_kept(alice):
    pasted = f"{CASE}\nshort <b>\n"
    text, faults = refused(alice, pasted=pasted)
    assert [row for row, _, _ in faults] == ["2"]
    assert f">\n{pasted.replace('<b>', '&lt;b&gt;')}</textarea>" in text


@pytest.mark.parametrize(("sent", "sentence"), [
    ({}, "Paste at least one case, or choose a file."),
    ({"pasted": " \r\n "}, "Paste at least one case, or choose a file."),
    ({"pasted": "prompt,mrn\n"}, "There is no row under the header."),
    ({"pasted": "prompt,age\nKnee,1"}, "“age” is not a column"),
    ({"pasted": CASE, "max_parallel": "0"}, "greater than or equal to 1"),
    ({"pasted": CASE, "max_parallel": "6"}, "less than or equal to 5"),
    ({"pasted": CASE, "language": "sv"}, "not one of the available choices"),
    ({"pasted": "\n".join([CASE] * 101)}, "At most 100 rows at a time; these are 101."),
])  # fmt: skip
def test_what_is_wrong_with_the_whole_is_a_sentence(alice, sent, sentence):
    text, faults = refused(alice, **sent)
    assert sentence in text
    assert faults == []


def test_a_file_and_pasted_rows_are_one_too_many(alice):
    assert "not both" in refused(alice, pasted=CASE, file=csv(f"prompt\n{CASE}"))[0]


def test_an_empty_file_is_said_at_its_field(alice):
    assert "The submitted file is empty." in refused(alice, file=SimpleUploadedFile("x.csv", b""))[0]


def test_too_many_active_are_refused_in_words_and_the_text_is_kept(alice):
    for _ in range(settings.MAX_ACTIVE_RUNS_PER_USER):
        make_run(alice)
    answer = browser(alice).post(NEW, {"pasted": CASE})
    text = answer.content.decode()
    assert answer.status_code == 429
    assert "Too many of your runs are active" in text
    assert CASE in text
