"""A clinic's budget for models: once it is spent, nothing starts that might ask one, until the next day."""

import html
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from generation import runs, spending
from generation.models import Batch, Clinic, IdempotencyKey, Membership, Run, Start
from generation.models.runs import Status
from hepcompanion import guard
from tests.faults.asgi import http, websocket
from tests.generation.browsing import browser
from tests.generation.calling import limit, make_call
from tests.generation.factories import CASE, make_batch, make_run

pytestmark = pytest.mark.django_db

SPENT = "The clinic's budget for models is spent until midnight UTC."
SPENT_DA = "Klinikkens budget til modeller er brugt indtil midnat UTC."
KIND = "exercise_program"
ROW = {"prompt": CASE}


@pytest.fixture
def clinic(alice, settings) -> Clinic:
    """Alice's, whose two dollars are spent, on a server with a model."""
    settings.MODEL = "small"
    clinic = alice.clinics.get()
    limit(clinic, "2.00")
    make_call(alice, "1.5", clinic=clinic)
    make_call(None, "0.5", clinic=clinic)
    return clinic


@pytest.fixture
def unstarted(monkeypatch) -> None:
    """The application starts no executor of its own."""

    async def started() -> None:
        pass

    monkeypatch.setattr(guard, "ensure_started", started)


def start(client, **given):
    return client.post("/api/runs", {"kind": KIND, "input": {**ROW, **given}}, format="json")


def start_batch(client, *rows: dict):
    return client.post("/api/batches", {"kind": KIND, "inputs": [{**ROW, **row} for row in rows]}, format="json")


@pytest.mark.parametrize("engine", ["auto", "llm"])
def test_a_start_is_refused_until_midnight_and_changes_nothing(api, clinic, engine):
    client = api("alice")
    client.credentials(**client._credentials, HTTP_IDEMPOTENCY_KEY="k")
    answer = start(client, engine=engine)
    left = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - datetime.now(UTC)
    assert answer.status_code == 429
    assert answer.json() == {"error": {"code": "RATE_LIMITED", "message": SPENT, "reason": "budget_spent"}}
    assert 0 <= int(answer["Retry-After"]) - left.total_seconds() < 2
    assert not any(model.objects.exists() for model in (Run, Start, IdempotencyKey))


def test_the_composer_costs_nothing_and_may_always_start(api, clinic):
    assert start(api("alice"), engine="composer").status_code == 201


def test_without_a_model_everything_may_start(api, clinic, settings):
    settings.MODEL = ""
    assert start(api("alice")).status_code == 201


def test_a_clinic_without_a_budget_is_never_refused(api, clinic):
    clinic.daily_budget_usd = None
    clinic.save()
    assert start(api("alice")).status_code == 201


def test_a_budget_of_nothing_lets_no_model_be_asked(api, clinic, charlie):
    limit(charlie.clinics.get(), "0")
    assert start(api("charlie")).status_code == 429


@pytest.mark.parametrize(("costs", "status"), [(["1.999999"], 201), (["0.7", "0.1", "1.2"], 429), (["2.000001"], 429)])
def test_it_is_spent_to_the_millionth(api, alice, settings, costs, status):
    settings.MODEL = "small"
    clinic = alice.clinics.get()
    limit(clinic, "2.00")
    for cost in costs:
        make_call(alice, cost, clinic=clinic)
    assert start(api("alice")).status_code == status


def test_only_what_the_clinic_itself_spent_since_midnight_counts(api, alice, charlie, settings):
    settings.MODEL = "small"
    clinic = alice.clinics.get()
    limit(clinic, "2.00")
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    make_call(alice, "9", clinic=clinic, at=midnight - timedelta(microseconds=1))
    make_call(alice, "9", clinic=charlie.clinics.get())
    make_call(alice, "9")
    make_call(alice, "1", clinic=clinic, at=midnight)
    assert start(api("alice")).status_code == 201
    make_call(alice, "1", clinic=clinic, at=midnight)
    assert start(api("alice")).status_code == 429


def test_people_without_a_clinic_have_no_budget(api, alice, clinic):
    Membership.objects.create(user=alice, clinic=Clinic.objects.create(name="East"))
    # Of two clinics none is taken unless it is named.
    assert start(api("alice")).status_code == 201
    assert start(api("alice"), clinic_id=str(clinic.pk)).status_code == 429


