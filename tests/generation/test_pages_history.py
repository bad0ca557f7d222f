"""The history, as a browser without scripts meets it."""

import re
from datetime import UTC, datetime

import pytest

from generation import history_pages, program_copies, programs, record_numbers
from generation.models import AuditEntry, Clinic, Membership, Run
from generation.models.runs import Status
from tests.generation.browsing import REFERRED, browser, ended_run, page
from tests.generation.factories import make_run
from tests.generation.program_making import make_program

pytestmark = pytest.mark.django_db


def test_an_empty_history_leads_to_the_first_program(alice):
    text = page(alice, "/runs/")
    assert "Nothing generated yet." in text
    assert "<table" not in text


def test_history_shows_outcome_engine_and_a_masked_mrn(alice):
    ended_run(alice, mrn="AB-123456")
    ended_run(alice, REFERRED, mrn="77")
    text = page(alice, "/runs/")
    assert "••••56" in text
    assert "AB-1234" not in text
    assert "••••77" not in text
    assert "Rule-based composer" in text
    assert text.index("Refer first") < text.index("Knee osteoarthritis (right)")


def test_history_is_filtered_by_status(alice):
    ended_run(alice, status=Status.CANCELLED)
    make_run(alice, status=Status.RUNNING)
    counts = {status: page(alice, f"/runs/?status={status}").count('<th scope="row">')
              for status in ("", "live", "running", "cancelled", "failed", "nonsense")}  # fmt: skip
    assert counts == {"": 2, "live": 1, "running": 1, "cancelled": 1, "failed": 0, "nonsense": 2}
    assert "No runs fit these choices." in page(alice, "/runs/?status=failed")


def test_history_comes_in_pages(alice, monkeypatch):
    monkeypatch.setattr(history_pages, "PAGE_SIZE", 2)
    for _ in range(3):
        make_run(alice)
    assert "Page 1 of 2" in page(alice, "/runs/")
    assert page(alice, "/runs/?page=2").count('<th scope="row">') == 1
    assert page(alice, "/runs/?page=x").count('<th scope="row">') == 2


def test_htmx_gets_the_list_alone(alice):
    text = page(alice, "/runs/", **{"HX-Request": "true"})
    assert "<html" not in text
    assert "<html" in page(alice, "/runs/", **{"HX-Request": "true", "HX-History-Restore-Request": "true"})


def shown(user, query: str) -> int:
    return page(user, f"/runs/?{query}").count('<th scope="row">')


@pytest.mark.usefixtures("library")
def test_history_is_filtered_by_day_person_clinic_and_state(alice, bob):
    made = make_program(alice)
    Membership.objects.create(clinic=(east := Clinic.objects.create(name="East clinic")), user=alice)
    make_run(bob, clinic=alice.clinics.exclude(pk=east.pk).get())
    old = make_run(alice, clinic=east)
    Run.objects.filter(pk=old.pk).update(created_at=datetime(2026, 3, 3, 23, 30, tzinfo=UTC))
    assert shown(alice, "") == 3
    assert shown(alice, "until=2026-03-03") == shown(alice, "since=2026-03-03&until=2026-03-03") == 1
    assert shown(alice, "since=2026-03-04") == 2
    assert shown(alice, f"author={bob.pk}") == shown(alice, f"clinic={east.pk}") == 1
    assert (shown(alice, "program=draft"), shown(alice, "program=approved"), shown(alice, "program=none")) == (1, 0, 2)
    programs.approve(alice, made.pk, 1)
    assert shown(alice, "program=approved") == 1
    assert (shown(alice, "until=9999-12-31"), shown(alice, "since=9999-12-31"), shown(alice, "since=0001-01-01")) == (
        3,
        0,
        3,
    )
    assert shown(alice, "since=yesterday&author=nobody&clinic=x") == 3


@pytest.mark.usefixtures("library")
def test_a_draft_counts_its_days_and_its_versions(alice):
    program = make_program(alice)
    text = page(alice, "/runs/")
    assert "1 version<" in text
    assert re.search(r"draft, deleted in \d+ days", text)
    programs.approve(alice, program.pk, 1)
    assert re.search(r'data-status="approved">approved<', page(alice, "/runs/"))


def test_a_record_number_is_found_by_a_post_and_the_search_is_on_the_record(alice, charlie):
    run = ended_run(alice, mrn="AB-123456")
    Run.objects.filter(pk=run.pk).update(mrn_hash=record_numbers.digest("AB-123456"))
    make_run(alice)
    text = browser(alice).post("/runs/search/", {"mrn": "ab 123456"}).content.decode()
    assert "1 run with this record number" in text
    assert text.count('<th scope="row">') == 1
    nothing = browser(charlie).post("/runs/search/", {"mrn": "AB-123456"}).content.decode()
    assert "0 runs with this record number" in nothing
    entry = AuditEntry.objects.filter(action=AuditEntry.Action.SEARCH).latest("pk")
    assert "123456" not in str(entry.facts)
    assert browser(alice).get("/runs/search/?mrn=AB-123456").status_code == 405
    assert browser(alice).post("/runs/search/", {"mrn": ""}).status_code == 400


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_a_record_number_is_revealed_on_the_record(alice, charlie, headers):
    run = ended_run(alice, mrn="AB-123456")
    url = f"/runs/{run.uid}/record-number/"
    assert "AB-123456" in browser(alice).post(url, headers=headers).content.decode()
    entry = AuditEntry.objects.get(action=AuditEntry.Action.REVEAL)
    assert (entry.actor, entry.object_id) == (alice, run.uid)
    assert browser(charlie).post(url, headers=headers).status_code == 404
    assert browser(alice).get(url).status_code == 405


def test_a_copy_is_found_among_the_programs(alice, charlie):
    copy = program_copies.duplicate(alice, make_program(alice).pk)
    text = page(alice, "/programs/")
    assert str(copy.pk) in text
    assert "a copy" in text
    assert "No programs yet." in page(charlie, "/programs/")


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(("url", "kind"), [("/runs/", "run"), ("/programs/", "program"), ("/templates/", "program")])
def test_a_list_with_the_cases_of_others_is_on_the_audit_trail(alice, bob, url, kind):
    program_copies.save_as_template(alice, make_program(alice).pk, "Knees")
    page(alice, url)
    assert not AuditEntry.objects.filter(action="view").exists()
    page(bob, url)
    (entry,) = AuditEntry.objects.filter(action="view")
    assert (entry.actor, entry.object_kind, entry.object_id, entry.facts) == (bob, kind, None, {"others": 1})
