"""What is past its keeping time goes, and the audit trail says how much went."""

import io
import uuid
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from generation import purge as purging
from generation.models import AuditEntry, Batch, Clinic, Program, ProgramVersion, Run, User
from generation.models.runs import Status
from generation.purge import draft_until, purge
from tests.generation.factories import make_batch, make_run

pytestmark = pytest.mark.django_db


def ago(days: float):
    return timezone.now() - timedelta(days=days)


def aged_run(owner: User, days: float, status: str = Status.FAILED, **fields) -> Run:
    run = make_run(owner, status=status, finished_at=ago(days), **fields)
    return run


def aged_program(owner: User, days: float, approved: bool = False, run: Run | None = None, **fields) -> Program:
    program = Program.objects.create(id=uuid.uuid4(), owner=owner, language="en", run=run, **fields)
    version = ProgramVersion.objects.create(program=program, number=1, content={"items": []}, change={})
    ProgramVersion.objects.filter(pk=version.pk).update(made_at=ago(days), approved_at=ago(days) if approved else None)
    return program


@pytest.fixture
def clinic(alice) -> Clinic:
    return alice.clinics.get()


def test_what_failed_goes_after_its_days(alice, clinic):
    old, fresh = aged_run(alice, 31, clinic=clinic), aged_run(alice, 29, clinic=clinic)
    assert purge() == {"runs": 1, "programs": 0}
    assert list(Run.objects.all()) == [fresh]
    assert old.pk != fresh.pk


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.PAUSED])
def test_what_lives_stays(alice, status):
    make_run(alice, status=status)
    assert purge() == {"runs": 0, "programs": 0}


def test_a_draft_goes_with_its_run(alice, clinic):
    run = aged_run(alice, 40, Status.SUCCEEDED, clinic=clinic)
    aged_program(alice, 40, run=run, clinic=clinic)
    assert purge() == {"runs": 1, "programs": 1}
    assert not Run.objects.exists()


def test_a_draft_that_somebody_still_edits_stays(alice, clinic):
    run = aged_run(alice, 40, Status.SUCCEEDED, clinic=clinic)
    program = aged_program(alice, 40, run=run, clinic=clinic)
    ProgramVersion.objects.create(program=program, number=2, content={"items": []}, change={})
    assert purge() == {"runs": 0, "programs": 0}


def test_what_was_approved_stays_until_the_clinic_says_otherwise(alice, clinic):
    aged_program(alice, 4000, approved=True, clinic=clinic)
    aged_run(alice, 4000, Status.SUCCEEDED, clinic=clinic)
    assert purge() == {"runs": 0, "programs": 0}
    Clinic.objects.filter(pk=clinic.pk).update(program_years=10)
    assert purge() == {"runs": 1, "programs": 1}


def test_a_template_stays(alice, clinic):
    aged_program(alice, 400, clinic=clinic, is_template=True)
    assert purge() == {"runs": 0, "programs": 0}


def test_each_clinic_has_its_own_time(alice, clinic):
    Clinic.objects.filter(pk=clinic.pk).update(draft_days=100)
    aged_run(alice, 60, clinic=clinic)
    aged_run(alice, 60)
    assert purge() == {"runs": 1, "programs": 0}
    assert Run.objects.get().clinic == clinic


def test_without_a_clinic_the_settings_count(alice, settings):
    settings.DRAFT_RETENTION_DAYS, settings.PROGRAM_RETENTION_YEARS = 100, 1
    aged_run(alice, 99)
    aged_program(alice, 366, approved=True)
    assert purge() == {"runs": 0, "programs": 1}


def test_a_purge_leaves_a_line_and_an_empty_one_leaves_none(alice, clinic):
    aged_run(alice, 31, clinic=clinic)
    purge(by="alice")
    purge(by="alice")
    entry = AuditEntry.objects.get(action="purge")
    assert (entry.actor_name, entry.facts) == ("alice", {"runs": 1, "programs": 0, "clinic": str(clinic.pk)})


def test_the_command_says_what_went(alice):
    for _ in range(3):
        aged_run(alice, 31)
    out = io.StringIO()
    call_command("purge", stdout=out)
    assert out.getvalue() == "3 runs and 0 programs deleted.\n"


def test_many_go_in_several_turns(alice, monkeypatch):
    monkeypatch.setattr("generation.purge.ROWS_AT_ONCE", 2)
    for _ in range(5):
        aged_run(alice, 31)
    assert purge() == {"runs": 5, "programs": 0}


def test_a_draft_knows_when_it_goes(alice, clinic):
    draft, approved = aged_program(alice, 20, clinic=clinic), aged_program(alice, 20, approved=True, clinic=clinic)
    until = draft_until(draft)
    assert until is not None
    assert (until - timezone.now()).days in (9, 10)
    assert draft_until(approved) is None


def test_what_is_approved_between_the_look_and_the_purge_stays(alice, clinic, monkeypatch):
    run = aged_run(alice, 40, Status.SUCCEEDED, clinic=clinic)
    program, other = aged_program(alice, 40, run=run, clinic=clinic), aged_program(alice, 40, clinic=clinic)
    listed = purging.runs_past

    def meanwhile(of_clinic):
        if of_clinic:
            ProgramVersion.objects.filter(program=program).update(approved_at=ago(0))
        return listed(of_clinic)

    monkeypatch.setattr(purging, "runs_past", meanwhile)
    assert purge() == {"runs": 0, "programs": 1}
    assert (Program.objects.get(), Run.objects.get()) == (program, run)
    assert other.pk != program.pk


def test_a_purge_that_finds_all_of_it_approved_ends_without_a_line(alice, clinic, monkeypatch):
    program, listed = aged_program(alice, 40, clinic=clinic), purging.runs_past

    def meanwhile(of_clinic):
        ProgramVersion.objects.filter(program=program).update(approved_at=ago(0))
        return listed(of_clinic)

    monkeypatch.setattr(purging, "runs_past", meanwhile)
    assert purge() == {"runs": 0, "programs": 0}
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("status", [Status.RUNNING, Status.PAUSED, Status.CANCELLING])
def test_an_old_draft_of_a_run_that_lives_stays(alice, clinic, status):
    run = make_run(alice, status=status, clinic=clinic)
    aged_program(alice, 40, run=run, clinic=clinic)
    assert purge() == {"runs": 0, "programs": 0}
    assert Run.objects.get() == run


def test_a_batch_goes_with_its_last_run(alice):
    whole = make_batch(alice, Status.FAILED, Status.FAILED, finished_at=ago(40))
    half = make_batch(alice, Status.FAILED, Status.QUEUED)
    assert purge() == {"runs": 2, "programs": 0}
    assert list(Batch.objects.all()) == [half]
    assert whole.pk != half.pk
