"""Share links: who makes and closes them, what is kept of them, and what the API answers."""

import hashlib
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from generation import shares
from generation.models import AuditEntry, ShareLink
from tests.generation.browsing import NEVER, browser
from tests.generation.handout_making import edited, make_program
from tests.generation.pdf_reading import Pdf
from tests.generation.program_making import auditor_of

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


def url_of(program, rest=""):
    return f"/api/programs/{program.pk}/shares{rest}"


def made_by(api, name, program, status=201, **body):
    answer = api(name).post(url_of(program), body, format="json")
    assert answer.status_code == status, answer.content
    return answer.json()


def facts_of(action, program):
    return [(e.actor_name, e.facts) for e in AuditEntry.objects.filter(action=action, object_id=program.pk)]


def test_the_address_is_told_once_and_only_its_digest_is_kept(api, alice):
    program = make_program(alice)
    made = made_by(api, "alice", program)
    token = re.fullmatch(r"http://testserver/h/([\w-]{32})/", made["url"])[1]
    link = ShareLink.objects.get(pk=made["id"])
    assert bytes(link.digest) == hashlib.sha256(token.encode()).digest()
    assert token not in repr(ShareLink.objects.filter(pk=link.pk).values().get())
    listed = api("alice").get(url_of(program))
    assert [entry["id"] for entry in listed.json()["results"]] == [made["id"]]
    assert token not in listed.content.decode()


def test_a_token_is_of_192_bits_and_no_two_are_alike(alice):
    program = make_program(alice)
    tokens = {shares.create(alice, program.pk).token for _ in range(20)}
    assert len(tokens) == 20
    assert all(len(token) * 6 == 192 for token in tokens)


@pytest.mark.parametrize(("body", "days"), [({}, 90), ({"days": 1}, 1), ({"days": 30.0}, 30), ({"days": 365}, 365)])
def test_it_works_for_as_long_as_was_asked(api, alice, body, days):
    before = timezone.now()
    link = ShareLink.objects.get(pk=made_by(api, "alice", make_program(alice), **body)["id"])
    assert link.expires_at - link.created_at == timedelta(days=days)
    assert before <= link.created_at <= timezone.now()


@pytest.mark.parametrize("body", [{"days": 0}, {"days": 366}, {"days": "90"}, {"days": None}, {"for": "ever"}])
def test_other_times_are_refused(api, alice, body):
    error = made_by(api, "alice", make_program(alice), status=400, **body)["error"]
    assert error["code"] == "VALIDATION_ERROR"
    assert ShareLink.objects.count() == 0


def test_only_what_is_approved_is_shared(api, alice):
    for program in (make_program(alice, approved=False), edited(make_program(alice), alice, total_minutes=1)):
        error = made_by(api, "alice", program, status=409)["error"]
        assert (error["code"], error["reason"]) == ("CONFLICT", "not_approved")


def test_a_template_is_not_shared(api, alice):
    program = make_program(alice, approved=False)
    program.is_template = True
    program.save()
    made_by(api, "alice", program, status=409)


def test_the_clinic_may_share_and_nobody_else(api, alice):
    program = make_program(alice)
    auditor = auditor_of(program.clinic_id)
    made_by(api, "bob", program)
    made_by(api, "dana", program, status=403)
    stranger = made_by(api, "charlie", program, status=404)
    assert stranger == api("charlie").post(f"/api/programs/{NEVER}/shares", {}, format="json").json()
    made_by(api, None, program, status=401)
    assert not shares.may_share(auditor, program)
    assert ShareLink.objects.count() == 1


def test_the_list_is_for_whoever_sees_the_program(api, alice):
    program = make_program(alice)
    made_by(api, "alice", program)
    for name, status in (("bob", 200), ("dana", 200), ("charlie", 404), (None, 401)):
        assert api(name).get(url_of(program)).status_code == status


def test_a_closed_link_opens_nothing_and_stays_in_the_list(api, alice, bob):
    program = make_program(alice)
    made = shares.create(alice, program.pk)
    for _ in range(2):
        assert api("bob").delete(url_of(program, f"/{made.link.pk}")).status_code == 204
    assert shares.find(made.token) is None
    entry = api("alice").get(url_of(program)).json()["results"][0]
    assert entry["revoked_by"] == "bob"
    assert entry["revoked_at"] is not None
    assert len(facts_of("revoke", program)) == 1


