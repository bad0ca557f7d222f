"""The form, as a browser without scripts meets it."""

import html
import json
import re

import pytest
from django.conf import settings
from django.test import Client

from generation.forms import GenerateForm
from generation.models import Clinic, Membership, Run
from generation.models.runs import Status
from generation.pipelines import prompts
from tests.generation.browsing import NEVER, browser, ended_run, page, run_url
from tests.generation.factories import CASE, make_run

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_without_scripts_the_form_starts_a_run(alice):
    answer = browser(alice).post("/", {"prompt": CASE.replace(", ", ",\r\n"), "mrn": "12345"})
    run = Run.objects.get()
    assert answer["Location"] == run_url(run)
    assert (run.owner, run.input["mrn"], "\r" in run.input["prompt"]) == (alice, "12345", False)
    text = page(alice, run_url(run))
    assert re.search(r"<noscript>.*The program is being written", text, re.DOTALL)


@pytest.mark.parametrize(("sent", "shown"), [
    ({}, "Describe the case in at least 20 characters."),
    ({"prompt": "short"}, "Describe the case in at least 20 characters (it has 5)."),
    ({"prompt": "x" * 4001}, "at most 4000 characters"),
    ({"prompt": CASE, "mrn": "9" * 65}, "at most 64 characters"),
    ({"prompt": CASE, "clinic_id": NEVER}, "not one of the available choices"),
])  # fmt: skip
def test_what_is_wrong_is_said_at_its_field_and_the_text_is_kept(alice, sent, shown):
    answer = browser(alice).post("/", sent)
    text = answer.content.decode()
    assert answer.status_code == 400
    assert shown in text
    assert sent.get("prompt", "") in text
    assert not Run.objects.exists()


def test_too_many_runs_are_refused_in_words_and_the_text_is_kept(alice):
    for _ in range(settings.MAX_ACTIVE_RUNS_PER_USER):
        make_run(alice)
    answer = browser(alice).post("/", {"prompt": CASE})
    text = answer.content.decode()
    assert answer.status_code == 429
    assert "Too many of your runs are active" in text
    assert CASE in text


def test_a_post_of_another_site_is_refused_with_a_page(alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    answer = client.post("/", {"prompt": CASE})
    assert answer.status_code == 403
    assert "This form has expired" in answer.content.decode()


def test_a_clinic_is_chosen_only_where_there_is_a_choice(alice, dana):
    assert "clinic_id" not in GenerateForm(dana).fields
    assert [name for _, name in GenerateForm(alice).fields["clinic_id"].choices] == ["North clinic"]
    Membership.objects.create(clinic=Clinic.objects.create(name="East clinic"), user=alice)
    assert len(GenerateForm(alice).fields["clinic_id"].choices) == 3


def test_the_same_case_fills_the_form_again(alice):
    run = ended_run(alice, status=Status.FAILED, error={"code": "WORKER_LOST", "message": "Lost.", "retryable": True})
    text = page(alice, f"/?from={run.uid}")
    assert f">\n{CASE}</textarea>" in text


def test_the_record_number_of_the_case_it_follows_is_said_and_taken_over(alice):
    earlier = ended_run(alice, mrn="AB-123442")
    text = page(alice, f"/?from={earlier.uid}")
    assert "The record number ••••42 of the earlier case is taken over" in text
    assert "AB-1234" not in text
    answer = browser(alice).post("/", {"prompt": CASE, "follows": str(earlier.uid)})
    assert Run.objects.get(uid=answer["Location"].split("/")[2]).input["mrn"] == "AB-123442"


def test_a_case_of_somebody_else_is_not_followed(alice, charlie):
    earlier = ended_run(alice, mrn="AB-123442")
    answer = browser(charlie).post("/", {"prompt": CASE, "follows": str(earlier.uid)})
    assert answer.status_code == 400
    assert "••••42" not in answer.content.decode()


def test_the_program_may_be_in_another_language_than_the_pages(alice):
    assert '<option value="en" selected>' in page(alice, "/")
    answer = browser(alice).post("/", {"prompt": CASE, "language": "da"})
    assert Run.objects.get(uid=answer["Location"].split("/")[2]).language == "da"


NAMED = "Mrs Anne Smith, CPR 010203-9876, right knee OA, pain 4/10 on stairs, 8 months, wants to walk 30 min."


def test_the_preview_shows_what_would_leave_and_who_would_get_it(alice, library):
    text = browser(alice).post("/preview/", {"prompt": NAMED, "mrn": "ZX-4411"}).content.decode()
    assert "Nothing leaves this server: the embedded composer writes." in text
    assert "<mark>[name]</mark>" in text
    assert "civil number (CPR): 1" in text
    assert "••••11" in text
    told = text[: text.index('<form method="post" action="/"')]
    assert not [secret for secret in ("Smith", "010203", "4411") if secret in told]
    assert not Run.objects.exists()


def test_the_preview_shows_each_message_word_for_word(alice, library, settings):
    settings.MODEL, settings.MODEL_BASE_URL = "small", "http://models.example:8000/v1"
    text = browser(alice).post("/preview/", {"prompt": NAMED, "mrn": "ZX-4411"}).content.decode()
    assert "The text below would be sent to models.example:8000." in text
    system, user = (html.unescape(shown) for shown in re.findall(r"<pre[^>]*>(.*?)</pre>", text, re.DOTALL))
    assert system.startswith(prompts.load("exercise_program").text.strip())
    assert json.loads(user)["case"].startswith("[name]")
    assert "4411" not in system + user


def test_from_the_preview_it_goes_back_with_the_case_or_on(alice, library):
    text = browser(alice).post("/preview/", {"prompt": NAMED, "mrn": "ZX-4411"}).content.decode()
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text))
    back = browser(alice).post("/", {**hidden, "edit": "1"})
    assert (back.status_code, Run.objects.count()) == (200, 0)
    assert f">\n{NAMED}</textarea>" in back.content.decode()
    assert 'value="ZX-4411"' in back.content.decode()
    assert browser(alice).post("/", hidden).status_code == 302


def test_the_preview_is_posted_and_its_form_is_checked(alice):
    assert browser(alice).get("/preview/").status_code == 405
    assert browser(None).post("/preview/", {"prompt": NAMED}).status_code == 302
    answer = browser(alice).post("/preview/", {"prompt": "short"})
    assert answer.status_code == 400
    assert "at least 20 characters" in answer.content.decode()
