"""The hand-out as a page and as a PDF: who gets it, what may be chosen, and what is kept of it."""

import re

import pytest

from generation import programs, shares
from generation.models import AuditEntry, ShareLink
from tests.generation.browsing import NEVER, browser, page
from tests.generation.handout_making import edited, give_clinic, make_program
from tests.generation.pdf_reading import Pdf
from tests.generation.program_making import auditor_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]
DRAFT = "DRAFT – not reviewed"


def url_of(program, rest=""):
    return f"/programs/{program.pk}/handout{rest or '/'}"


def pdf_from(user, program, method="get", status=200, **fields):
    answer = getattr(browser(user), method)(url_of(program, ".pdf"), fields)
    assert answer.status_code == status
    return Pdf(answer.content) if status == 200 else answer


def prints(program):
    entries = AuditEntry.objects.filter(action="print", object_id=program.pk).order_by("pk")
    return [(entry.actor_name, entry.facts) for entry in entries]


@pytest.mark.parametrize("rest", ["/", ".pdf"])
def test_owner_clinic_and_staff_get_it_and_a_stranger_finds_nothing(alice, bob, charlie, dana, rest):
    program = make_program(alice)
    for user in (alice, bob, dana):
        assert browser(user).get(url_of(program, rest)).status_code == 200
    stranger, missing = (
        browser(charlie).get(url) for url in (url_of(program, rest), f"/programs/{NEVER}/handout{rest}")
    )
    assert (stranger.status_code, stranger.content) == (404, missing.content)
    assert browser(None).get(url_of(program, rest)).headers["Location"].startswith("/login/?next=")


@pytest.mark.parametrize("rest", ["/", ".pdf"])
def test_other_methods_are_refused(alice, rest):
    assert browser(alice).put(url_of(make_program(alice), rest)).status_code == 405


def test_the_page_has_headings_in_order_and_says_its_language(alice):
    text = page(alice, url_of(make_program(alice, "da")))
    sheet = text[text.index('<article class="sheet"') :]
    assert 'lang="da"' in sheet[:80]
    headings = re.findall(r"<h([1-3])", sheet)
    assert headings[:4] == ["1", "2", "2", "3"]
    assert headings.count("1") == 1
    assert sheet.count("<svg") == 6 + 3


def test_the_pdf_opens_in_the_browser_and_its_name_tells_nothing(alice):
    answer = browser(alice).get(url_of(make_program(alice), ".pdf"))
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == 'inline; filename="exercises-2026-03-03.pdf"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_draft_says_so_and_an_approved_version_of_it_does_not(alice):
    program = edited(make_program(alice), alice, summary_for_patient="Now changed.")
    assert DRAFT in page(alice, url_of(program))
    assert all(DRAFT in text for text in pdf_from(alice, program).pages)
    first = pdf_from(alice, program, version=1)
    assert DRAFT not in first.text
    assert not first.says("Now changed.")
    assert DRAFT not in page(alice, url_of(program) + "?version=1")
    assert browser(alice).get(url_of(program) + "?version=3").status_code == 404


def test_size_and_language_may_be_chosen(alice):
    program = make_program(alice)
    assert pdf_from(alice, program, language="da").says("Dine øvelser")
    assert len(pdf_from(alice, program, size="large").pages) > 2
    text = page(alice, url_of(program) + "?language=da&size=large")
    assert 'class="sheet large" lang="da"' in text
    assert "Dine øvelser" in text


@pytest.mark.parametrize("choice", ["size=huge", "language=xx", "version=x", "version=0"])
@pytest.mark.parametrize("rest", ["/", ".pdf"])
def test_a_choice_that_there_is_not_is_refused(alice, rest, choice):
    assert browser(alice).get(f"{url_of(make_program(alice), rest)}?{choice}").status_code == 400


def test_every_print_is_on_the_audit_trail(alice, bob):
    program = make_program(alice)
    page(bob, url_of(program) + "?language=da")
    pdf_from(alice, program, size="large")
    facts = {"version": 1, "form": "page", "size": "standard", "language": "da"}
    assert prints(program) == [("bob", facts), ("alice", facts | {"form": "pdf", "size": "large", "language": "en"})]


# The first name


