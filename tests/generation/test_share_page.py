"""What a share link opens for a patient without an account."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from generation import shares
from generation.clinical.record import day
from generation.models import ShareLink, User, Visits
from tests.generation.handout_making import APPROVED_ON, approve, content_of, edited, give_clinic, make_program

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]
UNKNOWN = "A" * 32


def opened(token, query="", **more):
    return Client().get(f"{shares.path_of(token)}{query}", **more)


def link_to(owner, **fields):
    program = make_program(owner, **fields)
    return program, shares.create(owner, program.pk)


def test_it_shows_the_program_without_an_account(alice):
    give_clinic(alice, phone="12 34 56 78")
    _, made = link_to(alice)
    text = opened(made.token).content.decode()
    for item in content_of()["items"]:
        assert item["name"] in text
        assert all(step in text for step in item["steps"])
    for rule in content_of()["stop_rules"]:
        assert rule in text
    assert "North clinic" in text
    assert 'href="tel:12345678"' in text


def test_it_names_the_clinic_and_nobody_who_works_there(alice):
    User.objects.filter(pk=alice.pk).update(first_name="Alice", last_name="Andersen")
    alice.refresh_from_db()
    text = opened(link_to(alice)[1].token).content.decode()
    assert "Andersen" not in text
    assert "alice" not in text
    assert "Made for you by North clinic" in text


def test_it_is_kept_out_of_caches_search_engines_and_other_sites(alice):
    for answer in (opened(link_to(alice)[1].token), opened(UNKNOWN)):
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert '<meta name="robots" content="noindex' in answer.content.decode()
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not answer.cookies


def test_its_language_may_be_changed(alice):
    _, made = link_to(alice, language="da")
    assert b'<html lang="da">' in opened(made.token).content
    other = opened(made.token, "?language=en").content.decode()
    assert '<html lang="en">' in other
    assert "Heel slide lying down" in other
    assert b'<html lang="da">' in opened(made.token, "?language=xx").content


def test_each_opening_is_counted(alice):
    _, made = link_to(alice)
    for _ in range(3):
        opened(made.token)
    link = ShareLink.objects.get(pk=made.link.pk)
    assert link.opened == 3
    assert link.last_opened is not None


def test_a_look_by_head_is_no_opening(alice):
    _, made = link_to(alice)
    assert Client().head(shares.path_of(made.token)).status_code == 200
    assert ShareLink.objects.get(pk=made.link.pk).opened == 0


def test_the_way_to_the_slash_is_kept_by_nobody(alice):
    _, made = link_to(alice)
    answer = Client().get(shares.path_of(made.token).rstrip("/"))
    assert (answer.status_code, answer.headers["Location"]) == (301, shares.path_of(made.token))
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_it_shows_the_latest_approved_version(alice):
    program, made = link_to(alice)
    program = edited(program, alice, summary_for_patient="Only a draft.")
    assert b"Only a draft." not in opened(made.token).content
    approve(program, alice)
    assert b"Only a draft." in opened(made.token).content
    program = edited(program, alice, summary_for_patient="A later draft.")
    assert b"Only a draft." in opened(made.token).content
    assert b"DRAFT" not in opened(made.token).content


def test_unknown_expired_and_closed_links_look_the_same(alice):
    _, expired = link_to(alice)
    ShareLink.objects.filter(pk=expired.link.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    program, closed = link_to(alice)
    shares.revoke(alice, program.pk, closed.link.pk)
    answers = [opened(token) for token in (UNKNOWN, "x", "x" * 5000, expired.token, closed.token, "ø" * 32)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    text = answers[0].content.decode()
    assert "Call your clinic" in text
    assert "Ring til din klinik" in text
    assert "North clinic" not in text


def test_it_works_to_its_last_second(alice):
    _, made = link_to(alice)
    ShareLink.objects.filter(pk=made.link.pk).update(expires_at=timezone.now() + timedelta(seconds=60))
    assert opened(made.token).status_code == 200


def test_nothing_can_be_sent_to_it(alice):
    _, made = link_to(alice)
    assert Client().post(shares.path_of(made.token)).status_code == 405


def test_twenty_a_minute_from_one_address_and_no_more(alice, monkeypatch):
    monkeypatch.setattr(shares, "this_minute", lambda: 1_000)
    _, made = link_to(alice)
    answers = [opened(made.token if n % 2 else UNKNOWN, REMOTE_ADDR="192.0.2.7") for n in range(25)]
    assert [answer.status_code for answer in answers[:20]] == [404, 200] * 10
    assert {answer.status_code for answer in answers[20:]} == {429}
    assert answers[-1].headers["Retry-After"] == "60"
    assert answers[-1].headers["Cache-Control"] == "private, no-store"
    assert opened(made.token, REMOTE_ADDR="192.0.2.8").status_code == 200
    monkeypatch.setattr(shares, "this_minute", lambda: 1_001)
    assert opened(made.token, REMOTE_ADDR="192.0.2.7").status_code == 200


def test_the_address_of_a_visitor_is_not_kept(alice):
    opened(UNKNOWN, REMOTE_ADDR="192.0.2.7")
    assert "192.0.2.7" not in repr(list(Visits.objects.values()))


def test_the_counts_of_visits_are_forgotten(alice):
    from generation.retention import prune

    Visits.objects.create(visitor=b"x" * 32, minute=int(timezone.now().timestamp()) // 60 - 61)
    opened(UNKNOWN)
    prune()
    assert Visits.objects.count() == 1


def test_the_date_on_it_is_that_of_the_approval(alice):
    assert day(APPROVED_ON.date(), "en") in opened(link_to(alice)[1].token).content.decode()
