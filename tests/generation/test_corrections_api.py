"""What was misunderstood is put right, and the program is written again for it."""

import pytest

from generation import runs
from generation.models import Run
from generation.models.runs import Status
from tests.generation.factories import CASE, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(alice) -> Run:
    given = {"prompt": CASE, "mrn": "AB-12377", "engine": "auto"}
    return make_run(alice, clinic=alice.clinics.get(), status=Status.SUCCEEDED, input=given)


def correct(client, run, corrections: object, **headers):
    path = f"/api/runs/{run.uid}/corrections"
    return client.post(path, {"corrections": corrections}, format="json", headers=headers)


def test_a_correction_starts_a_run_for_the_same_case(api, run):
    made = correct(api("alice"), run, {"side": "left"})
    assert made.status_code == 201
    body = made.json()
    assert made["Location"] == body["urls"]["self"]
    assert (body["parent"], body["status"]) == (str(run.uid), "queued")
    assert body["input"] == {"prompt": CASE, "mrn": "••••77", "engine": "auto", "corrections": {"side": "left"}}


def test_a_second_correction_keeps_the_first(api, run):
    first = Run.objects.get(uid=correct(api("alice"), run, {"side": "left", "age": 50}).json()["id"])
    runs.cancel(first.owner, first.uid)
    second = correct(api("alice"), first, {"age": 60}).json()
    assert second["input"]["corrections"] == {"side": "left", "age": 60}


def test_a_second_correction_keeps_the_limits_of_the_first(api, run):
    first = Run.objects.get(uid=correct(api("alice"), run, {"restrictions": {"add": ["cannot_kneel"]}}).json()["id"])
    runs.cancel(first.owner, first.uid)
    second = correct(api("alice"), first, {"restrictions": {"add": ["no_prone"]}}).json()
    assert second["input"]["corrections"] == {"restrictions": {"add": ["cannot_kneel", "no_prone"]}}


def test_a_colleague_corrects_in_their_own_name(api, run):
    made = correct(api("bob"), run, {"side": "left"}).json()
    assert Run.objects.get(uid=made["id"]).owner.username == "bob"


def test_a_stranger_finds_no_run(api, run):
    assert correct(api("charlie"), run, {"side": "left"}).status_code == 404


@pytest.mark.parametrize(
    ("corrections", "fields"),
    [
        ({"side": "up"}, {"corrections": {"side": ["Unknown code for side."]}}),
        ({"age": 500}, {"corrections": {"age": ["Give a number from 0 to 120."]}}),
        ({"Mrs Smith": 1}, {"corrections": {"unknown": ["This can not be corrected."]}}),
        ({"red_flags": []}, {"corrections": {"unknown": ["This can not be corrected."]}}),
    ],
)
def test_a_bad_correction_starts_nothing(api, run, corrections, fields):
    answer = correct(api("alice"), run, corrections)
    assert (answer.status_code, answer.json()["error"]["fields"]) == (400, fields)
    assert Run.objects.count() == 1


@pytest.mark.parametrize("corrections", [{}, [], "left", None])
def test_no_correction_at_all_is_refused(api, run, corrections):
    assert correct(api("alice"), run, corrections).json()["error"]["fields"].keys() == {"corrections"}


def test_a_live_run_can_not_be_corrected(api, run):
    Run.objects.filter(pk=run.pk).update(status=Status.RUNNING, finished_at=None)
    assert correct(api("alice"), run, {"side": "left"}).status_code == 409


def test_a_repeated_request_starts_one_run(api, run):
    key = {"Idempotency-Key": "one"}
    first, second = (correct(api("alice"), run, {"side": "left"}, **key).json()["id"] for _ in range(2))
    assert first == second
    assert correct(api("alice"), run, {"side": "right"}, **key).status_code == 409
