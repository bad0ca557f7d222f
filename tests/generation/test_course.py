"""What a run knows of its own course, and whether history counts in the same measure."""

import asyncio
import json

import pytest

from generation import handle as handles
from generation.course import MOST_MARKS, Course, remaining
from generation.database import in_database
from generation.events import Line
from generation.handle import Handle
from generation.models import Event
from generation.pipelines.base import StageSpec
from generation.providers.base import Task, Usage
from generation.providers.model import ModelWriter
from metrics.learning import observation
from metrics.models import GenerationMetric
from metrics.outlook import Outlook
from metrics.profiles import Observation, Profiles
from tests.generation.factories import held_run

TEXT = '{"exercises": [{"slug": "chair-stand", "reason": "Støtter heling"}]} ' * 10
STAGE = StageSpec("generating", 40, {"en": "Putting the program together"})
TASK = Task("exercise_program", {}, {}, "v1", "", {}, "en")
ESTIMATED, COUNTED = 6_400, 7_250


@pytest.mark.parametrize("length", [1, 3, 7, 1_000])
def test_tokens_are_as_many_however_the_text_is_cut(length):
    whole, cut = Course(), Course()
    whole.heard(TEXT)
    for start in range(0, len(TEXT), length):
        cut.heard(TEXT[start : start + length])
    assert cut.tokens == whole.tokens > 0


def test_a_mark_tells_only_of_more_than_before():
    course = Course()
    for done in (0.2, 0.2, 0.1, 0.4):
        course.mark(done)
    assert [mark.done for mark in course.marks] == [0.2, 0.4]


def test_a_pipeline_that_counts_without_end_leaves_few_marks():
    course = Course()
    for step in range(1, 1_000):
        course.mark(step / 1_000)
    assert len(course.marks) == MOST_MARKS


def test_a_stage_begins_with_nothing_written_but_keeps_what_is_the_run_s():
    course = Course()
    course.size, course.asked_ms = 500, 2_000
    course.heard(TEXT)
    course.mark(0.5)
    course.begin()
    assert course.facts() == {"size": 500, "asked_ms": 2_000}


def test_the_estimate_is_the_same_where_the_facts_are_read_from_the_row():
    course, profiles = Course(), Profiles()
    course.size = 500
    course.heard(TEXT)
    course.mark(0.5)
    seen = Observation("k", "generating", "p", "m", 500, 20_000, True, 500, 0, course.marks)
    profiles.observe([seen] * 10)
    look = Outlook("k", ("generating",), "p", "m", profiles.found)
    here = remaining(look, "generating", 4_000, course.facts())
    assert here == remaining(look, "generating", 4_000, json.loads(json.dumps(course.facts())))
    assert here != remaining(look, "generating", 4_000, {"size": 500})


def asking(alice) -> Handle:
    run, log = held_run(alice)
    return Handle(run, log, ModelWriter("m"), [STAGE.code], {})


@pytest.fixture
async def row(alice) -> GenerationMetric:
    """Of a stage that wrote TEXT: we took the request for ESTIMATED tokens, and the server counted otherwise."""
    handle = await in_database(lambda: asking(alice))
    async with handle.stage(STAGE):
        await handle.calls.begin(handle.provider, TASK, Usage(ESTIMATED, 0, estimated=True))
        handle.calls.heard(TEXT)
        handle.course.heard(TEXT)
        handle.calls.end(Usage(COUNTED, 3 * handle.course.tokens))
    await handle.log.commit(Line("warning", {}))
    return await in_database(lambda: GenerationMetric.objects.get(run_id=handle.run.uid))


@pytest.mark.django_db(transaction=True)
async def test_a_stage_is_learned_by_the_size_that_live_runs_ask_with(row):
    assert observation(row).size == ESTIMATED


@pytest.mark.django_db(transaction=True)
async def test_what_is_learned_of_lengths_is_counted_as_live_runs_count(row):
    course = Course()
    course.heard(TEXT)
    assert observation(row).output_tokens == course.tokens
    assert row.output_tokens == 3 * course.tokens


@pytest.mark.django_db(transaction=True)
async def test_the_estimate_goes_on_while_the_bar_rests(alice, monkeypatch):
    monkeypatch.setattr(handles, "PROGRESS_EVERY_S", 0.01)
    monkeypatch.setattr(handles, "RESTING_EVERY_S", 0.05, raising=False)
    handle = await in_database(lambda: asking(alice))
    async with handle.stage(STAGE):
        for _ in range(10):
            await asyncio.sleep(0.02)
            handle.progress(60)
        await handle.log.commit(Line("warning", {}))
        told = await in_database(lambda: list(Event.objects.filter(run=handle.run, name="progress")))
    assert 3 <= len(told) <= 6
