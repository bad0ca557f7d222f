"""A run that follows another stays in its clinic, and so does the record number."""

import json

import pytest

from generation import previews, runs
from generation.errors import Invalid
from generation.models import Clinic, Membership, Run
from generation.models.runs import Status
from tests.generation.factories import CASE, make_run

pytestmark = pytest.mark.django_db

MRN = "ZX-44110"


@pytest.fixture
def home(alice):
    return alice.clinics.get()


@pytest.fixture
def west(bob):
    clinic = Clinic.objects.create(name="West")
    Membership.objects.create(clinic=clinic, user=bob)
    return clinic


@pytest.fixture
def earlier(alice, home):
    return make_run(alice, clinic=home, status=Status.FAILED, input={"prompt": CASE, "mrn": MRN}, language="da")


def started(owner, earlier, **given):
    return runs.start(owner, "exercise_program", {"prompt": CASE, "follows": str(earlier.uid), **given})


def faults(owner, earlier, **given):
    with pytest.raises(Invalid) as refused:
        started(owner, earlier, **given)
    assert Run.objects.count() == 1
    return refused.value.fields


def test_it_is_of_the_clinic_of_the_one_it_follows(bob, west, home, earlier):
    run = started(bob, earlier)
    assert (run.clinic, run.input["mrn"]) == (home, MRN)


def test_no_record_number_goes_to_another_clinic(bob, west, earlier):
    assert list(faults(bob, earlier, clinic_id=str(west.pk))) == ["clinic_id"]


def test_with_a_number_of_its_own_it_may_be_of_another_clinic(bob, west, earlier):
    run = started(bob, earlier, clinic_id=str(west.pk), mrn="W-20771")
    assert (run.clinic, run.input["mrn"], run.parent) == (west, "W-20771", earlier)


def test_without_a_number_it_may_be_of_another_clinic(bob, west, earlier):
    earlier.input = {"prompt": CASE}
    earlier.save()
    assert started(bob, earlier, clinic_id=str(west.pk)).clinic == west


def test_who_only_looks_takes_no_number_over(dana, earlier):
    assert list(faults(dana, earlier)) == ["mrn"]


def test_who_has_left_the_clinic_takes_no_number_along(alice, earlier):
    alice.memberships.all().delete()
    assert list(faults(alice, earlier)) == ["mrn"]


def test_a_batch_keeps_to_the_same(api, bob, west, earlier):
    row = {"prompt": CASE, "follows": str(earlier.uid), "clinic_id": str(west.pk)}
    body = {"kind": "exercise_program", "inputs": [{"prompt": CASE, "clinic_id": str(west.pk)}, row]}
    answer = api("bob").post("/api/batches", body, format="json")
    assert answer.json()["error"]["fields"]["inputs"].keys() == {"1"}
    assert Run.objects.count() == 1


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(("asked", "language"), [({}, "da"), ({"language": "en"}, "en")])
def test_a_preview_is_in_the_language_that_the_run_would_have(alice, earlier, asked, language):
    given = {"prompt": CASE, "follows": str(earlier.uid), **asked}
    shown = previews.preview(alice, "exercise_program", given)
    brief = json.loads(shown["task"]["messages"][1]["content"])
    assert brief["language"] == started(alice, earlier, **asked).language == language
