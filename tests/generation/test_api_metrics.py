"""Metrics over HTTP: who may ask, and for what (wire.md 1.1)."""

import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from generation.models import Membership
from metrics.dashboard.estimates import error
from metrics.models import DailySummary, GenerationMetric, RunMetric
from metrics.recorder import record
from metrics.summaries import ALL, add
from tests.generation.learned import WRITER, forecast

pytestmark = pytest.mark.django_db

KIND = "exercise_program"
ROW = {"bucket", "kind", "stage", "count", "p50", "p90", "failure_rate", "cost_usd"}


def history(
    *durations: int, stage: str = "generating", clinic: Any = None, at: datetime | None = None, **writer: str
) -> None:
    """A run for each duration, in this clinic, ended at this time."""
    for duration in durations:
        run_id = uuid.uuid4()
        clinic_id = uuid.UUID(str(clinic)) if clinic else None
        record(run_id=run_id, attempt=1, kind=KIND, stage=stage, duration_ms=duration, outcome="succeeded",
               clinic_id=clinic_id, **{"provider": "composer"} | writer)  # fmt: skip
        if at is not None:
            GenerationMetric.objects.filter(run_id=run_id).update(created_at=at)


def promote(name: str, role: str = Membership.Role.ADMIN) -> None:
    Membership.objects.filter(user__username=name).update(role=role)


