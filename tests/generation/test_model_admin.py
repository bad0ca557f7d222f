"""The admin of models: what was asked, what it cost, how the servers do, and what a clinic may spend."""

import re
import uuid
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse

from generation.models import ModelCall
from generation.models.runs import Status
from generation.providers import breaker
from tests.generation.calling import call_of, limit, make_call
from tests.generation.factories import make_run

pytestmark = pytest.mark.django_db


def address(model: str, view: str, *args: object) -> str:
    return reverse(f"admin:generation_{model}_{view}", args=args)


def text_of(client: Client, url: str) -> str:
    answer = client.get(url)
    assert answer.status_code == 200
    return answer.content.decode()


def plain(page: str) -> str:
    """The words of a page, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page))


@pytest.fixture
def staff(dana) -> Client:
    client = Client()
    client.force_login(dana)
    return client


@pytest.fixture
def circuit(settings) -> Iterator[breaker.Breaker]:
    settings.MODEL = "small"
    yield breaker.breaker_of("models.example")
    breaker.forget()


def test_the_list_shows_each_call_and_leads_to_its_run(staff, alice):
    run = make_run(alice, status=Status.SUCCEEDED)
    call_of(run, "0.0123", first_text_ms=321, duration_ms=4321)
    page = text_of(staff, address("modelcall", "changelist"))
    assert f'href="{address("run", "change", run.pk)}"' in page
    for shown in ("models.example", "small", "Answered", "0.0123 USD", "counted", "4321"):
        assert shown in page


def test_a_call_outlives_its_run_and_then_names_it_alone(staff, api, alice):
    run = make_run(alice, status=Status.SUCCEEDED)
    call = call_of(run, "1")
    api("alice").delete(f"/api/runs/{run.uid}")
    for url in (address("modelcall", "changelist"), address("modelcall", "change", call.pk)):
        page = text_of(staff, url)
        assert run.uid.hex[:8] in page
        assert address("run", "change", run.pk) not in page


def test_a_call_is_looked_at_and_never_changed(staff, alice):
    call = make_call(alice, "1")
    change = address("modelcall", "change", call.pk)
    assert 'name="_save"' not in text_of(staff, change)
    answers = [
        staff.post(change, {"cost_usd": "0"}),
        staff.post(address("modelcall", "delete", call.pk), {"post": "yes"}),
        staff.get(address("modelcall", "add")),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert ModelCall.objects.get().cost_usd == 1


def test_staff_without_the_right_see_no_call(bob, alice):
    bob.is_staff = True
    bob.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(bob)
    assert client.get(address("modelcall", "changelist")).status_code == 403


def test_the_list_asks_no_more_for_many_calls_than_for_few(staff, alice, django_assert_max_num_queries):
    for _ in range(30):
        call_of(make_run(alice), "1")
    with django_assert_max_num_queries(20):
        text_of(staff, address("modelcall", "changelist"))


@pytest.mark.parametrize("query", [
    "outcome__exact=failed", "model=large", "estimated__exact=1", f"q={uuid.UUID(int=0)}", "q=nobody",
    "began_at__year=2020",
])  # fmt: skip
def test_the_list_is_narrowed(staff, alice, query):
    call = make_call(alice, "1")
    assert address("modelcall", "change", call.pk) not in text_of(
        staff, f"{address('modelcall', 'changelist')}?{query}"
    )


def test_a_call_is_found_by_its_run(staff, alice):
    call = make_call(alice, "1")
    other = make_call(alice, "1")
    page = text_of(staff, f"{address('modelcall', 'changelist')}?q={call.run_uid}")
    assert address("modelcall", "change", call.pk) in page
    assert address("modelcall", "change", other.pk) not in page


def test_above_the_list_stands_how_the_server_does(staff, circuit):
    circuit.clock = lambda: 1000.0
    page = address("modelcall", "changelist")
    assert "models.example Working 0 –" in plain(text_of(staff, page))
    for _ in range(breaker.FAILURES):
        circuit.failed()
    assert f"Left alone, because it kept failing {breaker.FAILURES} 30 s" in plain(text_of(staff, page))


def test_above_the_list_stands_why_no_server_is_known(staff, settings):
    page = address("modelcall", "changelist")
    assert "No model is configured on this server." in text_of(staff, page)
    settings.MODEL = "small"
    assert "This process has not asked a model yet." in text_of(staff, page)


def test_above_the_list_stands_what_each_clinic_spends(staff, alice, charlie):
    page = address("modelcall", "changelist")
    assert "Nothing, and no clinic has a budget." in text_of(staff, page)
    limit(alice.clinics.get(), "5")
    make_call(alice, "1.5", clinic=alice.clinics.get())
    make_call(charlie, "0.25", clinic=charlie.clinics.get())
    shown = plain(text_of(staff, page))
    assert "North clinic 1.5000 USD 5.0000 USD" in shown
    assert "South clinic 0.2500 USD –" in shown


def test_the_page_of_a_run_shows_its_calls(staff, alice):
    run = make_run(alice, prompt="exercise_program-1")
    page = address("run", "change", run.pk)
    assert "No model was asked." in text_of(staff, page)
    call = call_of(run, "0.5", duration_ms=700, outcome=ModelCall.Outcome.BROKEN)
    foreign = make_call(alice, "9")
    shown = text_of(staff, page)
    assert address("modelcall", "change", call.pk) in shown
    assert address("modelcall", "change", foreign.pk) not in shown
    assert "small exercise_program-1 Broken off 1000 + 200 0.5000 USD 700 ms" in plain(shown)


def test_the_budget_of_a_clinic_is_set_beside_what_it_has_spent(staff, alice):
    clinic = alice.clinics.get()
    make_call(alice, "1.25", clinic=clinic)
    page = address("clinic", "change", clinic.pk)
    shown = text_of(staff, page)
    assert 'name="daily_budget_usd"' in shown
    assert "1.2500 USD" in shown
    assert "1.2500 USD" in text_of(staff, address("clinic", "changelist"))
    assert "0.0000 USD" in text_of(staff, address("clinic", "add"))
    form = {"name": "North", "emergency_number": "112", "draft_days": 30, "daily_budget_usd": "7.50"}
    form |= {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    assert staff.post(page, form).status_code == 302
    clinic.refresh_from_db()
    assert clinic.daily_budget_usd == 7.5
    refused = staff.post(page, form | {"daily_budget_usd": "-1"})
    assert "daily_budget_usd" in refused.context["adminform"].form.errors
    staff.post(page, form | {"daily_budget_usd": ""})
    clinic.refresh_from_db()
    assert clinic.daily_budget_usd is None
