"""A program or template can be deleted; that it was stays on the audit trail."""

import pytest

from generation import program_copies, programs, runs, shares
from generation.models import AuditEntry, Program, ProgramVersion, Run, ShareLink
from generation.models.runs import Status
from tests.generation.factories import make_run
from tests.generation.program_making import auditor_of, make_program, result_for

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


@pytest.fixture
def program(alice):
    return make_program(alice)


def deleted():
    rows = AuditEntry.objects.filter(action="delete", object_kind="program")
    return [(row.actor_name, row.object_id, row.facts) for row in rows]


def test_an_approved_program_goes_with_its_links_and_its_run_stays(api, program, alice):
    programs.approve(alice, program.pk, 1)
    shares.create(alice, program.pk)
    assert api("bob").delete(f"/api/programs/{program.pk}").status_code == 204
    assert [model.objects.count() for model in (Program, ProgramVersion, ShareLink, Run)] == [0, 0, 0, 1]
    assert deleted() == [("bob", program.pk, {"version": 1, "approved": True, "template": False})]
    assert api("bob").delete(f"/api/programs/{program.pk}").status_code == 404


def test_a_copy_and_a_template_go_alone(program, alice):
    copy = program_copies.duplicate(alice, program.pk)
    template = program_copies.save_as_template(alice, program.pk, "Knee")
    programs.delete(alice, template.pk)
    programs.delete(alice, copy.pk)
    assert list(Program.objects.all()) == [program]
    assert [facts["template"] for _, _, facts in deleted()] == [False, True]


def test_whoever_may_only_look_deletes_none(api, program):
    client = api(None)
    client.force_authenticate(auditor_of(program.clinic_id))
    path = f"/api/programs/{program.pk}"
    assert [asked.delete(path).status_code for asked in (client, api("dana"), api("charlie"), api(None))] == [
        403, 403, 404, 401,
    ]  # fmt: skip
    assert Program.objects.exists()
    assert deleted() == []


def test_a_draft_that_goes_with_its_run_is_named(program, bob):
    run = program.run
    Run.objects.filter(pk=run.pk).update(status=Status.FAILED)
    runs.delete(bob, run.uid)
    assert not Program.objects.exists()
    assert deleted() == [("bob", program.pk, {"version": 1, "run": str(run.uid)})]


def test_a_draft_of_a_run_that_is_cancelled_is_named(alice):
    run = make_run(alice, status=Status.PAUSED)
    result = programs.identified(run, result_for())
    programs.store(run, result)
    runs.cancel(alice, run.uid)
    assert [(name, str(key)) for name, key, _ in deleted()] == [("alice", result["program"]["id"])]