def test_a_colleague_spends_the_same_budget(api, clinic):
    assert start(api("bob")).status_code == 429


def test_one_row_that_can_not_be_paid_refuses_the_whole_batch(api, clinic):
    assert start_batch(api("alice"), {"engine": "composer"}, {"engine": "auto"}).status_code == 429
    assert (Run.objects.count(), Batch.objects.count()) == (0, 0)
    assert start_batch(api("alice"), {"engine": "composer"}, {"engine": "composer"}).status_code == 201


@pytest.mark.parametrize(("engine", "status"), [("auto", 429), ("llm", 429), ("composer", 201)])
def test_to_start_again_or_to_correct_is_a_start(api, alice, clinic, engine, status):
    fields = {"clinic": clinic, "engine": engine, "input": {**ROW, "engine": engine}}
    run = make_run(alice, status=Status.FAILED, **fields)
    batch = make_batch(alice, Status.FAILED, **fields)
    client = api("alice")
    answers = [
        client.post(f"/api/runs/{run.uid}/retry"),
        client.post(f"/api/runs/{run.uid}/corrections", {"corrections": {"age": 50}}, format="json"),
        client.post(f"/api/batches/{batch.pk}/retry"),
    ]
    assert [answer.status_code for answer in answers] == [status] * 3
    assert Run.objects.count() == (2 if status == 429 else 5)


def test_the_check_reads_once_whatever_the_batch_holds(alice, settings, django_assert_num_queries):
    settings.MODEL = "small"
    clinic = alice.clinics.get()
    limit(clinic, "2.00")
    for _ in range(20):
        make_call(alice, "0.001", clinic=clinic)
    with django_assert_num_queries(1):
        spending.require_budget([("auto", clinic)] * 50)


def test_what_was_accepted_before_may_be_paused_and_go_on(alice, clinic):
    run = make_run(alice, clinic=clinic)
    runs.pause(alice, run.uid)
    assert runs.resume(alice, run.uid)[0].status == Status.QUEUED


@pytest.mark.usefixtures("unstarted")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("path", "body"), [
    ("/api/runs/stream", {"kind": KIND, "input": ROW}),
    ("/api/generate", ROW),
    ("/api/generate-stream", ROW),
])  # fmt: skip
async def test_every_address_that_starts_a_run_refuses_it(cast, clinic, path, body):
    asked = http("POST", path, cast["alice"].token, json.dumps(body).encode(), content_type="application/json")
    asked.open()
    await asked.until(lambda sent: asked.answered)
    assert asked.status == 429
    assert SPENT in asked.body.decode()
    assert int(asked.headers["retry-after"]) > 0
    asked.leave()
    await asked.ended()


@pytest.mark.usefixtures("unstarted")
@pytest.mark.django_db(transaction=True)
async def test_a_start_over_a_socket_is_refused_in_the_same_words(cast, clinic):
    socket = websocket("/ws/", cast["alice"].token)
    command = {"type": "start", "kind": KIND, "input": ROW, "ref": 1}
    socket.open({"type": "websocket.receive", "text": json.dumps(command)})
    await socket.until(lambda sent: any("text" in message for message in sent))
    [answer] = [json.loads(message["text"]) for message in socket.sent if "text" in message]
    assert (answer["code"], answer["message"], answer["reason"]) == ("RATE_LIMITED", SPENT, "budget_spent")
    socket.leave()
    await socket.ended()


@pytest.mark.parametrize(("language", "sentence"), [("en", SPENT), ("da", SPENT_DA)])
def test_the_pages_say_it_in_the_readers_language(alice, clinic, language, sentence):
    alice.language = language
    alice.save(update_fields=("language",))
    batch = make_batch(alice, Status.FAILED, clinic=clinic)
    for path, sent in (
        ("/", {"prompt": CASE, "clinic_id": str(clinic.pk)}),
        ("/batches/new/", {"pasted": CASE}),
        (f"/batches/{batch.pk}/retry/", {}),
    ):
        answer = browser(alice).post(path, sent)
        text = html.unescape(answer.content.decode())
        # The scripts carry it too; here it is the refusal itself.
        shown = text[: text.index('id="words"')] if 'id="words"' in text else text
        assert (answer.status_code, path, sentence in shown) == (429, path, True)
