"""A record number is found, masked and revealed, and stands nowhere else."""

import pytest

from generation import record_numbers
from generation.models import AuditEntry, Run

pytestmark = pytest.mark.django_db

MRN = "AB 123-77"
CASE = {"prompt": "68 yo woman, right knee OA, pain 4/10, 8 months", "mrn": MRN}


@pytest.fixture
def run(api) -> dict:
    return api("alice").post("/api/runs", {"kind": "exercise_program", "input": CASE}, format="json").json()


def search(client, mrn: object):
    return client.post("/api/runs/search", {"mrn": mrn}, format="json")


def test_a_snapshot_shows_only_its_last_characters(run):
    assert run["input"]["mrn"] == "••••77"


@pytest.mark.parametrize(
    "written",
    [MRN, "ab12377", "AB-123 77", "ab.123/77", "AB\u2013123\u201177", "ＡＢ１２３\u221277", "ab\u00ad123\u200b77"],
)
def test_it_is_found_however_it_is_written(run, api, written):
    assert [found["id"] for found in search(api("alice"), written).json()["results"]] == [run["id"]]


@pytest.mark.parametrize("written", ["AB 123-7", "AB 123-771", "77", "%"])
def test_only_the_whole_number_finds_it(run, api, written):
    assert search(api("alice"), written).json() == {"results": []}


def test_a_stranger_finds_nothing(run, api):
    assert search(api("charlie"), MRN).json() == {"results": []}
    assert api("charlie").post(f"/api/runs/{run['id']}/record-number").status_code == 404


def test_somebody_of_the_clinic_may_reveal_it_and_is_on_record(run, api):
    assert api("bob").post(f"/api/runs/{run['id']}/record-number").json() == {"mrn": MRN}
    entry = AuditEntry.objects.get(action="reveal")
    assert (entry.actor_name, str(entry.object_id)) == ("bob", run["id"])
    assert MRN not in str(entry.facts)


def test_a_search_is_on_record_without_the_number(run, api):
    search(api("alice"), MRN)
    entry = AuditEntry.objects.get(action="search")
    assert (entry.actor_name, entry.facts) == ("alice", {"found": 1})


@pytest.mark.parametrize("bad", [None, "", "x" * 65, ["a"], {"a": 1}])
def test_a_search_for_no_number_is_refused(api, bad):
    answer = search(api("alice"), bad)
    assert answer.status_code == 400
    assert "mrn" in answer.json()["error"]["fields"]


def test_a_run_without_one_reveals_none_and_leaves_no_trace(api):
    case = {"kind": "exercise_program", "input": {"prompt": CASE["prompt"]}}
    run = api("alice").post("/api/runs", case, format="json").json()
    assert api("alice").post(f"/api/runs/{run['id']}/record-number").json() == {"mrn": None}
    assert not AuditEntry.objects.filter(action="reveal").exists()


def test_a_run_that_follows_another_takes_its_number_over(run, api):
    given = {"prompt": CASE["prompt"] + ", wants to cycle", "follows": run["id"]}
    later = api("alice").post("/api/runs", {"kind": "exercise_program", "input": given}, format="json").json()
    assert later["parent"] == run["id"]
    assert later["input"] == {"prompt": given["prompt"], "mrn": "••••77", "engine": "auto"}
    assert Run.objects.get(uid=later["id"]).mrn_hash == record_numbers.digest(MRN)


def test_a_run_can_not_follow_a_strangers(run, api):
    given = {"prompt": CASE["prompt"], "follows": run["id"]}
    answer = api("charlie").post("/api/runs", {"kind": "exercise_program", "input": given}, format="json")
    assert answer.json()["error"]["fields"] == {"follows": ["There is no such run."]}
    assert not Run.objects.filter(owner__username="charlie").exists()


def test_a_short_number_is_hidden_whole():
    masked = [record_numbers.masked(mrn) for mrn in ("", "7", "1377", "1-3 77", "12377")]
    assert masked == ["", "••••", "••••", "••••", "••••77"]
