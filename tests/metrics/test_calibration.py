"""Ranges that claim 80 % hold 80 %, whatever the model does."""

import random

import pytest

from metrics.calibration import OWN, Calibrations, Levels
from metrics.distribution import at


def held(widening: float, steps: int = 4_000, seed: int = 1) -> float:
    """How often the range held in the last half, where truths spread this much wider than the estimator believes."""
    draw, found, inside = random.Random(seed), Calibrations(), 0
    believed = sorted(draw.lognormvariate(8, 0.5) for _ in range(500))
    for step in range(steps):
        levels = found.levels("k", "p", "m")
        low, high = at(believed, levels.lower), at(believed, levels.upper)
        true = draw.lognormvariate(8, 0.5 * widening)
        inside += step >= steps / 2 and low <= true <= high
        found.add("k", "p", "m", low, high, true)
    return inside / (steps / 2)


@pytest.mark.parametrize("widening", [0.4, 1.0, 1.6])
def test_the_share_that_holds_tends_to_eighty_percent(widening):
    assert held(widening) == pytest.approx(0.8, abs=0.03)


def test_without_the_correction_it_would_not():
    draw = random.Random(1)
    believed = sorted(draw.lognormvariate(8, 0.5) for _ in range(500))
    low, high = at(believed, 0.1), at(believed, 0.9)
    assert sum(low <= draw.lognormvariate(8, 0.8) <= high for _ in range(4_000)) / 4_000 < 0.7


def test_a_model_that_nobody_has_scored_has_the_levels_of_its_kind():
    found = Calibrations()
    for _ in range(30):
        found.add("k", "p", "old", 100, 200, 500)
    assert found.levels("k", "p", "new") == found.levels("k", "", "") != Levels()
    assert found.levels("other", "p", "new") == Levels()


def test_a_model_goes_its_own_way_when_it_has_been_scored_often_enough():
    found = Calibrations()
    for _ in range(400):
        found.add("k", "p", "old", 100, 200, 500)
    for _ in range(OWN + 20):
        found.add("k", "p", "new", 100, 200, 150)
    assert found.levels("k", "p", "new").upper < found.levels("k", "", "").upper


def test_levels_stay_clear_of_the_middle_and_of_the_ends():
    low, high = Levels(), Levels()
    for _ in range(5_000):
        low, high = low.after(100, 200, 50, 0.05), high.after(100, 200, 150, 0.05)
    assert low.lower == 0.005
    assert (high.lower, high.upper) == (0.4, 0.6)
