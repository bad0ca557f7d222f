"""When a model server is asked again, and what a call costs."""

import pytest

from generation.errors import ModelError, ModelInterrupted, ModelRateLimited, ModelRejected, ModelResting
from generation.providers.model import FIRST_WAIT_S, RETRIES, ModelWriter, waiting


def test_waits_grow_twofold_and_are_spread():
    for failures in range(RETRIES):
        waits = [waiting(ModelError(), failures) for _ in range(200)]
        most = FIRST_WAIT_S * 2**failures
        assert most / 2 <= min(waits) < most * 0.6
        assert most * 0.9 < max(waits) <= most


def test_a_server_that_says_how_long_is_given_that_and_a_little_more(settings):
    settings.MODEL_MAX_WAIT_S = 30
    waits = [waiting(ModelRateLimited(retry_after_s=30), 1) for _ in range(50)]
    assert 30.5 <= min(waits) < max(waits) <= 31
    assert waiting(ModelRateLimited(retry_after_s=31), 0) is None


def test_what_asking_again_can_not_mend_is_not_waited_for():
    assert waiting(ModelRejected(retry_after_s=1), 0) is None
    assert waiting(ModelResting(), 0) is None
    assert waiting(ModelInterrupted(), 0) is not None


def test_prices_are_dollars_for_a_million_tokens(settings):
    settings.MODEL_PRICES = {"small": (0.15, 0.6)}
    assert ModelWriter("small").cost(1_000_000, 500_000) == pytest.approx(0.45)
    assert ModelWriter("unknown").cost(1_000_000, 500_000) == 0
