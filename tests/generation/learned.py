"""What runs of a test's past took."""

import uuid
from typing import Any

from generation import waiting
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers.composer import Composer
from metrics import estimator
from metrics.learning import learn
from metrics.models import Forecast, GenerationMetric

KIND = "exercise_program"
WRITER = {"provider": Composer.name, "model": Composer.model}


def learned(*durations_ms: int, stage: str = "generating", **fields: Any) -> None:
    """A run for each duration has been through this stage, and through the others in a millisecond each."""
    for duration_ms in durations_ms:
        run_id = uuid.uuid4()
        for code in stage_codes(PIPELINES[KIND]):
            took = duration_ms if code == stage else 1
            GenerationMetric.objects.create(
                run_id=run_id, attempt=1, kind=KIND, stage=code, duration_ms=took, outcome="succeeded",
                **WRITER | fields,
            )  # fmt: skip
    while learn():
        pass
    estimator.forget()
    waiting.forget()


def forecast(true_ms: int = 1_000, **fields: Any) -> Forecast:
    """A kept estimate of 1,000 ms, from 500 to 2,000."""
    told = {"run_id": uuid.uuid4(), "kind": KIND, "elapsed_ms": 0, "from_history": True} | WRITER
    return Forecast.objects.create(
        **{**told, "low_ms": 500, "ms": 1_000, "high_ms": 2_000, **fields, "true_ms": true_ms}
    )