def test_a_stranger_closes_nothing(api, alice):
    program, other = make_program(alice), make_program(alice)
    made = shares.create(alice, program.pk)
    for name, status in (("charlie", 404), ("dana", 403), (None, 401)):
        assert api(name).delete(url_of(program, f"/{made.link.pk}")).status_code == status
    for address in (url_of(other, f"/{made.link.pk}"), url_of(program, f"/{NEVER}"), url_of(program, "/x")):
        assert api("alice").delete(address).status_code == 404
    assert shares.find(made.token) is not None


def test_making_and_closing_are_on_the_audit_trail_without_the_token(api, alice):
    program = make_program(alice)
    made = shares.create(alice, program.pk)
    shares.revoke(alice, program.pk, made.link.pk)
    facts = {"version": 1, "share": str(made.link.pk)}
    assert facts_of("share", program) == facts_of("revoke", program) == [("alice", facts)]


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_other_methods_are_refused(api, alice, method):
    assert getattr(api("alice"), method)(url_of(make_program(alice))).status_code == 405


def test_the_links_go_with_their_program(alice):
    program = make_program(alice)
    shares.create(alice, program.pk)
    program.delete()
    assert ShareLink.objects.count() == 0


# The page of the links


def test_the_page_makes_shows_and_closes_links(alice, bob):
    program = make_program(alice)
    address = f"/programs/{program.pk}/shares/"
    text = browser(bob).post(address, {"days": 30}).content.decode()
    token = re.search(r"/h/([\w-]{32})/", text)[1]
    link = shares.find(token)
    assert link.expires_at - link.created_at == timedelta(days=30)
    assert "<svg" in text
    assert token not in browser(bob).get(address).content.decode()
    assert browser(alice).post(f"{address}{link.pk}/revoke/").status_code == 302
    assert shares.find(token) is None
    assert "closed" in browser(alice).get(address).content.decode()


def test_the_page_is_for_those_who_see_the_program(alice, charlie, dana):
    program = make_program(alice)
    address = f"/programs/{program.pk}/shares/"
    link = shares.create(alice, program.pk).link
    assert browser(charlie).get(address).status_code == browser(charlie).post(address, {"days": 9}).status_code == 404
    assert browser(charlie).post(f"{address}{link.pk}/revoke/").status_code == 404
    assert browser(dana).get(address).status_code == 200
    assert browser(dana).post(address, {"days": 9}).status_code == 403
    assert browser(dana).post(f"{address}{link.pk}/revoke/").status_code == 403
    assert browser(None).get(address).status_code == 302
    assert browser(alice).get(f"{address}{link.pk}/revoke/").status_code == 405
    assert ShareLink.objects.filter(revoked_at=None).count() == 1


@pytest.mark.parametrize(("days", "approved", "status"), [("0", True, 400), ("", True, 400), ("90", False, 409)])
def test_the_page_says_what_is_wrong(alice, days, approved, status):
    program = make_program(alice, approved=approved)
    answer = browser(alice).post(f"/programs/{program.pk}/shares/", {"days": days})
    assert answer.status_code == status
    assert b'class="error"' in answer.content


# The hand-out by the API


def test_the_hand_out_is_a_pdf(api, alice):
    program = make_program(alice)
    address = f"/api/programs/{program.pk}/handout.pdf"
    answer = api("bob").get(address, {"size": "large", "language": "da", "version": 1})
    assert answer.headers["Content-Type"] == "application/pdf"
    assert Pdf(answer.content).says("Dine øvelser")
    assert facts_of("print", program)[0][0] == "bob"
    for name, status in (("charlie", 404), (None, 401)):
        assert api(name).get(address).status_code == status
    assert api("alice").get(address, {"version": 2}).status_code == 404
    for query in ({"size": "x"}, {"language": "x"}, {"version": "x"}, {"first_name": "Kirstine"}):
        assert api("alice").get(address, query).status_code == 400
