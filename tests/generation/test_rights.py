"""Whoever may only look changes nothing: auditors, staff of no clinic, and whoever has left one."""

import pytest
from django.test import Client

from generation import rights, runs
from generation.errors import NotAllowed
from generation.models import Membership, Program, Run
from generation.models.runs import Status
from tests.generation.factories import CASE, make_batch, make_run
from tests.generation.program_making import auditor_of, make_program

pytestmark = pytest.mark.django_db

# Method, path behind the run's own, body, and the state it is asked in.
COMMANDS = {
    "cancel": ("post", "/cancel", {}, Status.QUEUED),
    "pause": ("post", "/pause", {}, Status.QUEUED),
    "resume": ("post", "/resume", {}, Status.PAUSED),
    "retry": ("post", "/retry", {}, Status.FAILED),
    "correct": ("post", "/corrections", {"corrections": {"side": "left"}}, Status.FAILED),
    "delete": ("delete", "", None, Status.FAILED),
}


@pytest.fixture
def clinic(alice):
    return alice.clinics.get()


def left(user):
    user.memberships.all().delete()
    return user


def asked(api, user, command, run):
    client = api(None)
    client.force_authenticate(user)
    method, path, body, _ = COMMANDS[command]
    return getattr(client, method)(f"/api/runs/{run.uid}{path}", body, format="json")


def in_state(owner, command, **fields):
    return make_run(owner, status=COMMANDS[command][3], **fields)


@pytest.mark.parametrize("command", COMMANDS)
def test_an_auditor_does_nothing_to_a_run(api, alice, clinic, command):
    run, auditor = in_state(alice, command, clinic=clinic), auditor_of(clinic.pk)
    answer = asked(api, auditor, command, run)
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED")
    assert list(Run.objects.values_list("status", "delete_requested_by")) == [(run.status, "")]


@pytest.mark.parametrize("command", ["retry", "correct", "delete"])
def test_who_has_left_the_clinic_does_nothing_to_its_ended_runs(api, alice, clinic, command):
    run = in_state(alice, command, clinic=clinic)
    assert asked(api, left(alice), command, run).status_code == 403
    assert Run.objects.get().status == run.status


@pytest.mark.parametrize("command", ["cancel", "pause", "resume"])
def test_who_has_left_the_clinic_still_stops_what_they_started_and_nothing_else(api, alice, bob, clinic, command):
    own, theirs = in_state(alice, command, clinic=clinic), in_state(bob, command, clinic=clinic)
    left(alice)
    assert asked(api, alice, command, own).status_code == 202
    assert asked(api, alice, command, theirs).status_code == 404


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("role", ["clinician", "lead", "admin"])
def test_who_works_in_the_clinic_does_all_of_it(api, alice, bob, clinic, command, role):
    bob.memberships.update(role=role)
    assert asked(api, bob, command, in_state(alice, command, clinic=clinic)).status_code in (201, 202, 204)


@pytest.mark.parametrize("command", COMMANDS)
def test_without_a_clinic_a_run_is_its_owners(api, alice, command):
    assert asked(api, alice, command, in_state(alice, command)).status_code in (201, 202, 204)


@pytest.mark.parametrize("command", COMMANDS)
def test_staff_operates_but_does_not_correct(api, alice, dana, clinic, command):
    answer = asked(api, dana, command, in_state(alice, command, clinic=clinic))
    assert answer.status_code == 403 if command == "correct" else answer.status_code in (201, 202, 204)
    # Whatever goes on from it stays its owner's.
    assert not Run.objects.filter(owner=dana).exists()


def test_a_refusal_comes_before_the_state(alice, clinic):
    ended = make_run(alice, clinic=clinic, status=Status.SUCCEEDED)
    with pytest.raises(NotAllowed):
        runs.cancel(auditor_of(clinic.pk), ended.uid)


@pytest.mark.parametrize("way", ["cancel", "retry"])
def test_an_auditor_does_nothing_to_a_batch(api, alice, clinic, way):
    batch = make_batch(alice, Status.QUEUED, Status.FAILED, clinic=clinic)
    client = api(None)
    client.force_authenticate(auditor_of(clinic.pk))
    assert client.post(f"/api/batches/{batch.pk}/{way}").status_code == 403
    assert list(Run.objects.order_by("row").values_list("status", flat=True)) == ["queued", "failed"]


def test_the_pages_refuse_too(alice, clinic):
    run, client = make_run(alice, clinic=clinic), Client()
    client.force_login(auditor_of(clinic.pk))
    assert client.post(f"/runs/{run.uid}/cancel/").status_code == 403
    assert Run.objects.get().status == Status.QUEUED


def test_an_auditor_starts_nothing_in_the_clinic(api, alice, clinic):
    client = api(None)
    client.force_authenticate(auditor_of(clinic.pk))
    given = {"prompt": CASE, "clinic_id": str(clinic.pk)}
    answer = client.post("/api/runs", {"kind": "exercise_program", "input": given}, format="json")
    assert answer.json()["error"]["fields"] == {"clinic_id": ["There is no such clinic among yours."]}
    own = client.post("/api/runs", {"kind": "exercise_program", "input": {"prompt": CASE}}, format="json")
    assert own.json()["clinic"] is None


@pytest.mark.usefixtures("library")
def test_who_has_left_the_clinic_reads_their_programs_and_changes_none(api, alice):
    program = make_program(alice)
    left(alice)
    client, path = api("alice"), f"/api/programs/{program.pk}"
    assert client.get(path).json()["may_change"] is False
    assert client.post(f"{path}/approve", {"version": 1}, format="json").status_code == 403
    assert client.post(f"{path}/duplicate").status_code == 403
    assert client.delete(path).status_code == 403
    Program.objects.update(clinic=None)
    assert rights.may_change(alice, Program.objects.get())


def test_who_becomes_an_auditor_no_longer_changes_their_own(alice, clinic):
    run = make_run(alice, clinic=clinic)
    assert rights.may_change(alice, run)
    Membership.objects.filter(user=alice).update(role="auditor")
    assert not rights.may_change(alice, run)
