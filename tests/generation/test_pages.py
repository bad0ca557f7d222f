"""The pages, as a browser without scripts meets them."""

import asyncio
import re
import uuid

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from generation import pages
from generation.forms import GenerateForm
from generation.models import Clinic, Membership, Run, User
from generation.models.runs import Status
from generation.pipelines import exercise_program
from generation.profile_chips import chips
from tests.generation.factories import CASE, make_run
from tests.generation.pipelines.handle import MemoryRun

pytestmark = pytest.mark.django_db

NEVER = str(uuid.UUID(int=0))
REFERRED = "45 yo with low back pain, saddle numbness since this morning and urinary retention."


def browser(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def ended_run(owner: User, prompt: str = CASE, status: str = Status.SUCCEEDED, **fields) -> Run:
    """A run whose pipeline has really been through this case."""
    if status == Status.SUCCEEDED and "result" not in fields:
        fields["result"] = asyncio.run(exercise_program.execute(MemoryRun(prompt)))
    given = {"prompt": prompt, "mrn": fields.pop("mrn", "")}
    return make_run(owner, status=status, input=given, progress=100, finished_at=timezone.now(), **fields)


def page(user: User, url: str, status: int = 200, **headers: str) -> str:
    answer = browser(user).get(url, headers=headers)
    assert answer.status_code == status
    return answer.content.decode()


def run_url(run: Run) -> str:
    return f"/runs/{run.uid}/"


@pytest.mark.parametrize("url", ["/", "/runs/", f"/runs/{NEVER}/"])
def test_a_page_asks_to_sign_in_and_comes_back(url):
    answer = browser(None).get(url)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={url}")


def test_htmx_is_sent_to_sign_in_instead_of_filling_the_list_with_it():
    answer = browser(None).get("/runs/", headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == settings.LOGIN_URL


def test_signing_in_leads_to_the_form(alice):
    alice.set_password("a password of some length")
    alice.save()
    answer = browser(None).post("/login/", {"username": "alice", "password": "a password of some length"})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_signing_out_is_a_post(alice):
    client = browser(alice)
    assert client.get("/logout/").status_code == 405
    assert client.post("/logout/")["Location"] == settings.LOGIN_URL


@pytest.mark.parametrize("url", ["/runs/{}/", "/?from={}"])
def test_a_run_does_not_exist_for_a_stranger(alice, charlie, url):
    run = ended_run(alice)
    for who, uid in ((charlie, run.uid), (alice, NEVER)):
        text = page(who, url.format(uid), 404)
        assert "Nothing here" in text
        assert CASE not in text
    assert page(alice, url.format(run.uid))


def test_a_colleague_sees_the_run_and_whose_it_is(alice, bob):
    run = ended_run(alice, clinic=alice.clinics.get())
    assert "home exercises" in page(bob, run_url(run))
    assert "<small>alice</small>" in page(bob, "/runs/")


def test_a_stranger_cannot_cancel_by_the_page(alice, charlie):
    run = make_run(alice)
    assert browser(charlie).post(f"{run_url(run)}cancel/").status_code == 404
    run.refresh_from_db()
    assert run.status == Status.QUEUED


@pytest.mark.django_db(transaction=True)
def test_without_scripts_the_form_starts_a_run(alice):
    answer = browser(alice).post("/", {"prompt": CASE.replace(", ", ",\r\n"), "mrn": "12345"})
    run = Run.objects.get()
    assert answer["Location"] == run_url(run)
    assert (run.owner, run.input["mrn"], "\r" in run.input["prompt"]) == (alice, "12345", False)
    text = page(alice, run_url(run))
    assert re.search(r"<noscript>.*The program is being written", text, re.DOTALL)


@pytest.mark.django_db(transaction=True)
def test_without_scripts_cancel_is_a_button(alice):
    run = make_run(alice)
    answer = browser(alice).post(f"{run_url(run)}cancel/")
    assert answer["Location"] == run_url(run)
    text = page(alice, run_url(run))
    assert "Generation cancelled" in text
    assert f"/?from={run.uid}" in text


def test_cancelling_what_has_ended_shows_how_it_ended(alice):
    run = ended_run(alice)
    assert browser(alice).post(f"{run_url(run)}cancel/")["Location"] == run_url(run)


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
    assert list(GenerateForm(dana).fields) == ["prompt", "mrn"]
    assert [name for _, name in GenerateForm(alice).fields["clinic_id"].choices] == ["North clinic"]
    Membership.objects.create(clinic=Clinic.objects.create(name="East clinic"), user=alice)
    assert len(GenerateForm(alice).fields["clinic_id"].choices) == 3


def test_the_same_case_fills_the_form_again(alice):
    run = ended_run(alice, status=Status.FAILED, error={"code": "WORKER_LOST", "message": "Lost.", "retryable": True})
    text = page(alice, f"/?from={run.uid}")
    assert f">\n{CASE}</textarea>" in text


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.PAUSED, Status.CANCELLING])
def test_a_live_run_is_drawn_from_its_snapshot_without_the_case_in_it(alice, status):
    run = make_run(alice, status=status, stage="generating", progress=46, last_seq=9)
    text = page(alice, run_url(run))
    embedded = re.search(r'<script id="live-run" type="application/json">(.*?)</script>', text)
    assert embedded
    assert f'"status": "{status}"' in embedded[1]
    assert '"last_seq": 9' in embedded[1]
    assert CASE[:20] not in embedded[1]
    assert text.count('data-stage="') == 6


