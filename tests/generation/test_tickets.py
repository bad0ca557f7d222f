"""Tickets: one stream, for one person, for as long as it needs one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from generation import tickets
from generation.errors import NotSignedIn
from generation.models import Run, StreamTicket
from generation.models.runs import Status
from tests.generation.factories import make_batch, make_run

pytestmark = pytest.mark.django_db(transaction=True)


def issued(client, **what) -> str:
    answer = client.post("/api/stream-tickets", what, format="json")
    assert answer.status_code == 201, answer.json()
    assert answer.json()["expires_in"] == 60
    return answer.json()["ticket"]


def age(seconds: float) -> None:
    StreamTicket.objects.update(created_at=timezone.now() - timedelta(seconds=seconds))


def test_a_ticket_says_who_and_what(alice, api):
    run = make_run(alice)
    assert tickets.use(issued(api("alice"), run=str(run.uid))) == (alice, run.uid)
    batch = make_batch(alice, Status.QUEUED)
    assert tickets.use(issued(api("alice"), batch=str(batch.pk))) == (alice, batch.pk)


def test_an_unused_one_expires_after_a_minute(alice, api):
    ticket = issued(api("alice"), run=str(make_run(alice).uid))
    age(61)
    with pytest.raises(NotSignedIn):
        tickets.use(ticket)


def test_a_used_one_serves_reconnects_until_a_minute_after_the_end(alice, api):
    run = make_run(alice)
    ticket = issued(api("alice"), run=str(run.uid))
    tickets.use(ticket)
    age(3600)
    tickets.use(ticket)
    Run.objects.update(status=Status.FAILED, finished_at=timezone.now() - timedelta(seconds=59))
    tickets.use(ticket)
    Run.objects.update(finished_at=timezone.now() - timedelta(seconds=61))
    with pytest.raises(NotSignedIn):
        tickets.use(ticket)


def test_that_of_a_batch_lives_as_long_as_its_last_row(alice, api):
    batch = make_batch(alice, Status.QUEUED, Status.FAILED)
    ticket = issued(api("alice"), batch=str(batch.pk))
    tickets.use(ticket)
    long_ago = timezone.now() - timedelta(hours=1)
    Run.objects.filter(row=1).update(finished_at=long_ago)
    tickets.use(ticket)
    Run.objects.filter(row=0).update(status=Status.FAILED, finished_at=long_ago)
    with pytest.raises(NotSignedIn):
        tickets.use(ticket)


@pytest.mark.parametrize("pattern", ["{}x", "x{}", "é", ""])
def test_a_changed_one_is_not_valid(alice, api, pattern, django_assert_num_queries):
    ticket = issued(api("alice"), run=str(make_run(alice).uid))
    with django_assert_num_queries(0), pytest.raises(NotSignedIn):
        tickets.use(pattern.format(ticket))


def test_that_of_somebody_who_was_shut_out_is_not_valid(alice, api):
    ticket = issued(api("alice"), run=str(make_run(alice).uid))
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(NotSignedIn):
        tickets.use(ticket)


def test_nobody_gets_one_for_what_does_not_exist_for_them(alice, api):
    run = str(make_run(alice).uid)
    for name, status in {"charlie": 404, None: 401}.items():
        assert api(name).post("/api/stream-tickets", {"run": run}, format="json").status_code == status
    for body in ({}, {"run": run, "batch": run}, {"run": 7}, {"other": run}, [run]):
        assert api("alice").post("/api/stream-tickets", body, format="json").status_code in (400, 404)
    assert not StreamTicket.objects.exists()


def test_the_table_does_not_hold_the_ticket(alice, api):
    ticket = issued(api("alice"), run=str(make_run(alice).uid))
    assert ticket.partition(":")[0].encode() not in bytes(StreamTicket.objects.get().digest)
