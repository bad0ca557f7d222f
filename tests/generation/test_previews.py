"""A clinician sees what would leave the server, before anything does."""

import json

import pytest

from generation import limits, shelf
from generation.models import Start
from generation.pipelines import exercise_program, prompts
from generation.providers.messages import messages
from tests.generation.clinical.test_redaction import GONE

pytestmark = pytest.mark.django_db

CASE = "Mrs Anne Smith, CPR 010203-9876, right knee OA, pain 4/10 on stairs, 8 months, wants to walk 30 min."


def preview(client, **given):
    return client.post("/api/preview", {"kind": "exercise_program", "input": given}, format="json")


def test_nothing_leaves_for_the_embedded_composer(api, library):
    shown = preview(api("alice"), prompt=CASE, mrn="ZX-4411").json()
    assert shown["provider"] is None
    assert shown["mrn"] == "••••11"
    assert shown["case"].startswith("[name], CPR [civil number], right knee OA")
    assert shown["redacted"] == {"name": 1, "civil number": 1}


def test_a_model_would_get_exactly_the_messages_shown(api, library, settings):
    settings.MODEL, settings.MODEL_BASE_URL = "small", "http://models.example:8000/v1"
    shown = preview(api("alice"), prompt=CASE, mrn="ZX-4411").json()
    task = exercise_program.preview({"prompt": CASE, "mrn": "ZX-4411"}, "en", shelf.library(None))
    assert shown["provider"] == "models.example:8000"
    assert shown["task"] == {
        "prompt": prompts.load("exercise_program").version,
        "messages": messages(task, with_schema=False),
    }


def test_the_messages_tell_the_case_and_nothing_that_identifies(api, library):
    system, user = preview(api("alice"), prompt=CASE, mrn="ZX-4411").json()["task"]["messages"]
    assert system["content"].startswith(prompts.load("exercise_program").text.strip())
    brief = json.loads(user["content"])
    assert brief["case"].startswith("[name]")
    assert {"quad-set", "sit-to-stand-no-hands"} & {candidate["slug"] for candidate in brief["candidates"]}
    for secret in ("Smith", "010203", "4411"):
        assert secret not in system["content"] + user["content"]


@pytest.mark.parametrize(("text", "secret", "kind"), GONE)
def test_no_message_holds_what_identifies(api, library, text, secret, kind):
    task = preview(api("alice"), prompt=f"{text}. Right knee OA, 8 months, pain 4/10").json()["task"]
    assert task is None or secret not in json.loads(task["messages"][1]["content"])["case"]


def test_a_red_flag_sends_nothing(api, library):
    assert preview(api("alice"), prompt="Low back pain with saddle numbness since Monday").json()["task"] is None


def test_a_preview_starts_nothing(api, library):
    preview(api("alice"), prompt=CASE)
    assert api("alice").get("/api/runs").json()["results"] == []


def test_a_bad_case_is_refused_in_the_usual_form(api):
    assert preview(api("alice"), prompt="short").json()["error"]["fields"].keys() == {"prompt"}


def test_previews_are_counted_by_the_minute_and_are_no_starts(api, library, monkeypatch):
    monkeypatch.setattr(limits, "MOST_PREVIEWS_A_MINUTE", 2)
    answers = [preview(api("alice"), prompt=CASE) for _ in range(4)]
    # Over two minutes at most.
    assert {200, 429} == {answer.status_code for answer in answers}
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["error"]["code"] == "RATE_LIMITED"
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert preview(api("bob"), prompt=CASE).status_code == 200
    assert not Start.objects.exists()