def test_the_first_name_is_printed_from_a_post_and_not_from_an_address(alice):
    program = make_program(alice)
    assert pdf_from(alice, program, "post", first_name="Kirstine").says("For Kirstine")
    assert "For Kirstine" in browser(alice).post(url_of(program), {"first_name": "Kirstine"}).content.decode()
    assert "Kirstine" not in pdf_from(alice, program, first_name="Kirstine").text
    sheet = page(alice, url_of(program) + "?first_name=Kirstine").partition("<article")[2]
    assert "For Kirstine" not in sheet
    assert "Your exercises" in sheet


def test_the_audit_trail_has_no_name(alice):
    program = make_program(alice)
    pdf_from(alice, program, "post", first_name="Kirstine")
    browser(alice).post(url_of(program), {"first_name": "Kirstine"})
    assert len(prints(program)) == 2
    assert "Kirstine" not in repr(list(AuditEntry.objects.values()))


def test_a_name_that_is_too_long_is_refused(alice):
    answer = pdf_from(alice, make_program(alice), "post", status=400, first_name="x" * 41)
    assert "at most 40 characters" in answer.content.decode()


@pytest.mark.parametrize("rest", ["/", ".pdf"])
def test_another_site_can_not_post_it(alice, rest):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(url_of(make_program(alice), rest), {"first_name": "x"}).status_code == 403


def test_markup_in_names_and_notes_is_text(alice):
    program = make_program(alice)
    content = programs.content_of(program)
    content["items"][0] |= {"name": "<script>alert(1)</script>", "patient_note": "<img src=x onerror=alert(1)>"}
    text = browser(alice).post(url_of(edited(program, alice, items=content["items"])), {"first_name": "<b>x"}).content
    assert b"<script>alert" not in text
    assert b"<img" not in text
    assert b"<b>x" not in text
    assert b"&lt;script&gt;alert(1)" in text


# With a link


def test_a_link_is_printed_once_it_is_asked_for(alice):
    program = make_program(alice)
    assert ShareLink.objects.count() == 0
    made = pdf_from(alice, program, "post", with_link="true")
    token = re.search(r"/h/([\w-]{32})/", re.sub(r"\s", "", made.text))[1]
    assert shares.find(token).program_id == program.pk
    assert "A code that opens this program on a phone." in [element.alt for element in made.elements]


def test_the_page_and_its_pdf_have_the_same_link(alice):
    program = make_program(alice)
    text = browser(alice).post(url_of(program), {"with_link": "true"}).content.decode()
    token = re.search(r'name="token" value="([\w-]{32})"', text)[1]
    assert f"http://testserver/h/{token}/" in text
    again = pdf_from(alice, program, "post", with_link="true", token=token)
    assert token in re.sub(r"\s", "", again.text)
    assert ShareLink.objects.count() == 1


def test_a_get_makes_no_link(alice):
    program = make_program(alice)
    page(alice, url_of(program) + "?with_link=true")
    pdf_from(alice, program, with_link="true")
    assert ShareLink.objects.count() == 0


def test_a_draft_is_printed_without_a_link(alice):
    program = make_program(alice, approved=False)
    answer = browser(alice).post(url_of(program), {"with_link": "true"})
    assert answer.status_code == 409
    assert "approve it before it is shared" in answer.content.decode()
    pdf_from(alice, program, "post", status=409, with_link="true")
    assert ShareLink.objects.count() == 0


def test_the_token_of_another_program_is_not_printed(alice):
    token = shares.create(alice, make_program(alice).pk).token
    text = browser(alice).post(url_of(make_program(alice)), {"token": token}).content.decode()
    assert token not in text


def test_an_auditor_prints_but_makes_no_link(alice):
    program = make_program(alice)
    auditor = auditor_of(program.clinic_id)
    assert "with_link" not in page(auditor, url_of(program))
    assert browser(auditor).post(url_of(program), {"with_link": "true"}).status_code == 403


def test_the_clinics_numbers_are_those_of_the_clinic(alice):
    give_clinic(alice, phone="70 10 20 30", emergency_number="999")
    text = page(alice, url_of(make_program(alice)))
    assert "70 10 20 30" in text
    assert "Emergency number: 999" in text
