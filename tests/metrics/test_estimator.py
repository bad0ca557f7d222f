"""What remains is told from the recent past, or said to be a default."""

import uuid

import pytest

from metrics import estimator
from metrics.estimator import Spread, estimate, remaining
from metrics.models import GenerationMetric
from metrics.recorder import record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _forget():
    estimator.forget()


def history(stage: str, *durations: int, outcome: str = "succeeded") -> None:
    for duration in durations:
        record(
            run_id=uuid.uuid4(),
            attempt=1,
            kind="k",
            stage=stage,
            duration_ms=duration,
            outcome=outcome,
            provider="p",
        )


def test_without_history_it_says_that_it_is_a_default():
    assert estimate("k", ["a", "b"], "p")["basis"] == "default"


def test_five_durations_are_history():
    history("a", 100, 200, 300, 400, 500)
    assert estimate("k", ["a"], "p") == {"ms": 300, "low_ms": 140, "high_ms": 460, "basis": "history"}


def test_stages_without_history_make_the_whole_a_default():
    history("a", 100, 200, 300, 400, 500)
    assert estimate("k", ["a", "b"], "p")["basis"] == "default"


def test_only_the_last_fifty_count():
    history("a", *[10] * 50, *[1000] * 50)
    assert estimate("k", ["a"], "p")["ms"] == 1000


def test_cancelled_and_failed_stages_are_no_durations():
    history("a", *[100] * 5)
    history("a", *[1] * 20, outcome="cancelled")
    history("a", *[1] * 20, outcome="failed")
    assert estimate("k", ["a"], "p")["ms"] == 100


def test_what_has_passed_is_taken_off_and_never_goes_below_zero():
    stage = Spread(100, 300, 500, True)
    assert remaining([stage], 200) == {"ms": 100, "low_ms": 0, "high_ms": 300, "basis": "history"}


def test_past_its_ninetieth_percentile_nothing_is_claimed():
    assert remaining([Spread(100, 300, 500, True), Spread(1, 2, 3, True)], 501) is None


def test_at_the_end_nothing_remains():
    assert remaining([])["ms"] == 0


def test_a_stage_of_an_attempt_is_kept_once():
    run_id = uuid.uuid4()
    for duration in (10, 20):
        record(run_id=run_id, attempt=1, kind="k", stage="a", duration_ms=duration, outcome="succeeded")
    assert list(GenerationMetric.objects.values_list("duration_ms", flat=True)) == [10]
