"""The page of a run, live and ended, as a browser without scripts meets it."""

import asyncio
import re

import pytest

from generation import waiting
from generation.models import Run
from generation.models.runs import Status
from generation.pipelines import exercise_program
from generation.profile_chips import chips
from tests.generation.browsing import REFERRED, browser, ended_run, page, run_url
from tests.generation.factories import CASE, make_run
from tests.generation.pipelines.handle import MemoryRun

pytestmark = pytest.mark.django_db


def plain_of(text: str) -> str:
    """What a page tells of a live run where no script does."""
    (plain,) = re.findall(r"<noscript>(<section.*?)</noscript>", text, re.DOTALL)
    return plain


@pytest.mark.django_db(transaction=True)
def test_without_scripts_cancel_is_a_button(alice):
    run = make_run(alice)
    answer = browser(alice).post(f"{run_url(run)}cancel/")
    assert answer["Location"] == run_url(run)
    text = page(alice, run_url(run))
    assert "Generation cancelled" in text
    assert f"/?from={run.uid}" in text


def test_cancelling_what_has_ended_shows_how_it_ended(alice):
    run = ended_run(alice)
    assert browser(alice).post(f"{run_url(run)}cancel/")["Location"] == run_url(run)


@pytest.mark.parametrize("status", [Status.QUEUED, Status.RUNNING, Status.PAUSED, Status.CANCELLING])
def test_a_live_run_is_drawn_from_its_snapshot_without_the_case_in_it(alice, status):
    run = make_run(alice, status=status, stage="generating", progress=46, last_seq=9)
    text = page(alice, run_url(run))
    embedded = re.search(r'<script id="live-run" type="application/json">(.*?)</script>', text)
    assert embedded
    assert f'"status": "{status}"' in embedded[1]
    assert '"last_seq": 9' in embedded[1]
    assert CASE[:20] not in embedded[1]
    assert text.count('data-stage="') == 6


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PAUSED, Status.CANCELLING])
def test_without_scripts_the_time_that_is_left_is_told_of_a_run_that_waits_or_works(alice, status):
    text = page(alice, run_url(make_run(alice, status=status)))
    assert ("Usually " in plain_of(text)) is (status == Status.QUEUED)


def test_without_scripts_each_look_tells_the_place_in_the_queue(alice):
    first, run = make_run(alice), make_run(alice)
    assert "Waiting for its turn, number 2 in the queue" in plain_of(page(alice, run_url(run)))
    Run.objects.filter(pk=first.pk).update(status=Status.RUNNING)
    waiting.forget()
    assert "number 1 in the queue" in plain_of(page(alice, run_url(run)))
    assert "in the queue" not in plain_of(page(alice, run_url(first)))


def test_the_plain_live_view_asks_for_the_place_until_the_run_waits_no_longer(alice):
    make_run(alice)
    run = make_run(alice, language="da")
    told = browser(alice).get(f"{run_url(run)}place/")
    assert told.status_code == 200
    assert "2" in told.content.decode().split("</p>")[0]
    assert f'hx-get="{run_url(run)}place/"' in page(alice, f"{run_url(run)}live/")
    Run.objects.filter(pk=run.pk).update(status=Status.RUNNING)
    ended = browser(alice).get(f"{run_url(run)}place/")
    # To htmx: ask no more, and leave what is shown as it is.
    assert (ended.status_code, ended["HX-Reswap"], ended.content) == (286, "none", b"")
    assert "place/" not in page(alice, f"{run_url(run)}live/")


def test_a_stranger_is_not_told_the_place_of_a_run(alice, charlie):
    assert browser(charlie).get(f"{run_url(make_run(alice))}place/").status_code == 404


def test_a_program_is_shown_in_the_order_of_a_clinician(alice):
    run = ended_run(alice, "72 yo right knee osteoarthritis 6 months, BP 185/95, pain 4/10, wants to walk further.")
    text = page(alice, run_url(run))
    headings = [">Safety<", "What was understood", "Assumptions", ">Exercises<", "Pain rule", "Stop and call"]
    places = [text.index(heading) for heading in [*headings, "Good to know", "How this was made"]]
    assert places == sorted(places)
    assert "Blood pressure is too high" in text
    assert text.count('<li class="exercise"') == len(run.result["program"]["items"])
    assert "<title>Program ready – HEP Companion</title>" in text


def test_a_referral_is_prominent_and_has_no_exercises(alice):
    text = page(alice, run_url(ended_run(alice, REFERRED)))
    assert "Refer before exercise" in text
    assert '<q lang="">saddle numbness</q>' in text
    assert '<li class="exercise"' not in text
    assert "<title>Result ready – HEP Companion</title>" in text


def test_too_little_information_says_what_to_add(alice):
    text = page(alice, run_url(ended_run(alice, "lorem ipsum dolor sit amet consectetur")))
    assert "No body region was recognised" in text
    assert "What to add" in text


def test_a_failure_says_what_and_where_in_words(alice):
    error = {"code": "OUTPUT_INVALID", "message": "The draft failed.", "retryable": True, "stage": "validating"}
    text = page(alice, run_url(ended_run(alice, status=Status.FAILED, error=error)))
    assert "The draft failed." in text
    assert "Checking safety" in text
    assert "Try again with the same case" in text


@pytest.mark.parametrize(("prompt", "label", "words", "evidence"), [
    (CASE, "Side", "right", "right"),
    (CASE, "Pain", "4 of 10, worst 5 of 10", "4/10 … 5/10"),
    ("10 days after total knee replacement, pain 5/10", "Operation", "a knee replacement, 10 days ago", None),
    ("3 weeks after total knee replacement, pain 5/10", "Operation", "a knee replacement, 3 weeks ago", None),
])  # fmt: skip
def test_a_chip_says_the_fact_and_where_it_was_read(prompt, label, words, evidence):
    shown = chips(asyncio.run(exercise_program.execute(MemoryRun(prompt)))["profile"], "en")
    chip = next(chip for chip in shown if chip.label == label)
    assert (chip.words, chip.known) == (words, True)
    assert evidence in (None, chip.evidence)


def test_what_the_case_does_not_say_is_a_chip_too():
    shown = chips({"regions": ["knee"], "unknowns": ["age"]}, "en")
    assert [(chip.label, chip.words) for chip in shown if not chip.known] == [("Age", "not stated")]
