"""The page of a batch, as a browser without scripts sees it."""

import re

import pytest
from django.utils import timezone

from generation.batch_presentation import row_of
from generation.models import Batch
from generation.models.runs import Status
from tests.generation.browsing import (
    LOST,
    NEVER,
    mixed_batch,
    numbers_in,
    page,
    url_of,
)
from tests.generation.factories import make_batch, make_run

pytestmark = pytest.mark.django_db


def test_the_totals_say_what_asks_for_somebody(alice):
    text = page(alice, url_of(mixed_batch(alice)))
    assert "5 of 6 done, 1 refer, 1 needs more information, 1 failed, 1 cancelled" in text
    assert '<h1 tabindex="-1">Batch of 6 cases</h1>' in text
    assert 'value="95.0"' in text


@pytest.mark.parametrize(("asked", "most", "said"), [(5, 2, 2), (2, 5, 2), (5, 0, 5)])
def test_no_more_rows_at_a_time_are_named_than_the_server_takes(alice, settings, asked, most, said):
    settings.MAX_CONCURRENT_RUNS = most
    assert f"· {said} at a time" in page(alice, url_of(make_batch(alice, Status.QUEUED, max_parallel=asked)))


def test_a_row_says_what_came_of_it_and_leads_to_its_run(alice):
    batch = mixed_batch(alice)
    program, failed, running, cancelled, unclear, referral = page(alice, url_of(batch)).split('<tr id="row-')[1:]
    runs = list(batch.runs.order_by("row"))
    assert "Knee osteoarthritis (right)" in program
    assert f'href="/runs/{runs[0].uid}/"' in program
    assert "••••56" in program
    assert "AB-1234" not in program
    assert LOST["message"] in failed
    assert "Checking safety" in running
    assert 'value="70"' in running
    assert "Cancelled by bob." in cancelled
    assert "No body region was recognised" in unclear
    assert "Refer first" in referral
    assert "emergency" in referral


def test_a_row_offers_what_can_be_done_to_it(alice):
    batch = mixed_batch(alice)
    rows = page(alice, url_of(batch)).split('<tr id="row-')[1:]
    offers = [re.findall(r'data-api="/api/runs/[0-9a-f-]+/(\w+)"', row) for row in rows]
    assert offers == [[], ["retry"], ["cancel"], ["retry"], [], []]


def test_what_needs_attention_comes_first_where_that_is_asked_for(alice):
    batch = mixed_batch(alice)
    assert numbers_in(page(alice, url_of(batch))) == [1, 2, 3, 4, 5, 6]
    assert numbers_in(page(alice, url_of(batch, "?show=attention"))) == [6, 2, 5, 1, 3, 4]
    assert numbers_in(page(alice, url_of(batch, "?show=nonsense"))) == [1, 2, 3, 4, 5, 6]


def test_a_live_batch_looks_again_without_scripts_and_an_ended_one_does_not(alice):
    live, ended = make_batch(alice, Status.QUEUED), make_batch(alice, Status.CANCELLED, finished_at=timezone.now())
    again = '<noscript><meta http-equiv="refresh"'
    assert again in page(alice, url_of(live))
    assert again not in page(alice, url_of(ended))


def test_buttons_of_the_whole_are_there_when_they_do_something(alice):
    def offered(batch: Batch) -> list[str]:
        forms = re.findall(r'<form id="([\w-]+)"[^>]*?( hidden)?>', page(alice, url_of(batch)))
        return [name for name, hidden in forms if not hidden]

    assert offered(make_batch(alice, Status.QUEUED)) == ["cancel-all"]
    assert offered(make_batch(alice, Status.FAILED)) == ["retry-failed"]
    assert offered(mixed_batch(alice)) == ["cancel-all", "retry-failed"]


def test_the_script_gets_the_totals_and_the_rows_it_names(alice):
    batch = mixed_batch(alice)
    uids = [run.uid for run in batch.runs.order_by("row")]
    text = page(alice, url_of(batch, f"rows/?run={uids[5]}&run={uids[1]}&run={NEVER}&run=x"))
    assert "<html" not in text
    assert numbers_in(text) == [2, 6]
    assert "5 of 6 done, 1 refer" in text
    assert "csrfmiddlewaretoken" in text


def test_a_case_whose_key_is_gone_takes_no_page_with_it(alice, settings):
    batch = mixed_batch(alice)
    settings.FIELD_KEYS = "other:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
    assert numbers_in(page(alice, url_of(batch))) == [1, 2, 3, 4, 5, 6]


def test_a_long_case_is_cut_short(alice):
    assert len(row_of(make_run(alice, input={"prompt": "knee " * 500}))["case"]) < 120


def test_a_batch_whose_runs_were_deleted_says_so(alice):
    assert "have been deleted" in page(alice, url_of(make_batch(alice)))


def test_the_history_leads_from_a_run_to_its_batch(alice):
    batch = make_batch(alice, Status.QUEUED)
    make_run(alice)
    text = page(alice, "/runs/")
    assert text.count(f'href="{url_of(batch)}"') == 1
