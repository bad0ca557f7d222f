"""The history, as a browser without scripts meets it."""

import pytest

from generation import pages
from generation.models.runs import Status
from tests.generation.browsing import REFERRED, ended_run, page
from tests.generation.factories import make_run

pytestmark = pytest.mark.django_db


def test_an_empty_history_leads_to_the_first_program(alice):
    text = page(alice, "/runs/")
    assert "Nothing generated yet." in text
    assert "<table" not in text


def test_history_shows_outcome_engine_and_a_masked_mrn(alice):
    ended_run(alice, mrn="AB-123456")
    ended_run(alice, REFERRED, mrn="77")
    text = page(alice, "/runs/")
    assert "••••56" in text
    assert "AB-1234" not in text
    assert "••••77" not in text
    assert "Rule-based composer" in text
    assert text.index("Refer first") < text.index("Knee osteoarthritis (right)")


def test_history_is_filtered_by_status(alice):
    ended_run(alice, status=Status.CANCELLED)
    make_run(alice, status=Status.RUNNING)
    counts = {status: page(alice, f"/runs/?status={status}").count('<th scope="row">')
              for status in ("", "live", "running", "cancelled", "failed", "nonsense")}  # fmt: skip
    assert counts == {"": 2, "live": 1, "running": 1, "cancelled": 1, "failed": 0, "nonsense": 2}
    assert "No runs with this status." in page(alice, "/runs/?status=failed")


def test_history_comes_in_pages(alice, monkeypatch):
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    for _ in range(3):
        make_run(alice)
    assert "Page 1 of 2" in page(alice, "/runs/")
    assert page(alice, "/runs/?page=2").count('<th scope="row">') == 1
    assert page(alice, "/runs/?page=x").count('<th scope="row">') == 2


def test_htmx_gets_the_list_alone(alice):
    text = page(alice, "/runs/", **{"HX-Request": "true"})
    assert "<html" not in text
    assert "<html" in page(alice, "/runs/", **{"HX-Request": "true", "HX-History-Restore-Request": "true"})
