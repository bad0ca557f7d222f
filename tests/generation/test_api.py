"""The ask column over HTTP: start, list, snapshot, result (wire.md 1.1)."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from generation.models import Event, Run
from generation.models.runs import Status
from tests.generation.factories import CASE, make_run

SNAPSHOT = {
    "id", "kind", "status", "stage", "progress", "eta", "position", "input", "result", "error", "quality_score",
    "usage", "model", "provider", "clinic", "batch", "parent", "attempt", "last_seq", "created_at", "started_at",
    "finished_at", "cancelled_by", "urls",
}  # fmt: skip

pytestmark = pytest.mark.django_db(transaction=True)


def body(**fields):
    return {"kind": "exercise_program", "input": {"prompt": CASE, **fields}}


def test_a_start_answers_with_the_snapshot_and_its_address(api):
    answer = api("alice").post("/api/runs", body(), format="json")
    run = answer.json()
    assert answer.status_code == 201
    assert set(run) == SNAPSHOT
    assert answer["Location"] == run["urls"]["self"] == f"/api/runs/{run['id']}"
    assert (run["status"], run["last_seq"], run["eta"]["basis"], run["position"]) == ("queued", 1, "default", 1)


def test_a_start_writes_the_run_and_its_first_event_together(api):
    run_id = api("alice").post("/api/runs", body(), format="json").json()["id"]
    assert list(Event.objects.filter(run__uid=run_id).values_list("seq", "name")) == [(1, "queued")]


@pytest.mark.parametrize(("sent", "field"), [
    ({"kind": "unknown", "input": {}}, "kind"),
    ({"input": {}}, "kind"),
    ({"kind": "exercise_program"}, "input"),
    ({"kind": "exercise_program", "input": []}, "input"),
    ({"kind": "exercise_program", "input": {}}, "prompt"),
    (body(prompt="x" * 19), "prompt"),
    (body(prompt="x" * 4001), "prompt"),
    (body(mrn="x" * 65), "mrn"),
    (body(language="sv"), "language"),
    (body(engine="llm"), "engine"),
    (body(clinic_id="not-a-clinic"), "clinic_id"),
    (body(clinic_id=str(uuid.uuid4())), "clinic_id"),
    (body(unknown=1), "unknown"),
    ({**body(), "extra": 1}, "extra"),
])  # fmt: skip
def test_a_bad_start_names_the_field_and_changes_nothing(api, sent, field):
    answer = api("alice").post("/api/runs", sent, format="json")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR")
    assert field in error["fields"]
    assert Run.objects.count() == 0


def test_a_clinic_of_somebody_else_is_refused_in_the_words_of_a_missing_one(api, cast):
    foreign = api("alice").post("/api/runs", body(clinic_id=cast["charlie"].clinic_id), format="json")
    missing = api("alice").post("/api/runs", body(clinic_id=str(uuid.uuid4())), format="json")
    assert foreign.json() == missing.json()


def test_the_only_clinic_of_a_person_is_theirs_by_default(api, cast):
    assert api("alice").post("/api/runs", body(), format="json").json()["clinic"] == cast["alice"].clinic_id
    assert api("dana").post("/api/runs", body(), format="json").json()["clinic"] is None


def test_the_list_is_newest_first_and_paged_by_cursor(api, alice):
    made = [str(make_run(alice).uid) for _ in range(5)]
    first = api("alice").get("/api/runs?page_size=3").json()
    rest = api("alice").get(first["next"]).json()
    assert [run["id"] for run in first["results"] + rest["results"]] == made[::-1]
    assert (first["previous"], rest["next"]) == (None, None)


@pytest.mark.parametrize(("query", "count"), [
    ("", 3), ("status=succeeded", 1), ("kind=exercise_program", 3), ("kind=procedure", 0), ("status=running", 0),
])  # fmt: skip
def test_the_list_is_filtered(api, alice, query, count):
    make_run(alice)
    make_run(alice, status=Status.SUCCEEDED)
    make_run(alice, status=Status.FAILED)
    assert len(api("alice").get(f"/api/runs?{query}").json()["results"]) == count


def test_the_list_is_filtered_by_time_and_clinic(api, alice, cast):
    old = make_run(alice, clinic_id=cast["alice"].clinic_id)
    Run.objects.filter(pk=old.pk).update(created_at=timezone.now() - timedelta(days=2))
    make_run(alice)
    yesterday = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert len(api("alice").get(f"/api/runs?created_before={yesterday}").json()["results"]) == 1
    assert len(api("alice").get(f"/api/runs?created_after={yesterday}").json()["results"]) == 1
    assert len(api("alice").get(f"/api/runs?clinic={cast['alice'].clinic_id}").json()["results"]) == 1


@pytest.mark.parametrize("query", ["status=flying", "created_after=noon", "surprise=1", "page_size=x", "clinic=x"])
def test_a_filter_that_can_not_be_meant_is_refused(api, query):
    assert api("alice").get(f"/api/runs?{query}").status_code == 400


def test_a_result_comes_only_from_a_run_that_has_one(api, alice):
    live = make_run(alice)
    done = make_run(alice, status=Status.SUCCEEDED, result={"outcome": "program"})
    failed = make_run(alice, status=Status.FAILED)
    client = api("alice")
    assert client.get(f"/api/runs/{live.uid}/result").status_code == 409
    assert client.get(f"/api/runs/{done.uid}/result").json() == {"outcome": "program"}
    assert client.get(f"/api/runs/{failed.uid}/result").status_code == 410


def test_times_are_utc_with_milliseconds(api, alice):
    run = make_run(alice)
    assert api("alice").get(f"/api/runs/{run.uid}").json()["created_at"][-5:-4] == "."
    assert api("alice").get(f"/api/runs/{run.uid}").json()["created_at"].endswith("Z")


def test_nothing_here_may_be_cached(api, alice):
    assert api("alice").get("/api/runs")["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("method", "path"), [("put", "/api/runs"), ("post", "/api/runs/x"), ("get", "/api/runs/x/cancel")]
)
def test_a_wrong_method_says_which_are_right(api, method, path):
    answer = getattr(api("alice"), method)(path)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "VALIDATION_ERROR")
    assert answer["Allow"]
