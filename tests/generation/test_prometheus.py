"""`/metrics` for Prometheus: who may read it, and that it says how much and never who."""

import re
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as plain_text

from generation.database import in_database
from generation.models import Run
from generation.models.runs import Status
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from metrics import prometheus, recorder
from metrics.models import Forecast, GenerationMetric, RunMetric
from tests.generation.executing import executing, start, until
from tests.generation.factories import make_run

pytestmark = pytest.mark.django_db

SECRET = "a token for the scraper"
KIND = "exercise_program"
# What tells one person, run or place from another: ids, long numbers, addresses.
TELLING = re.compile(r"[0-9a-f]{8}-|[0-9a-f]{16}|\d{5}|@|://|\s")
LABELS = {"kind", "stage", "outcome", "code", "status", "state", "held", "way", "le"}


@pytest.fixture(autouse=True)
def _on(settings) -> None:
    settings.PROMETHEUS, settings.PROMETHEUS_TOKEN = True, SECRET


Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped() -> Samples:
    """The value of each sample by its name and labels."""
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {SECRET}"})
    assert answer.status_code == 200, answer.content
    samples = [sample for family in plain_text(answer.content.decode()) for sample in family.samples]
    return {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def grown(before: Samples, name: str, **labels: str) -> float:
    sample = name, frozenset(labels.items())
    return scraped().get(sample, 0.0) - before.get(sample, 0.0)


def gauges(found: Samples, name: str) -> dict[str, float]:
    """The values of a gauge that has one label, by that label's value."""
    return {value: number for (of, labels), number in found.items() if of == name for _, value in labels}


def ended_stage(outcome: str = "succeeded", **fields) -> GenerationMetric:
    told = {"run_id": uuid.uuid4(), "attempt": 1, "kind": KIND, "stage": "generating", "duration_ms": 1_500}
    return GenerationMetric(**told, outcome=outcome, provider="api.example", model="large-7", **fields)


def ended_run(outcome: str = "succeeded", **fields) -> RunMetric:
    told = {"run_id": uuid.uuid4(), "kind": KIND, "attempts": 1, "duration_ms": 2_500}
    return RunMetric(**told, outcome=outcome, clinic_id=uuid.uuid4(), **fields)


def test_without_the_setting_there_is_no_such_address(settings, api):
    settings.PROMETHEUS = False
    for client in (api(None), api("dana")):
        answer = client.get("/metrics")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")
    assert Client().get("/metrics", headers={"Authorization": f"Bearer {SECRET}"}).status_code == 404


@pytest.mark.parametrize(("name", "status"), [
    (None, 401), ("alice", 403), ("bob", 403), ("charlie", 403), ("dana", 200),
])  # fmt: skip
def test_of_people_only_staff_read_it(api, name, status):
    assert api(name).get("/metrics").status_code == status


def test_staff_read_it_in_the_browser_too(dana):
    client = Client()
    client.force_login(dana)
    assert client.get("/metrics").status_code == 200


@pytest.mark.parametrize("given", [
    "Bearer", "Bearer ", "Bearer wrong", f"Bearer {SECRET}x", f"Token {SECRET}", SECRET, "Bearer é",
])  # fmt: skip
def test_who_has_another_token_is_nobody(given):
    assert Client().get("/metrics", headers={"Authorization": given}).status_code == 401


def test_without_a_token_in_the_settings_none_opens_it(settings):
    settings.PROMETHEUS_TOKEN = ""
    for given in ("Bearer ", "Bearer", f"Bearer {SECRET}"):
        assert Client().get("/metrics", headers={"Authorization": given}).status_code == 401


def test_a_request_from_this_machine_proves_nothing():
    for headers in ({}, {"X-Forwarded-For": "127.0.0.1"}):
        assert Client(REMOTE_ADDR="127.0.0.1").get("/metrics", headers=headers).status_code == 401


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_it_is_only_read(api, method):
    assert getattr(api("dana"), method)("/metrics").status_code == 405


def test_a_scraper_that_asks_for_openmetrics_gets_it():
    accepted = "application/openmetrics-text; version=1.0.0"
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {SECRET}", "Accept": accepted})
    assert answer["Content-Type"].startswith("application/openmetrics-text")
    assert "hep_runs_ended" in {family.name for family in open_metrics(answer.content.decode())}


def test_a_stage_that_ends_is_counted_and_timed(django_capture_on_commit_callbacks):
    before = scraped()
    with django_capture_on_commit_callbacks(execute=True):
        prometheus.stage_ended(ended_stage())
        prometheus.stage_ended(ended_stage("failed"))
    assert grown(before, "hep_stages_ended_total", kind=KIND, stage="generating", outcome="succeeded") == 1
    assert grown(before, "hep_stages_ended_total", kind=KIND, stage="generating", outcome="failed") == 1
    assert grown(before, "hep_stage_duration_seconds_count", kind=KIND, stage="generating") == 1
    assert grown(before, "hep_stage_duration_seconds_sum", kind=KIND, stage="generating") == pytest.approx(1.5)


def test_a_run_that_ends_is_counted_by_how_it_did(django_capture_on_commit_callbacks):
    before = scraped()
    with django_capture_on_commit_callbacks(execute=True):
        prometheus.run_ended(ended_run(first_item_ms=400, input_tokens=70, output_tokens=5, cost_usd=Decimal("0.25")))
        prometheus.run_ended(ended_run("failed", error_code="OPENAI_TIMEOUT"))
        prometheus.run_ended(ended_run("cancelled", cancel_ms=30))
    for outcome in ("succeeded", "failed", "cancelled"):
        assert grown(before, "hep_runs_ended_total", kind=KIND, outcome=outcome) == 1
    assert grown(before, "hep_runs_failed_total", kind=KIND, code="OPENAI_TIMEOUT") == 1
    assert grown(before, "hep_run_duration_seconds_count", kind=KIND) == 1
    assert grown(before, "hep_run_first_item_seconds_sum", kind=KIND) == pytest.approx(0.4)
    assert grown(before, "hep_run_cancel_seconds_sum", kind=KIND) == pytest.approx(0.03)
    assert grown(before, "hep_tokens_total", kind=KIND, way="read") == 70
    assert grown(before, "hep_tokens_total", kind=KIND, way="written") == 5
    assert grown(before, "hep_cost_dollars_total", kind=KIND) == pytest.approx(0.25)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("library")
async def test_a_run_is_counted_once_from_its_request_to_its_end(alice, monkeypatch):
    monkeypatch.setattr("generation.scoring.SEEN_MS", 0)
    before = await in_database(scraped)
    async with executing():
        run = await start(alice)
        await until(run, "complete")
    found = await in_database(scraped)
    grown_by = {sample: value - before.get(sample, 0.0) for sample, value in found.items()}
    assert grown_by["hep_runs_ended_total", frozenset({"kind": KIND, "outcome": "succeeded"}.items())] == 1
    ended = [value for (name, labels), value in grown_by.items() if name == "hep_stages_ended_total" and value]
    assert ended == [1] * len(stage_codes(PIPELINES[KIND]))
    assert grown_by["hep_run_first_event_seconds_count", frozenset({"kind": KIND}.items())] == 1
    assert sum(value for (name, _), value in grown_by.items() if name == "hep_forecasts_scored_total") > 0


def test_what_is_recorded_again_is_not_counted_again(django_capture_on_commit_callbacks):
    before, told = scraped(), {"kind": KIND, "duration_ms": 5, "outcome": "failed"}
    run_id = uuid.uuid4()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(2):
            recorder.record(run_id=run_id, attempt=1, stage="storing", **told)
            recorder.record_run(run_id=run_id, attempts=1, error_code="SERVER_ERROR", **told)
    assert grown(before, "hep_stages_ended_total", kind=KIND, stage="storing", outcome="failed") == 1
    assert grown(before, "hep_runs_failed_total", kind=KIND, code="SERVER_ERROR") == 1


def test_what_is_rolled_back_was_never_counted(django_capture_on_commit_callbacks):
    before = scraped()
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        prometheus.run_ended(ended_run())
        transaction.set_rollback(True)
    assert grown(before, "hep_runs_ended_total", kind=KIND, outcome="succeeded") == 0


def test_forecasts_are_counted_by_whether_they_held(django_capture_on_commit_callbacks):
    def forecast(true_ms: int) -> Forecast:
        told = {"kind": KIND, "elapsed_ms": 0, "low_ms": 10, "ms": 20, "high_ms": 30, "from_history": True}
        return Forecast(run_id=uuid.uuid4(), true_ms=true_ms, **told)

    before = scraped()
    with django_capture_on_commit_callbacks(execute=True):
        prometheus.forecasts_kept([forecast(10), forecast(30), forecast(31)])
    assert grown(before, "hep_forecasts_scored_total", kind=KIND, held="yes") == 2
    assert grown(before, "hep_forecasts_scored_total", kind=KIND, held="no") == 1


def test_live_runs_and_the_queue_are_read_as_they_stand(alice, django_assert_num_queries):
    make_run(alice, status=Status.RUNNING)
    oldest = make_run(alice, status=Status.QUEUED)
    make_run(alice, status=Status.QUEUED)
    make_run(alice, status=Status.SUCCEEDED)
    Run.objects.filter(pk=oldest.pk).update(created_at=timezone.now() - timedelta(minutes=2))
    with django_assert_num_queries(1):
        found = scraped()
    assert gauges(found, "hep_runs_live") == {"queued": 2, "running": 1, "paused": 0, "cancelling": 0}
    assert gauges(found, "hep_model_state") == {"none": 1, "ok": 0, "open": 0, "trying": 0}
    assert found["hep_queue_age_seconds", frozenset()] == pytest.approx(120, abs=10)
    assert found["hep_open_streams", frozenset()] == 0


def test_a_queue_of_tomorrow_is_not_of_negative_age(alice):
    run = make_run(alice, status=Status.QUEUED)
    Run.objects.filter(pk=run.pk).update(created_at=timezone.now() + timedelta(hours=1))
    assert scraped()["hep_queue_age_seconds", frozenset()] == 0


def test_nothing_in_it_tells_of_a_run_a_person_or_a_place(alice, cast, django_capture_on_commit_callbacks):
    prompt = "Kirsten Canary, 010203-4567, canary@example.org, sore knee for 3 months"
    run = make_run(alice, clinic=alice.clinics.get(), input={"prompt": prompt, "mrn": "MRN-77777"})
    with django_capture_on_commit_callbacks(execute=True):
        prometheus.run_ended(ended_run("failed", error_code="SERVER_ERROR", provider="api.example", model="large-7"))
        prometheus.stage_ended(ended_stage(clinic_id=run.clinic_id, user_id=alice.pk))
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {SECRET}"})
    text = answer.content.decode()
    for canary in (
        "Canary",
        "010203",
        "canary@",
        "MRN-",
        "alice",
        "North clinic",
        "large-7",
        "api.example",
        run.uid.hex,
    ):
        assert canary not in text
    for family in plain_text(text):
        for sample in family.samples:
            assert set(sample.labels) <= LABELS, sample
            assert not [value for value in sample.labels.values() if TELLING.search(value)], sample
            assert sample.name.startswith(("hep_", "process_"))
