"""What models have cost: of a batch, and by day, person, model and clinic (`GET /api/spending`)."""

from datetime import UTC, datetime

import pytest

from generation import runs
from generation.models import Membership, ModelCall
from generation.models.runs import Status
from tests.generation.browsing import browser, page, url_of
from tests.generation.calling import call_of, make_call
from tests.generation.factories import make_batch, make_run

pytestmark = pytest.mark.django_db

NOTHING = {"input_tokens": 0, "output_tokens": 0, "cost_usd": 0.0, "calls": 0, "estimated": False}
ROW = {"key", "calls", "input_tokens", "output_tokens", "cost_usd", "estimated"}


def promote(name: str, role: str) -> None:
    Membership.objects.filter(user__username=name).update(role=role)


def spending(client, query: str = "") -> list[dict]:
    answer = client.get(f"/api/spending?{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def costs(client, by: str = "user") -> dict[str | None, float]:
    return {row["key"]: row["cost_usd"] for row in spending(client, f"by={by}")}


@pytest.fixture
def spent(alice, bob, charlie, dana) -> None:
    """Alice and Bob in their clinic, Alice also outside it, Charlie in his, and somebody who is gone."""
    north, south = alice.clinics.get(), charlie.clinics.get()
    make_call(alice, "1", clinic=north)
    make_call(alice, "0.25")
    make_call(bob, "2", clinic=north, model="large", estimated=True)
    make_call(charlie, "4", clinic=south)
    make_call(None, "8", clinic=north)


@pytest.mark.usefixtures("spent")
@pytest.mark.parametrize(("name", "seen"), [
    ("alice", {"alice": 1.25}),
    ("bob", {"bob": 2.0}),
    ("charlie", {"charlie": 4.0}),
    ("dana", {"alice": 1.25, "bob": 2.0, "charlie": 4.0, None: 8.0}),
])  # fmt: skip
def test_everybody_sees_what_they_have_spent_and_staff_see_all(api, name, seen):
    assert costs(api(name)) == seen


@pytest.mark.usefixtures("spent")
@pytest.mark.parametrize(("role", "seen"), [
    ("admin", {"alice": 1.0, "bob": 2.0, None: 8.0}),
    ("lead", {"alice": 1.0, "bob": 2.0, None: 8.0}),
    ("auditor", {"bob": 2.0}),
])  # fmt: skip
def test_who_leads_a_clinic_sees_what_was_spent_in_it_and_no_more(api, role, seen):
    promote("bob", role)
    assert costs(api("bob")) == seen


def test_a_stranger_is_asked_to_sign_in(api):
    assert api(None).get("/api/spending").status_code == 401


def test_a_row_adds_up_the_calls_of_its_key(api, alice):
    make_call(alice, "0.1", input_tokens=10, output_tokens=1)
    make_call(alice, "0.2", input_tokens=20, output_tokens=2, outcome=ModelCall.Outcome.FAILED, estimated=True)
    assert spending(api("alice"), "by=model") == [
        {"key": "small", "calls": 2, "input_tokens": 30, "output_tokens": 3, "cost_usd": 0.3, "estimated": True}
    ]


@pytest.mark.usefixtures("spent")
def test_by_model_and_by_clinic_what_cost_most_comes_first(api, cast):
    client = api("dana")
    assert list(costs(client, "model").items()) == [("small", 13.25), ("large", 2.0)]
    north, south = cast["alice"].clinic_id, cast["charlie"].clinic_id
    assert list(costs(client, "clinic").items()) == [(north, 11.0), (south, 4.0), (None, 0.25)]


def test_a_call_counts_for_the_day_that_it_began_on_in_utc(api, alice):
    make_call(alice, "1", at=datetime(2020, 3, 1, 23, 59, 59, 999999, tzinfo=UTC))
    make_call(alice, "2", at=datetime(2020, 3, 2, tzinfo=UTC))
    rows = spending(api("alice"), "from=2020-03-01&to=2020-03-02")
    assert [(row["key"], row["cost_usd"]) for row in rows] == [("2020-03-01", 1.0), ("2020-03-02", 2.0)]


@pytest.mark.parametrize(("query", "cost"), [
    ("from=2020-03-01&to=2020-03-01", 1.0),
    ("from=2020-03-02&to=2020-03-02", 2.0),
    ("from=2020-03-01T12:00:00Z&to=2020-03-02T12:00:00Z", 1.0),
    ("to=2020-03-30", 3.0),
    ("to=2020-03-31", 2.0),
])  # fmt: skip
def test_a_period_is_that_of_the_metrics(api, alice, query, cost):
    for day in (1, 2):
        make_call(alice, str(day), at=datetime(2020, 3, day, 12, tzinfo=UTC))
    assert sum(row["cost_usd"] for row in spending(api("alice"), query)) == cost


def test_an_answer_says_what_it_is_of_and_names_no_more_than_it_must(api, alice):
    make_call(alice, "1", at=datetime(2020, 3, 1, tzinfo=UTC))
    answer = api("alice").get("/api/spending?from=2020-03-01&to=2020-03-02").json()
    assert (answer["from"], answer["to"]) == ("2020-03-01T00:00:00.000Z", "2020-03-03T00:00:00.000Z")
    assert (answer["by"], [set(row) for row in answer["results"]]) == ("day", [ROW])


@pytest.mark.parametrize(("query", "field"), [
    ("by=run", "by"), ("by=", "by"), ("from=noon", "from"), ("to=noon", "to"), ("kind=exercise_program", "kind"),
    ("from=2026-03-02&to=2026-03-01", "to"), ("from=2025-01-01&to=2026-03-01", "from"),
])  # fmt: skip
def test_a_query_that_can_not_be_meant_names_the_parameter(api, query, field):
    answer = api("alice").get(f"/api/spending?{query}")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], list(error["fields"])) == (400, "VALIDATION_ERROR", [field])


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_what_is_counted_is_only_read(api, method):
    answer = getattr(api("dana"), method)("/api/spending")
    assert (answer.status_code, "GET" in answer["Allow"]) == (405, True)


