"""Looking at a run is on the audit trail, and does not flood it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from generation import looks
from generation.models import AuditEntry, Run
from generation.models.runs import Status
from tests.generation.factories import make_batch, make_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(alice):
    return make_run(alice, clinic=alice.clinics.get(), status=Status.SUCCEEDED, result={"outcome": "program"})


def entries():
    rows = AuditEntry.objects.filter(action="view", object_kind="run").order_by("id")
    return [(row.actor_name, row.object_id, row.facts) for row in rows]


@pytest.mark.parametrize("path", ["", "/result"])
def test_a_colleague_who_looks_is_on_record_once_an_hour(api, run, path):
    for _ in range(3):
        assert api("bob").get(f"/api/runs/{run.uid}{path}").status_code == 200
    assert entries() == [("bob", run.uid, {})]


def test_after_an_hour_looking_counts_again(alice, bob, run, monkeypatch):
    looks.viewed(bob, run)
    later = timezone.now() + timedelta(minutes=61)
    monkeypatch.setattr(timezone, "now", lambda: later)
    looks.viewed(bob, run)
    assert len(entries()) == 2


def test_an_owner_watches_live_without_a_trace_and_is_on_record_once_it_has_ended(api, run):
    Run.objects.update(status=Status.RUNNING)
    api("alice").get(f"/api/runs/{run.uid}")
    assert entries() == []
    Run.objects.update(status=Status.SUCCEEDED)
    api("alice").get(f"/api/runs/{run.uid}")
    assert entries() == [("alice", run.uid, {})]


def test_an_owner_who_watches_live_costs_no_query_more(api, run, django_assert_max_num_queries):
    with django_assert_max_num_queries(0):
        looks.viewed(run.owner, Run(owner=run.owner, status=Status.RUNNING))


def test_what_was_not_shown_is_not_on_record(api, run):
    Run.objects.update(status=Status.RUNNING)
    assert api("bob").get(f"/api/runs/{run.uid}/result").status_code == 409
    assert api("charlie").get(f"/api/runs/{run.uid}").status_code == 404
    assert entries() == []


def test_a_list_says_how_many_runs_of_others_it_has_shown(api, run, bob):
    make_run(bob)
    for _ in range(2):
        api("bob").get("/api/runs")
    assert entries() == [("bob", None, {"others": 1})]


def test_a_list_of_ones_own_leaves_no_trace(api, run):
    api("alice").get("/api/runs")
    assert entries() == []


def test_a_batch_of_others_is_on_record(api, alice):
    batch = make_batch(alice, Status.FAILED, Status.FAILED, clinic=alice.clinics.get())
    for name in ("alice", "bob"):
        assert api(name).get(f"/api/batches/{batch.pk}").status_code == 200
    assert entries() == [("bob", None, {"others": 2})]


def test_the_page_of_a_run_counts_as_looking(bob, run):
    Run.objects.update(status=Status.FAILED)
    client = Client()
    client.force_login(bob)
    assert client.get(f"/runs/{run.uid}/").status_code == 200
    assert entries() == [("bob", run.uid, {})]
