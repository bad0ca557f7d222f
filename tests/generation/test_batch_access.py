"""Who may see the pages of a batch, and act on them."""

import re

import pytest
from django.test import Client

from generation.models import Run
from generation.models.runs import Status
from tests.generation.browsing import (
    LOST,
    NEVER,
    browser,
    ended_run,
    mixed_batch,
    numbers_in,
    page,
    url_of,
)
from tests.generation.factories import CASE, make_batch, make_run

pytestmark = pytest.mark.django_db

NEW = "/batches/new/"


PATHS = ("", "rows/", "cancel/", "retry/", "rows/{run}/cancel/", "rows/{run}/retry/")


@pytest.mark.parametrize("path", PATHS)
def test_a_batch_does_not_exist_for_a_stranger(alice, charlie, path):
    batch = make_batch(alice, Status.FAILED)
    run = batch.runs.get()
    for who, known in ((charlie, batch.pk), (alice, NEVER)):
        url = f"/batches/{known}/{path.format(run=run.uid)}"
        answer = browser(who).post(url) if path.endswith(("cancel/", "retry/")) else browser(who).get(url)
        assert answer.status_code == 404
        assert CASE not in answer.content.decode()
    assert batch.runs.count() == 1


@pytest.mark.parametrize("path", [NEW, f"/batches/{NEVER}/", f"/batches/{NEVER}/rows/"])
def test_a_page_asks_to_sign_in_and_comes_back(path):
    answer = browser(None).get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")


@pytest.mark.parametrize("path", PATHS[2:])
def test_nothing_is_done_by_looking_or_by_nobody(alice, path):
    batch = make_batch(alice, Status.QUEUED)
    url = url_of(batch, path.format(run=batch.runs.get().uid))
    assert browser(alice).get(url).status_code == 405
    assert browser(None).post(url)["Location"].startswith("/login/")
    assert batch.runs.get().status == Status.QUEUED


def test_a_post_of_another_site_is_refused(alice):
    batch = make_batch(alice, Status.QUEUED)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(NEW, {"pasted": CASE}).status_code == 403
    assert client.post(url_of(batch, "cancel/")).status_code == 403
    assert Run.objects.get().status == Status.QUEUED


def test_a_run_of_another_batch_is_not_reached_through_this_one(alice):
    batch, other = make_batch(alice, Status.QUEUED), make_batch(alice, Status.QUEUED)
    url = url_of(batch, f"rows/{other.runs.get().uid}/cancel/")
    assert browser(alice).post(url).status_code == 404
    assert other.runs.get().status == Status.QUEUED


def test_a_colleague_sees_the_rows_of_the_clinic_and_whose_batch_it_is(alice, bob):
    batch = make_batch(alice, Status.QUEUED, clinic=alice.clinics.get())
    make_run(alice, batch=batch, row=1)
    text = page(bob, url_of(batch))
    assert numbers_in(text) == [1]
    assert "· alice ·" in text


def test_text_of_a_case_is_never_markup(alice):
    prompt = "Right knee OA <script>alert(1)</script> \"'><img src=x onerror=alert(2)> pain 4/10, 68 yo, 8 months"
    batch = make_batch(alice)
    ended_run(alice, prompt, batch=batch, row=0)
    ended_run(alice, prompt, status=Status.FAILED, error={**LOST, "message": prompt}, batch=batch, row=1)
    for url in (url_of(batch), url_of(batch, f"rows/?run={batch.runs.first().uid}")):
        text = page(alice, url)
        assert "<script>alert" not in text
        assert "<img" not in text


def test_nothing_in_a_page_needs_more_than_the_policy_allows(alice):
    for url in (NEW, url_of(mixed_batch(alice)), url_of(make_batch(alice, Status.QUEUED))):
        answer = browser(alice).get(url)
        text = answer.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
        for script in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in script or 'type="application/json"' in script
        assert answer["Cache-Control"] == "no-store"
        assert CASE not in "".join(re.findall(r"<script.*?</script>", text, re.DOTALL))