def test_what_a_deleted_run_has_cost_is_still_counted(api, alice):
    run = make_run(alice, clinic=alice.clinics.get(), status=Status.SUCCEEDED)
    call_of(run, "1")
    assert api("alice").delete(f"/api/runs/{run.uid}").status_code == 204
    assert costs(api("alice")) == {"alice": 1.0}


# Of a batch


def test_a_batch_that_asked_no_model_has_cost_nothing(api, alice):
    batch = make_batch(alice, Status.SUCCEEDED)
    make_call(alice, "1")
    assert api("alice").get(f"/api/batches/{batch.pk}").json()["usage"] == NOTHING


def test_a_batch_adds_up_its_rows_and_those_before_them(api, alice):
    batch = make_batch(alice, Status.FAILED, Status.SUCCEEDED)
    first, second = batch.runs.order_by("row")
    call_of(first, "0.1")
    call_of(second, "0.2")
    again = runs.retry(alice, first.uid)
    call_of(again, "0.4", estimated=True)
    make_run(alice, parent=second)
    body = api("alice").get(f"/api/batches/{batch.pk}").json()
    assert body["usage"] == {
        "input_tokens": 3000, "output_tokens": 600, "cost_usd": 0.7, "calls": 3, "estimated": True,
    }  # fmt: skip
    runs.delete(alice, second.uid)
    assert api("alice").get(f"/api/batches/{batch.pk}").json()["usage"]["cost_usd"] == 0.7


def test_of_a_batch_over_several_clinics_a_colleague_sees_the_cost_of_what_they_see(api, alice, charlie):
    batch = make_batch(alice)
    for row, clinic in enumerate([alice.clinics.get(), charlie.clinics.get()]):
        call_of(make_run(alice, batch=batch, row=row, clinic=clinic), str(row + 1))
    seen = {name: api(name).get(f"/api/batches/{batch.pk}").json()["usage"]["cost_usd"] for name in ("alice", "bob")}
    assert seen == {"alice": 3.0, "bob": 1.0}


@pytest.mark.parametrize(("estimated", "words"), [(False, "1 of 1 done, 0.1234 USD"), (True, "1 of 1 done, about 0.1")])
def test_the_page_of_a_batch_says_what_it_has_cost(alice, estimated, words):
    batch = make_batch(alice, Status.CANCELLED)
    call_of(batch.runs.get(), "0.1234", estimated=estimated)
    expected = words.replace("done,", "done, 1 cancelled,")
    assert expected in page(alice, url_of(batch))
    assert expected in browser(alice).get(url_of(batch, "rows/")).content.decode()


def test_the_page_of_a_batch_of_the_composer_speaks_of_no_money(alice):
    assert "USD" not in page(alice, url_of(make_batch(alice, Status.CANCELLED)))
