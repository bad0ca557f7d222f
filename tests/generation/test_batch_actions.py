"""Doing something to a batch on its page, without scripts."""

import pytest
from django.conf import settings

from generation.models.runs import Status
from tests.generation.browsing import (
    LOST,
    browser,
    ended_run,
    numbers_in,
    page,
    url_of,
)
from tests.generation.factories import make_batch, make_run

pytestmark = pytest.mark.django_db


@pytest.mark.django_db(transaction=True)
def test_cancel_all_is_a_button(alice):
    batch = make_batch(alice, Status.QUEUED, Status.QUEUED, Status.QUEUED)
    assert browser(alice).post(url_of(batch, "cancel/"))["Location"] == url_of(batch)
    assert set(batch.runs.values_list("status", flat=True)) == {Status.CANCELLED}
    assert browser(alice).post(url_of(batch, "cancel/"))["Location"] == url_of(batch)


@pytest.mark.django_db(transaction=True)
def test_retry_starts_what_failed_again_in_its_place(alice):
    batch = make_batch(alice)
    ended_run(alice, batch=batch, row=0)
    failed = ended_run(alice, status=Status.FAILED, error=LOST, batch=batch, row=1)
    assert browser(alice).post(url_of(batch, "retry/"))["Location"] == url_of(batch)
    again = failed.children.get()
    assert (again.row, again.status) == (1, Status.QUEUED)
    text = page(alice, url_of(batch))
    assert numbers_in(text) == [1, 2]
    assert str(failed.uid) not in text
    assert browser(alice).post(url_of(batch, "retry/"))["Location"] == url_of(batch)
    assert batch.runs.count() == 3


@pytest.mark.django_db(transaction=True)
def test_one_row_is_cancelled_and_started_again_once(alice):
    batch = make_batch(alice, Status.QUEUED, Status.QUEUED)
    first, second = batch.runs.order_by("row")
    client = browser(alice)
    assert client.post(url_of(batch, f"rows/{first.uid}/cancel/"))["Location"] == url_of(batch)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Status.CANCELLED, Status.QUEUED)
    for _ in range(2):
        assert client.post(url_of(batch, f"rows/{first.uid}/retry/"))["Location"] == url_of(batch)
    assert first.children.get().row == 0


def test_a_refusal_is_said_on_the_page(alice):
    batch = make_batch(alice, Status.FAILED)
    for _ in range(settings.MAX_ACTIVE_RUNS_PER_USER):
        make_run(alice)
    answer = browser(alice).post(url_of(batch, "retry/"))
    assert answer.status_code == 429
    assert "Too many of your runs are active" in answer.content.decode()
    assert numbers_in(answer.content.decode()) == [1]
