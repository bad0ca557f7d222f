"""What holds for every page, as a browser without scripts meets it: who may, its policy, and its errors."""

import re

import pytest
from django.conf import settings

from generation.models.runs import Status
from tests.generation.browsing import NEVER, REFERRED, browser, ended_run, page, run_url
from tests.generation.factories import CASE, make_run
from tests.generation.program_making import make_program

pytestmark = pytest.mark.django_db


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


def test_text_of_a_case_is_never_markup(alice):
    prompt = "Right knee OA <script>alert(1)</script> \"'><img src=x onerror=alert(2)> pain 4/10, 68 yo, 8 months"
    for run in (ended_run(alice, prompt), make_run(alice, input={"prompt": prompt})):
        for url in (run_url(run), f"/?from={run.uid}", "/runs/"):
            text = page(alice, url)
            assert "<script>alert" not in text
            assert "<img" not in text


def test_nothing_in_a_page_needs_more_than_the_policy_allows(alice, library):
    program = make_program(alice)
    urls = [f"/programs/{program.pk}/{rest}" for rest in ("", "versions/", "versions/1/", "record/", "add/")]
    urls += ["/", "/runs/", "/programs/", "/templates/"]
    urls += [run_url(ended_run(alice)), run_url(ended_run(alice, REFERRED)), run_url(make_run(alice))]
    urls.append(f"{urls[-1]}live/")
    for url in urls:
        answer = browser(alice).get(url)
        text = answer.content.decode()
        assert "script-src 'self'" in answer["Content-Security-Policy"]
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
        for script in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in script or 'type="application/json"' in script
        assert answer["Cache-Control"] == "no-store"


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
