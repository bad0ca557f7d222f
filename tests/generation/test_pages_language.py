"""The language of the pages: the person's own, the browser's before they sign in, and a switch in the footer."""

import pytest
from django.test import Client

from generation.models import Run, User
from tests.generation.browsing import browser, ended_run, page, run_url
from tests.generation.factories import CASE
from tests.generation.program_making import make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def danish(alice) -> User:
    alice.language = "da"
    alice.save(update_fields=("language",))
    return alice


def test_the_pages_are_in_the_language_of_the_person_whatever_the_browser_prefers(alice, danish):
    for preferred in ("en", "da", "de"):
        text = page(danish, "/", **{"Accept-Language": preferred})
        assert '<html lang="da">' in text
        assert "Program med hjemmeøvelser" in text


def test_before_signing_in_the_browser_or_the_switch_decides():
    client = Client()
    assert "Log ind" in client.get("/login/", headers={"Accept-Language": "da"}).content.decode()
    answer = client.post("/language/", {"language": "da", "next": "/login/"})
    assert (answer.status_code, answer["Location"]) == (302, "/login/")
    assert "Log ind" in client.get("/login/").content.decode()


def test_the_switch_is_kept_with_the_person(alice):
    client = browser(alice)
    assert (
        client.post("/language/", {"language": "da", "next": "/runs/?status=live"})["Location"] == "/runs/?status=live"
    )
    assert User.objects.get(pk=alice.pk).language == "da"
    assert "Historik" in page(alice, "/runs/")


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", ""])
def test_the_switch_leads_nowhere_else(alice, elsewhere):
    assert browser(alice).post("/language/", {"language": "da", "next": elsewhere})["Location"] == "/"


def test_the_switch_knows_two_languages_and_is_posted(alice):
    assert browser(alice).post("/language/", {"language": "xx"}).status_code == 400
    assert browser(alice).get("/language/").status_code == 405


def test_a_danish_program_keeps_its_language_on_english_pages_and_the_other_way_round(alice, library):
    danish, english = make_program(alice, language="da"), make_program(alice)
    text = page(alice, f"/programs/{danish.pk}/")
    assert '<h1 lang="da">' in text
    assert "Review and approve" in text
    User.objects.filter(pk=alice.pk).update(language="da")
    text = page(User.objects.get(pk=alice.pk), f"/programs/{english.pk}/")
    assert '<h1 lang="en">' in text
    assert "Gennemgå og godkend" in text
    assert "slidgigt i knæet" in text


def test_danish_dates_and_decimals(danish):
    run = ended_run(danish)
    Run.objects.filter(pk=run.pk).update(created_at="2026-03-03T12:00:00Z")
    assert "3. marts 2026" in page(danish, "/runs/")


@pytest.mark.django_db(transaction=True)
def test_a_danish_person_generates_in_danish_unless_they_choose(danish):
    browser(danish).post("/", {"prompt": CASE})
    assert Run.objects.latest("pk").language == "da"
    assert '<option value="da" selected>' in page(danish, "/")


def test_every_page_is_there_in_danish(danish, library):
    program = make_program(danish)
    run = ended_run(danish, mrn="AB-123456")
    for url in ("/", "/runs/", "/programs/", "/templates/", "/batches/new/", "/library/", run_url(run)):
        assert '<html lang="da">' in page(danish, url)
    for rest in ("", "versions/", "record/", "add/", "handout/", "shares/"):
        assert '<html lang="da">' in page(danish, f"/programs/{program.pk}/{rest}")
