"""Metrics and estimates over HTTP: who may ask, and for what (wire.md 1.1)."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from generation.models import Membership
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from metrics.models import GenerationMetric
from metrics.recorder import record

pytestmark = pytest.mark.django_db

KIND = "exercise_program"
ROW = {"bucket", "kind", "stage", "count", "p50", "p90", "failure_rate", "cost_usd"}


def history(*durations: int, stage: str = "generating", clinic: str | None = None, at: datetime | None = None) -> None:
    """A run for each duration, in this clinic, ended at this time."""
    for duration in durations:
        run_id = uuid.uuid4()
        clinic_id = uuid.UUID(clinic) if clinic else None
        record(run_id=run_id, attempt=1, kind=KIND, stage=stage, duration_ms=duration, outcome="succeeded",
               provider="composer", clinic_id=clinic_id)  # fmt: skip
        if at is not None:
            GenerationMetric.objects.filter(run_id=run_id).update(created_at=at)


def promote(name: str, role: str = Membership.Role.ADMIN) -> None:
    Membership.objects.filter(user__username=name).update(role=role)


def results(client, query: str = "") -> list[dict]:
    answer = client.get(f"/api/metrics?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_an_estimate_tells_each_stage_and_the_whole(api):
    history(100, 200, 300, 400, 500)
    answer = api("alice").get(f"/api/estimates?kind={KIND}").json()
    stages = {stage.pop("stage"): stage for stage in answer["stages"]}
    assert tuple(stages) == stage_codes(PIPELINES[KIND])
    assert stages["generating"] == {"ms": 300, "low_ms": 140, "high_ms": 460, "basis": "history"}
    assert stages["started"]["basis"] == "default"
    assert answer["total"]["ms"] == sum(stage["ms"] for stage in stages.values())
    assert (answer["kind"], answer["total"]["basis"]) == (KIND, "default")


def test_a_whole_with_history_for_each_stage_is_history(api):
    for stage in stage_codes(PIPELINES[KIND]):
        history(*[10] * 5, stage=stage)
    total = api("alice").get(f"/api/estimates?kind={KIND}").json()["total"]
    ms = 10 * len(stage_codes(PIPELINES[KIND]))
    assert total == {"ms": ms, "low_ms": ms, "high_ms": ms, "basis": "history"}


@pytest.mark.parametrize(("query", "field"), [
    ("", "kind"), ("kind=", "kind"), ("kind=unknown", "kind"), (f"kind={KIND}&stage=generating", "stage"),
])  # fmt: skip
def test_an_estimate_of_no_kind_names_the_parameter(api, query, field):
    answer = api("alice").get(f"/api/estimates?{query}")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


@pytest.mark.parametrize(("name", "status"), [
    (None, 401), ("alice", 200), ("bob", 200), ("charlie", 200), ("dana", 200),
])  # fmt: skip
def test_whoever_is_signed_in_may_ask_for_an_estimate(api, name, status):
    assert api(name).get(f"/api/estimates?kind={KIND}").status_code == status


@pytest.mark.parametrize(("name", "status"), [
    (None, 401), ("alice", 403), ("bob", 403), ("charlie", 403), ("dana", 200),
])  # fmt: skip
def test_metrics_are_for_staff(api, name, status):
    assert api(name).get("/api/metrics").status_code == status


@pytest.mark.parametrize("role", ["clinician", "lead", "auditor"])
def test_no_other_role_in_a_clinic_opens_its_metrics(api, role):
    promote("alice", role)
    answer = api("alice").get("/api/metrics")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "PERMISSION_DENIED")


def test_who_may_not_read_metrics_learns_nothing_from_a_bad_query(api):
    assert api("charlie").get("/api/metrics?surprise=1").status_code == 403


def test_an_administrator_reads_only_what_their_own_clinic_took(api, cast):
    promote("bob")
    history(*[100] * 5, clinic=cast["alice"].clinic_id)
    history(*[1] * 5, clinic=cast["charlie"].clinic_id)
    history(*[1] * 5)
    assert [(row["count"], row["p50"]) for row in results(api("bob"))] == [(5, 100)]
    assert [row["count"] for row in results(api("dana"))] == [15]


def test_an_administrator_does_not_see_a_group_that_only_others_make_large(api, cast):
    promote("bob")
    history(*[1] * 4, clinic=cast["alice"].clinic_id)
    history(*[1] * 9, clinic=cast["charlie"].clinic_id)
    answer = api("bob").get("/api/metrics").json()
    assert (answer["results"], answer["suppressed"]) == ([], 1)


def test_a_row_is_an_aggregate_and_names_nobody(api, cast):
    history(*[100] * 5, clinic=cast["alice"].clinic_id)
    (row,) = results(api("dana"))
    assert set(row) == ROW
    assert (row["bucket"], row["kind"], row["stage"], row["failure_rate"]) == (None, KIND, "generating", 0)


def test_days_make_rows_of_their_own(api):
    now = timezone.now()
    history(*[1] * 5, at=now - timedelta(days=1))
    history(*[2] * 5, at=now)
    days = [(now - timedelta(days=1)).date().isoformat(), now.date().isoformat()]
    assert [row["bucket"] for row in results(api("dana"), f"bucket=day&to={days[1]}")] == days


def test_the_rows_are_narrowed_by_kind_and_stage(api):
    history(*[1] * 5)
    history(*[1] * 5, stage="storing")
    client = api("dana")
    assert [row["stage"] for row in results(client, "stage=storing")] == ["storing"]
    assert len(results(client, f"kind={KIND}")) == 2


@pytest.mark.parametrize(("query", "count"), [
    ("from=2020-03-01&to=2020-03-01", 5),
    ("from=2020-03-01&to=2020-03-02", 10),
    ("from=2020-03-01T12:00:00Z&to=2020-03-03T00:00:00Z", 10),
    ("from=2020-03-01T12:00:01Z&to=2020-03-02", 5),
    ("from=2020-03-01T12:00:00Z&to=2020-03-02T12:00:00Z", 5),
    ("from=2020-03-01T12:00:00%2B01:00&to=2020-03-01T13:00:00%2B01:00", None),
    ("to=2020-03-30", 10),
    ("to=2020-03-31", 5),
    ("to=2020-04-02", None),
    ("", None),
])  # fmt: skip
def test_a_period_begins_with_from_and_ends_with_the_day_or_before_the_moment_of_to(api, query, count):
    for day in (1, 2):
        history(*[1] * 5, at=datetime(2020, 3, day, 12, tzinfo=UTC))
    rows = results(api("dana"), query)
    assert [row["count"] for row in rows] == ([count] if count else [])


def test_an_answer_says_which_period_it_is_of(api):
    answer = api("dana").get("/api/metrics?from=2020-03-01&to=2020-03-02").json()
    assert (answer["from"], answer["to"]) == ("2020-03-01T00:00:00.000Z", "2020-03-03T00:00:00.000Z")


@pytest.mark.parametrize(("query", "field"), [
    ("kind=unknown", "kind"), ("stage=unknown", "stage"), ("bucket=hour", "bucket"), ("bucket=", "bucket"),
    ("from=noon", "from"), ("to=noon", "to"), ("from=2026-02-30", "from"), ("to=", "to"),
    ("from=2026-03-02&to=2026-03-01", "to"), ("from=2999-01-01", "to"), ("from=2025-01-01&to=2026-03-01", "from"),
    ("to=9999-12-31", "to"), ("to=0001-01-01T00:00:00Z", "to"), ("from=0001-01-01T00:00:00%2B14:00", "from"),
    ("surprise=1", "surprise"),
])  # fmt: skip
def test_a_query_that_can_not_be_meant_names_the_parameter(api, query, field):
    answer = api("dana").get(f"/api/metrics?{query}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], list(error["fields"])) == (400, "VALIDATION_ERROR", [field])


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", [f"/api/estimates?kind={KIND}", "/api/metrics"])
def test_what_is_counted_is_only_read(api, path, method):
    answer = getattr(api("dana"), method)(path)
    assert (answer.status_code, "GET" in answer["Allow"]) == (405, True)
