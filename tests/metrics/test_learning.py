"""What has ended is learned once, in rounds, by however many processes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from metrics import estimator
from metrics.estimator import outlook
from metrics.learning import learn
from metrics.models import Calibration, DailySummary, Forecast, GenerationMetric, Learning, RunMetric, StageProfile
from tests.metrics.rows import forecasts, metrics, run_metric
from tests.metrics.seen import STAGES

pytestmark = pytest.mark.django_db


def profiles() -> dict:
    build = Learning.objects.get().build
    return {
        (row.kind, row.stage, row.provider, row.model, row.size): row.state
        for row in StageProfile.objects.filter(build=build)
    }


def test_where_nothing_has_ended_nothing_is_written():
    assert learn() == 0
    assert not Learning.objects.exists()


def test_each_row_is_learned_once():
    GenerationMetric.objects.bulk_create(metrics(20))
    rows = GenerationMetric.objects.count()
    assert learn(1000) == rows
    before = profiles()
    assert learn(1000) == 0
    assert profiles() == before
    assert not GenerationMetric.objects.filter(learned=None).exists()


def test_a_round_takes_the_oldest_first_and_leaves_the_rest_for_the_next():
    GenerationMetric.objects.bulk_create(metrics(20))
    assert learn(10) == 10
    taken = GenerationMetric.objects.exclude(learned=None)
    left = GenerationMetric.objects.filter(learned=None)
    assert taken.order_by("-created_at").first().created_at <= left.order_by("created_at").first().created_at


def test_many_small_rounds_learn_what_a_large_one_does():
    GenerationMetric.objects.bulk_create(metrics(40))
    while learn(7):
        pass
    small = profiles()
    StageProfile.objects.all().delete()
    GenerationMetric.objects.update(learned=None)
    learn(1000)
    large = profiles()
    assert small.keys() == large.keys()
    for key, state in large.items():
        assert small[key].keys() == state.keys()
        for name in ("duration", "tokens", "pace", "share"):
            if name in state:
                assert small[key][name]["bins"] == state[name]["bins"]
                assert small[key][name]["weights"] == pytest.approx(state[name]["weights"], rel=1e-6)


def test_what_was_learned_is_what_is_expected():
    GenerationMetric.objects.bulk_create(metrics(60))
    assert not outlook("k", STAGES, "p", "a").remaining().from_history
    learn(1000)
    estimator.forget()
    assert outlook("k", STAGES, "p", "a").remaining().from_history


def test_an_outlook_is_kept_for_a_while(django_assert_num_queries):
    outlook("k", STAGES, "p", "a")
    with django_assert_num_queries(0):
        outlook("k", STAGES, "p", "a")


def test_a_kind_without_history_reads_no_other_kinds_profiles():
    GenerationMetric.objects.bulk_create(metrics(30))
    learn(1000)
    assert not outlook("other", STAGES, "p", "a").remaining().from_history


def test_what_was_left_of_a_stage_is_not_taken_for_the_stage():
    rows = metrics(10)
    for row in rows:
        row.whole = False
    GenerationMetric.objects.bulk_create(rows)
    assert learn(1000) == len(rows)
    assert profiles() == {}


def test_forecasts_of_a_run_that_ended_move_the_levels_of_its_model_and_kind():
    run = run_metric()
    Forecast.objects.bulk_create(forecasts(run, [(100, 200, 500)] * 50))
    run.save()
    learn()
    found = {(row.kind, row.provider, row.model): row for row in Calibration.objects.all()}
    assert set(found) == {("k", "", ""), ("k", "p", "m")}
    assert all(row.upper > 0.9 and row.scored == 50 for row in found.values())


def test_learning_counts_the_days():
    run_metric().save()
    GenerationMetric.objects.bulk_create(metrics(10))
    learn(1000)
    assert DailySummary.objects.filter(stage="").exists()
    assert DailySummary.objects.exclude(stage="").exists()
    assert not RunMetric.objects.filter(learned=None).exists()


def test_a_round_that_breaks_off_has_learned_nothing(monkeypatch):
    GenerationMetric.objects.bulk_create(metrics(10))
    run_metric().save()
    monkeypatch.setattr("metrics.summaries.add", lambda stages, runs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        learn()
    assert not StageProfile.objects.exists()
    assert not GenerationMetric.objects.exclude(learned=None).exists()


@pytest.mark.django_db(transaction=True)
def test_several_that_learn_at_once_learn_each_row_once():
    GenerationMetric.objects.bulk_create(metrics(60))
    rows = GenerationMetric.objects.count()

    def learn_all(_: int) -> int:
        try:
            return sum(learn(7) for _ in range(rows))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(learn_all, range(4))) == rows
    at_once = profiles()
    StageProfile.objects.all().delete()
    GenerationMetric.objects.update(learned=None)
    learn(1000)
    assert {key: state.get("recent") for key, state in at_once.items()} == {
        key: state.get("recent") for key, state in profiles().items()
    }
