"""Estimates over HTTP: what a new run would take, and how far that is to be trusted (wire.md 1.1)."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.serializers import iso
from metrics import estimator
from tests.generation.learned import KIND, forecast, learned

pytestmark = pytest.mark.django_db

STAGES = stage_codes(PIPELINES[KIND])


def estimate(client, query: str = "") -> dict:
    answer = client.get(f"/api/estimates?kind={KIND}{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_an_estimate_tells_each_stage_and_the_whole(api):
    learned(*[300] * 20)
    answer = estimate(api("alice"))
    stages = {stage.pop("stage"): stage for stage in answer["stages"]}
    assert tuple(stages) == STAGES
    for told in (*stages.values(), answer["total"]):
        assert 0 <= told["low_ms"] <= told["ms"] <= told["high_ms"]
        assert told["basis"] == "history"
    assert stages["generating"]["ms"] == pytest.approx(300, rel=0.1)
    assert answer["total"]["ms"] == pytest.approx(300, rel=0.1)
    assert answer["kind"] == KIND


def test_without_history_the_shipped_defaults_stand_in_and_say_so(api):
    answer = estimate(api("alice"))
    assert {told["basis"] for told in (*answer["stages"], answer["total"])} == {"default"}
    assert answer["calibration"] is None


def test_an_estimate_is_of_the_engine_that_is_asked_for(api, settings):
    learned(*[300] * 20)
    settings.MODEL = "large"
    by_rule, by_model = (estimate(api("alice"), f"&engine={engine}")["total"] for engine in ("composer", "llm"))
    assert by_rule["ms"] == pytest.approx(300, rel=0.1)
    assert by_model["ms"] > 10 * by_rule["ms"]
    assert estimate(api("alice"))["total"] == by_model


def test_an_engine_that_is_not_configured_is_refused(api):
    answer = api("alice").get(f"/api/estimates?kind={KIND}&engine=llm")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["engine"])


def test_a_longer_request_takes_longer_where_history_says_so(api):
    for _ in range(20):
        learned(1_000, size=200)
        learned(8_000, size=2_000)
    short, long = (estimate(api("alice"), f"&size={size}")["total"]["ms"] for size in (200, 2_000))
    assert long > 3 * short


def test_how_often_such_estimates_held_stands_beside_them(api):
    begun = timezone.now() - timedelta(days=3)
    for place, true_ms in enumerate((900, 2_000, 2_001, 500, 499)):
        forecast(true_ms, created_at=begun + timedelta(hours=place))
    found = estimate(api("alice"))["calibration"]
    assert found == {"coverage": 0.6, "forecasts": 5, "since": iso(begun)}


@pytest.mark.parametrize("fields", [
    {"run_id": uuid.UUID(int=1)},
    {"model": "another"},
    {"provider": "api.example"},
    {"kind": "another"},
    {"from_history": False},
    {"created_at": timezone.now() - timedelta(days=40)},
])  # fmt: skip
def test_forecasts_of_one_run_of_others_or_of_long_ago_say_nothing(api, fields):
    for place in range(5):
        forecast(elapsed_ms=place, **fields)
    assert estimate(api("alice"))["calibration"] is None


def test_only_the_latest_forecasts_count(api, monkeypatch):
    monkeypatch.setattr("metrics.aggregates.LATEST", 5)
    now = timezone.now()
    for place in range(10):
        forecast(9_000 if place < 5 else 1_000, created_at=now - timedelta(hours=20 - place))
    assert estimate(api("alice"))["calibration"]["coverage"] == 1


@pytest.mark.parametrize(("query", "field"), [
    ("", "kind"), ("kind=", "kind"), ("kind=unknown", "kind"), (f"kind={KIND}&stage=generating", "stage"),
    (f"kind={KIND}&engine=", "engine"), (f"kind={KIND}&engine=gpt", "engine"),
    (f"kind={KIND}&size=", "size"), (f"kind={KIND}&size=-1", "size"), (f"kind={KIND}&size=1e3", "size"),
    (f"kind={KIND}&size=99999999999999999999", "size"), (f"kind={KIND}&size=nan", "size"),
])  # fmt: skip
def test_an_estimate_of_what_can_not_be_names_the_parameter(api, query, field):
    answer = api("alice").get(f"/api/estimates?{query}")
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, [field])


@pytest.mark.parametrize("size", [0, 1, 10_000_000])
def test_any_size_has_an_estimate(api, size):
    learned(*[300] * 20, size=100)
    assert estimate(api("alice"), f"&size={size}")["total"]["ms"] > 0


@pytest.mark.parametrize(("name", "status"), [
    (None, 401), ("alice", 200), ("bob", 200), ("charlie", 200), ("dana", 200),
])  # fmt: skip
def test_whoever_is_signed_in_may_ask_for_an_estimate(api, name, status):
    assert api(name).get(f"/api/estimates?kind={KIND}").status_code == status


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_an_estimate_is_only_read(api, method):
    answer = getattr(api("dana"), method)(f"/api/estimates?kind={KIND}")
    assert (answer.status_code, "GET" in answer["Allow"]) == (405, True)


def test_an_estimate_reads_the_profiles_once_for_many_who_ask(api, django_assert_max_num_queries):
    learned(*[300] * 20)
    client = api("alice")
    estimator.forget()
    estimate(client)
    # The token, clinic or staff aside, and how well runs like this were foretold.
    with django_assert_max_num_queries(3):
        estimate(client)
