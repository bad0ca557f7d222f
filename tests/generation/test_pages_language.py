"""The language of the pages: the person's own, the browser's before they sign in, and a switch in the footer."""

import inspect
import re

import pytest
from django.test import Client
from django.utils import translation

from generation import errors, page_urls, page_words, program_copies, programs, rights, shares
from generation.models import Run, User
from generation.templatetags.addresses import AFTER_COMMAND
from tests.generation.browsing import NEVER, browser, ended_run, page, run_url
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


@pytest.mark.parametrize("elsewhere", [
    "https://elsewhere.example/", "//elsewhere.example", "///elsewhere.example", "/\\\\elsewhere.example",
    "javascript:alert(1)", "http://testserver/runs/", "foo", "generate", "",
])  # fmt: skip
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


def switch_of(text: str) -> str:
    (address,) = re.findall(r'name="next" value="([^"]*)"', text.partition('class="languages"')[2])
    return address


def test_the_switch_on_the_answer_to_a_command_leads_to_the_page_it_came_from(alice, library):
    program = make_program(alice)
    own = f"/programs/{program.pk}/"
    client = browser(alice)
    refused = client.post(f"{own}edit/", {"version": 1, "action": "remove", "slug": "none-such"})
    assert (refused.status_code, switch_of(refused.content.decode())) == (400, own)
    for path in ("/", f"{own}shares/"):
        assert switch_of(client.post(path, {}).content.decode()) == path
    assert switch_of(client.post("/runs/search/", {"mrn": ""}).content.decode()) == "/runs/"


VALUES = {"uuid": NEVER, "slug": "none-such", "int": "1", "str": "x"}


@pytest.mark.parametrize("pattern", page_urls.urlpatterns, ids=lambda pattern: pattern.name)
def test_every_address_that_only_takes_a_command_has_its_page(alice, pattern):
    path = re.sub(r"<(\w+):\w+>", lambda found: VALUES[found[1]], str(pattern.pattern))
    answer = browser(alice).get(f"/{path}")
    assert (answer.status_code == 405) == (pattern.name in AFTER_COMMAND)


def kinds(error: type[errors.HepError]) -> set[type[errors.HepError]]:
    return {error}.union(*(kinds(one) for one in error.__subclasses__()))


# What only scripts and the API meet.
OF_THE_API = (errors.CursorExpired, errors.MethodNotAllowed, errors.NoResult, errors.NotSignedIn)
SAID = {error.sentence for error in kinds(errors.HepError) if error not in OF_THE_API} | {rights.NOT_THEIRS}
SAID |= {
    sentence
    for module in (programs, program_copies, shares)
    for sentence in re.findall(r'(?:Conflict|NotAllowed|NotFound)\("([^"]+)"\)', inspect.getsource(module))
}


@pytest.mark.parametrize("sentence", sorted(SAID | set(page_words.REFUSALS)))
def test_every_refusal_of_a_page_is_there_in_danish(sentence):
    with translation.override("da"):
        assert page_words.said(sentence) != sentence


def test_a_refusal_on_a_danish_page_is_danish(danish, library):
    program = make_program(danish)
    answer = browser(danish).post(f"/programs/{program.pk}/shares/", {"days": "30"})
    assert answer.status_code == 409
    assert "Programmet er en kladde; godkend det, før det deles." in answer.content.decode()
