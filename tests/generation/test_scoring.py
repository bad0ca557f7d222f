"""Forecasts that people were shown are kept with what was true."""

import pytest

from generation import runs, scoring, waiting
from generation.database import in_database
from generation.errors import ServerError
from generation.pipelines import PIPELINES
from generation.scoring import MOST, Sampler
from generation.wire import TERMINAL
from metrics.learning import learn
from metrics.models import Calibration, Forecast, GenerationMetric
from tests.faults.in_process import model_server, run_ended
from tests.generation.executing import executing, start, start_to_item, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library")]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    monkeypatch.setattr(scoring, "sampler", Sampler(scoring.RUNS_PER_SECOND))
    # So that tests need not wait for what takes longer.
    monkeypatch.setattr(scoring, "SEEN_MS", 0)


def kept(run) -> list[Forecast]:
    return list(Forecast.objects.filter(run_id=run.uid).order_by("elapsed_ms"))


async def test_what_was_shown_is_kept_when_the_run_has_succeeded(alice, settings):
    settings.COMPOSER_PACE_S = 0.05
    async with executing():
        run = await start(alice)
        log = await until(run, *TERMINAL)
    found = await in_database(lambda: kept(run))
    assert 1 < len(found) <= MOST
    shown = [
        tuple(event["data"]["eta"][name] for name in ("low_ms", "ms", "high_ms"))
        for event in log
        if event["data"].get("eta")
    ]
    assert {(each.low_ms, each.ms, each.high_ms) for each in found} <= set(shown)
    assert [each.stage for each in found][0] == ""
    assert {each.from_history for each in found} == {False}


async def test_what_was_true_is_the_time_from_then_to_the_end(alice, settings):
    settings.COMPOSER_PACE_S = 0.05
    async with executing():
        run = await start(alice)
        log = await until(run, *TERMINAL)
    took_ms = log[-1]["data"]["duration_ms"]
    for each in await in_database(lambda: kept(run)):
        assert each.elapsed_ms + each.true_ms == pytest.approx(took_ms, abs=50)


async def test_nothing_is_kept_of_a_run_that_failed(alice, monkeypatch):
    async def break_off(run):
        async with run.stage(PIPELINES["exercise_program"].STAGES[0]):
            raise ServerError

    monkeypatch.setattr(PIPELINES["exercise_program"], "execute", break_off)
    async with executing():
        run = await start(alice)
        await until(run, *TERMINAL)
    assert await in_database(lambda: kept(run)) == []


async def test_nothing_is_kept_of_a_run_that_people_let_rest(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await start_to_item(alice)
        await in_database(lambda: runs.pause(alice, run.uid))
        await until(run, "paused")
        settings.COMPOSER_PACE_S = 0
        await in_database(lambda: runs.resume(alice, run.uid))
        log = await until(run, *TERMINAL)
    assert log[-1]["event"] == "complete"
    assert await in_database(lambda: kept(run)) == []


async def test_a_forecast_that_cannot_be_read_fails_no_run(alice, monkeypatch):
    from django.db import OperationalError

    def refuse(*args):
        raise OperationalError

    monkeypatch.setattr(scoring, "shown", refuse)
    async with executing():
        run = await start(alice)
        log = await until(run, *TERMINAL)
    assert log[-1]["event"] == "complete"


async def test_kept_forecasts_are_scored_when_the_run_is_learned(alice):
    async with executing():
        first = await start(alice)
        await until(first, *TERMINAL)
    await in_database(lambda: Forecast.objects.update(from_history=True))
    while await in_database(lambda: learn(1000)):
        pass
    scored = await in_database(lambda: Calibration.objects.get(kind="exercise_program", provider="composer").scored)
    # How long it waited for its turn is no forecast of its work.
    assert scored == len([each for each in await in_database(lambda: kept(first)) if each.stage])


async def test_of_a_time_that_nobody_could_read_nothing_is_kept(alice, monkeypatch):
    monkeypatch.setattr(scoring, "SEEN_MS", 60_000)
    async with executing():
        run = await start(alice)
        await until(run, *TERMINAL)
    assert await in_database(lambda: kept(run)) == []


async def test_what_was_foretold_of_a_model_is_not_kept_for_the_composer_that_took_over(alice):
    async with model_server("breaks-after-2") as server:
        ended = await run_ended(alice, server, engine="auto")
    assert ended.fell_back
    assert await in_database(lambda: kept(ended.run)) == []


async def test_a_run_that_the_composer_took_over_is_estimated_as_the_composers(alice):
    async with model_server("breaks-after-2") as server:
        ended = await run_ended(alice, server, engine="auto")
        await in_database(ended.run.refresh_from_db)
        ended.run.status, ended.run.stage = "running", "storing"
        assert ended.run.course["by_rule"]
        estimate = await in_database(lambda: waiting.remaining_of(ended.run))
    assert estimate is None or estimate.ms < 1_000


async def test_a_stage_that_the_composer_took_over_is_no_measure(alice):
    async with model_server("breaks-after-2") as server:
        ended = await run_ended(alice, server, engine="auto")
    rows = await in_database(lambda: {row.stage: row for row in GenerationMetric.objects.filter(run_id=ended.run.uid)})
    assert [code for code, row in rows.items() if not row.whole] == ["generating"]


async def test_forecasts_outlive_their_run(alice):
    async with executing():
        run = await start(alice)
        await until(run, *TERMINAL)
        await in_database(lambda: runs.delete(alice, run.uid))
    assert await in_database(lambda: kept(run))


def test_a_busy_process_keeps_those_of_some_runs_only():
    sampler = Sampler(5)
    assert sum(sampler.take() for _ in range(1_000)) < 10