def test_a_program_is_shown_in_the_order_of_a_clinician(alice):
    run = ended_run(alice, "72 yo right knee osteoarthritis 6 months, BP 185/95, pain 4/10, wants to walk further.")
    text = page(alice, run_url(run))
    headings = [">Safety<", "What was understood", "Assumptions", ">Exercises<", "Pain rule", "Stop and call"]
    places = [text.index(heading) for heading in [*headings, "Good to know", "How this was made"]]
    assert places == sorted(places)
    assert "Blood pressure is too high" in text
    assert text.count('<li class="exercise">') == len(run.result["program"]["items"])
    assert "<title>Program ready – HEP Companion</title>" in text


def test_a_referral_is_prominent_and_has_no_exercises(alice):
    text = page(alice, run_url(ended_run(alice, REFERRED)))
    assert "Refer before exercise" in text
    assert '<q lang="">saddle numbness</q>' in text
    assert '<li class="exercise">' not in text
    assert "<title>Result ready – HEP Companion</title>" in text


def test_too_little_information_says_what_to_add(alice):
    text = page(alice, run_url(ended_run(alice, "lorem ipsum dolor sit amet consectetur")))
    assert "No body region was recognised" in text
    assert "What to add" in text


def test_a_failure_says_what_and_where_in_words(alice):
    error = {"code": "OUTPUT_INVALID", "message": "The draft failed.", "retryable": True, "stage": "validating"}
    text = page(alice, run_url(ended_run(alice, status=Status.FAILED, error=error)))
    assert "The draft failed." in text
    assert "Checking safety" in text
    assert "Try again with the same case" in text


def test_text_of_a_case_is_never_markup(alice):
    prompt = "Right knee OA <script>alert(1)</script> \"'><img src=x onerror=alert(2)> pain 4/10, 68 yo, 8 months"
    for run in (ended_run(alice, prompt), make_run(alice, input={"prompt": prompt})):
        for url in (run_url(run), f"/?from={run.uid}", "/runs/"):
            text = page(alice, url)
            assert "<script>alert" not in text
            assert "<img" not in text


def test_nothing_in_a_page_needs_more_than_the_policy_allows(alice):
    urls = ["/", "/runs/", run_url(ended_run(alice)), run_url(ended_run(alice, REFERRED)), run_url(make_run(alice))]
    for url in urls:
        answer = browser(alice).get(url)
        text = answer.content.decode()
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
        for script in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in script or 'type="application/json"' in script
        assert answer["Cache-Control"] == "no-store"


def test_an_empty_history_leads_to_the_first_program(alice):
    text = page(alice, "/runs/")
    assert "Nothing generated yet." in text
    assert "<table" not in text


def test_history_shows_outcome_engine_and_a_masked_mrn(alice):
    ended_run(alice, mrn="AB-123456")
    ended_run(alice, REFERRED, mrn="77")
    text = page(alice, "/runs/")
    assert "••••56" in text
    assert "AB-1234" not in text
    assert "••••77" not in text
    assert "Rule-based composer" in text
    assert text.index("Refer first") < text.index("Knee osteoarthritis (right)")


def test_history_is_filtered_by_status(alice):
    ended_run(alice, status=Status.CANCELLED)
    make_run(alice, status=Status.RUNNING)
    counts = {status: page(alice, f"/runs/?status={status}").count('<th scope="row">')
              for status in ("", "live", "running", "cancelled", "failed", "nonsense")}  # fmt: skip
    assert counts == {"": 2, "live": 1, "running": 1, "cancelled": 1, "failed": 0, "nonsense": 2}
    assert "No runs with this status." in page(alice, "/runs/?status=failed")


def test_history_comes_in_pages(alice, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    for _ in range(3):
        make_run(alice)
    assert "Page 1 of 2" in page(alice, "/runs/")
    assert page(alice, "/runs/?page=2").count('<th scope="row">') == 1
    assert page(alice, "/runs/?page=x").count('<th scope="row">') == 2


def test_htmx_gets_the_list_alone(alice):
    text = page(alice, "/runs/", **{"HX-Request": "true"})
    assert "<html" not in text
    assert "<html" in page(alice, "/runs/", **{"HX-Request": "true", "HX-History-Restore-Request": "true"})


def test_an_unknown_address_is_a_page_or_json_where_programs_ask(alice):
    assert "Nothing here" in page(alice, "/nowhere/", 404)
    answer = browser(alice).get("/api/nowhere")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_a_crash_shows_no_trace(alice, monkeypatch):
    def crash(*args):
        raise RuntimeError(CASE)

    monkeypatch.setattr("generation.presentation.history_row", crash)
    make_run(alice)
    text = page(alice, "/runs/", 500)
    assert "The fault is on our side" in text
    assert "RuntimeError" not in text
    assert CASE not in text


@pytest.mark.parametrize(("prompt", "label", "words", "evidence"), [
    (CASE, "Side", "right", "right"),
    (CASE, "Pain", "4 of 10, worst 5 of 10", "4/10, 5/10"),
    ("10 days after total knee replacement, pain 5/10", "Operation", "a knee replacement, 10 days ago", None),
    ("3 weeks after total knee replacement, pain 5/10", "Operation", "a knee replacement, 3 weeks ago", None),
])  # fmt: skip
def test_a_chip_says_the_fact_and_where_it_was_read(prompt, label, words, evidence):
    shown = chips(asyncio.run(exercise_program.execute(MemoryRun(prompt)))["profile"], "en")
    chip = next(chip for chip in shown if chip.label == label)
    assert (chip.words, chip.known) == (words, True)
    assert evidence in (None, chip.evidence)


def test_what_the_case_does_not_say_is_a_chip_too():
    shown = chips({"regions": ["knee"], "unknowns": ["age"]}, "en")
    assert [(chip.label, chip.words) for chip in shown if not chip.known] == [("Age", "not stated")]