def results(client, query: str = "") -> list[dict]:
    answer = client.get(f"/api/metrics?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


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


def calibration(client, query: str = "") -> list[dict]:
    answer = client.get(f"/api/metrics?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["calibration"]


def test_how_well_runs_were_foretold_is_told_by_kind_and_model(api):
    # Their range is 500 to 2,000 ms around 1,000: three of five held, off by 100, 200, 300, 1,500 and 2,000.
    for true_ms in (900, 1_200, 700, 2_500, 3_000):
        forecast(true_ms)
    for _ in range(5):
        forecast(2_001, model="large")
    own, large = sorted(calibration(api("dana")), key=lambda row: row["error_ms"])
    assert own == {
        "bucket": None, "kind": KIND, **WRITER, "forecasts": 5, "coverage": 0.6, "error_ms": 820,
        "relative_error": round(820 / 1_660, 4),
    }  # fmt: skip
    assert (large["model"], large["coverage"], large["error_ms"]) == ("large", 0, 1_001)


def test_estimates_from_shipped_defaults_are_not_counted_as_foretold(api):
    for _ in range(5):
        forecast(1_000)
        forecast(9_000, from_history=False)
    assert [(row["forecasts"], row["coverage"]) for row in calibration(api("dana"))] == [(5, 1)]


def test_the_dashboard_and_the_api_tell_the_same_error(api):
    ended = [RunMetric(run_id=forecast(true_ms).run_id, kind=KIND, **WRITER, outcome="succeeded", attempts=1,
                       duration_ms=true_ms) for true_ms in (900, 1_200, 700, 2_500, 30_000)]  # fmt: skip
    forecast(9_000, run_id=ended[0].run_id, elapsed_ms=1, from_history=False)
    RunMetric.objects.bulk_create(ended)
    add([], ended)
    (row,) = calibration(api("dana"))
    day = DailySummary.objects.get(provider=WRITER["provider"], clinic=ALL)
    assert row["relative_error"] == round(error(Counter(error_ms=day.error_ms, true_ms=day.true_ms)) / 100, 4)


def test_an_end_of_the_range_is_within_it(api):
    for true_ms in (500, 500, 2_000, 2_000, 2_000):
        forecast(true_ms)
    assert calibration(api("dana"))[0]["coverage"] == 1


def test_many_forecasts_of_few_runs_are_suppressed(api):
    for place in range(8):
        forecast(run_id=uuid.UUID(int=place % 4), elapsed_ms=place)
    answer = api("dana").get("/api/metrics").json()
    assert (answer["calibration"], answer["suppressed"]) == ([], 1)


def test_nothing_left_to_foretell_has_no_relative_error(api):
    for _ in range(5):
        forecast(0)
    (row,) = calibration(api("dana"))
    assert (row["error_ms"], row["relative_error"]) == (1_000, None)


def test_an_administrator_reads_how_well_their_own_clinic_was_foretold(api, cast):
    promote("bob")
    for _ in range(5):
        forecast(clinic_id=cast["alice"].clinic_id)
        forecast(9_000, clinic_id=cast["charlie"].clinic_id)
        forecast(9_000)
    assert [(row["forecasts"], row["coverage"]) for row in calibration(api("bob"))] == [(5, 1)]
    assert [row["forecasts"] for row in calibration(api("dana"))] == [15]


def test_forecasts_are_narrowed_like_the_rest(api):
    day = datetime(2020, 3, 1, 12, tzinfo=UTC)
    for place in range(10):
        forecast(stage="generating" if place % 2 else "", created_at=day + timedelta(days=place // 5))
    client = api("dana")
    assert calibration(client) == []
    assert [row["forecasts"] for row in calibration(client, "from=2020-03-01&to=2020-03-02")] == [10]
    assert [row["forecasts"] for row in calibration(client, "from=2020-03-01&to=2020-03-01")] == [5]
    assert [row["forecasts"] for row in calibration(client, "from=2020-03-01&to=2020-03-02&stage=generating")] == [5]
    days = calibration(client, "from=2020-03-01&to=2020-03-02&bucket=day")
    assert [(row["bucket"], row["forecasts"]) for row in days] == [("2020-03-01", 5), ("2020-03-02", 5)]


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


def test_the_rows_are_narrowed_by_who_wrote(api):
    history(*[1] * 5)
    history(*[9] * 5, provider="llm", model="small")
    history(*[5] * 5, provider="llm", model="large")
    client = api("dana")
    for _ in range(5):
        forecast()
        forecast(provider="llm", model="small")
    assert [row["count"] for row in results(client)] == [15]
    assert [(row["count"], row["p50"]) for row in results(client, "model=small")] == [(5, 9)]
    assert [row["count"] for row in results(client, "provider=llm")] == [10]
    assert results(client, "provider=composer&model=small") == []
    assert [row["model"] for row in calibration(client, "model=small")] == ["small"]


def test_staff_narrow_the_rows_to_any_clinic_and_an_administrator_to_their_own(api, cast):
    promote("bob")
    history(*[100] * 5, clinic=cast["alice"].clinic_id)
    history(*[1] * 6, clinic=cast["charlie"].clinic_id)
    own, other = (f"clinic={cast[name].clinic_id}" for name in ("alice", "charlie"))
    assert [row["count"] for row in results(api("dana"), own)] == [5]
    assert [row["count"] for row in results(api("dana"), other)] == [6]
    assert [row["count"] for row in results(api("bob"), own)] == [5]
    answer = api("bob").get(f"/api/metrics?{other}")
    assert (answer.status_code, answer.json()["error"]["fields"]) == (
        400, {"clinic": ["There is no such clinic among yours."]},
    )  # fmt: skip


@pytest.mark.parametrize("name", ["from", "to"])
def test_a_moment_that_is_none_is_told_how_days_and_moments_are_written(api, name):
    error = api("dana").get(f"/api/metrics?{name}=31/01/2026").json()["error"]
    assert "2026-01-31 " in error["fields"][name][0]
    assert "2026-01-31T12:00:00Z" in error["fields"][name][0]


def test_long_periods_are_read_from_what_was_summed_up(api, cast):
    promote("bob")
    day = datetime(2020, 3, 1, 12, tzinfo=UTC)
    for clinic in (cast["alice"].clinic_id, cast["charlie"].clinic_id, None):
        history(*[100] * 5, clinic=clinic, at=day)
        history(*[900] * 5, clinic=clinic, at=day, provider="llm", model="small")
    GenerationMetric.objects.update(learned=1)
    call_command("backfill_summaries", verbosity=0)
    GenerationMetric.objects.all().delete()
    short, long = "from=2020-03-01&to=2020-03-31", "from=2020-03-01&to=2020-04-01"
    assert results(api("dana"), short) == []
    assert [row["count"] for row in results(api("dana"), long)] == [30]
    assert [row["count"] for row in results(api("bob"), long)] == [10]
    (row,) = results(api("bob"), f"{long}&model=small&bucket=day")
    assert (row["bucket"], row["count"]) == ("2020-03-01", 5)
    assert row["p50"] == pytest.approx(900, rel=0.045)
    assert results(api("dana"), f"{long}&model=*") == results(api("dana"), f"{long}&provider=*") == []
    assert results(api("dana"), f"{long}&stage=storing") == []


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
    ("surprise=1", "surprise"), ("clinic=north", "clinic"), ("model=", "model"), ("provider=%00", "provider"),
])  # fmt: skip
def test_a_query_that_can_not_be_meant_names_the_parameter(api, query, field):
    answer = api("dana").get(f"/api/metrics?{query}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], list(error["fields"])) == (400, "VALIDATION_ERROR", [field])


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_what_is_counted_is_only_read(api, method):
    answer = getattr(api("dana"), method)("/api/metrics")
    assert (answer.status_code, "GET" in answer["Allow"]) == (405, True)
