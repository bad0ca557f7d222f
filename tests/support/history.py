"""A plausible past of many runs, in whatever database Django is set up with.

As a program it makes some in the database of a server under test: python -m tests.support.history RUNS [DAYS]
"""

import random
import sys
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metrics.models import Forecast, GenerationMetric, RunMetric

# Median seconds of each stage of a run whose model is of middling speed.
STAGES = {
    "started": 0.4,
    "fetching-exercises": 1.5,
    "generating": 18.0,
    "validating": 0.9,
    "storing": 0.05,
    "complete": 0.02,
}
KINDS = ("exercise_program", "procedure")
# How much slower than the middling one, and dollars for a million tokens written; None for who has no price.
MODELS = {
    ("composer", ""): (0.02, None),
    ("llm", "small"): (0.6, 0.6),
    ("llm", "middle"): (1.0, 2.5),
    ("llm", "large"): (1.9, 10.0),
}
CODES = ("PROVIDER_TIMEOUT", "PROVIDER_ERROR", "OUTPUT_INVALID", "WORKER_LOST")
AT_ONCE = 2_000

Past = tuple["RunMetric", list["GenerationMetric"], list["Forecast"]]


def past(runs: int, clinics: Sequence[uuid.UUID | None], days: int = 90, seed: int = 1) -> Iterator[Past]:
    """Runs with their stages and forecasts, the oldest first, all of them learned and none of them saved."""
    from metrics.models import Forecast, GenerationMetric, RunMetric

    dice = random.Random(seed)
    end = datetime.now(UTC)
    begin = end - timedelta(days=days) + timedelta(hours=1)
    for number in range(runs):
        at = begin + (end - begin) * (number / runs)
        (provider, model), (slowness, price) = dice.choice(list(MODELS.items()))
        told = {
            "run_id": uuid.UUID(int=dice.getrandbits(128), version=4),
            "kind": KINDS[dice.random() < 0.25],
            "provider": provider,
            "model": model,
            "clinic_id": dice.choice(clinics),
            "created_at": at,
        }
        outcome = dice.choices(("succeeded", "failed", "cancelled"), (92, 5, 3))[0]
        reached = len(STAGES) if outcome == "succeeded" else dice.randint(1, len(STAGES))
        written = dice.randint(300, 1500) if model else 0
        stages = [
            GenerationMetric(
                **told,
                attempt=1,
                stage=stage,
                duration_ms=int(1000 * median * slowness * dice.lognormvariate(0, 0.4)),
                outcome="succeeded" if place < reached else outcome,
                output_tokens=written if stage == "generating" else 0,
                learned=1,
            )
            for place, (stage, median) in enumerate(list(STAGES.items())[:reached], start=1 + (outcome != "succeeded"))
        ]
        waited = int(dice.expovariate(1 / 300))
        total = waited + sum(stage.duration_ms for stage in stages)
        run = RunMetric(
            **told,
            outcome=outcome,
            error_code=dice.choices(CODES, (6, 4, 2, 0.02))[0] if outcome == "failed" else "",
            attempts=1,
            duration_ms=total,
            first_event_ms=waited,
            first_item_ms=waited + total // 3 if reached > 2 else None,
            cancel_ms=dice.randint(20, 1800) if outcome == "cancelled" else None,
            input_tokens=written * 2,
            output_tokens=written,
            cost_usd=None if price is None else Decimal(round(written * price)) / 1_000_000,
            learned=1,
        )
        yield (
            run,
            stages,
            [
                Forecast(
                    **told,
                    elapsed_ms=elapsed,
                    low_ms=int(guess * 0.55),
                    ms=int(guess),
                    high_ms=int(guess * 1.8),
                    from_history=True,
                    true_ms=total - elapsed,
                )
                for elapsed in (0, total // 2)
                for guess in ((total - elapsed) * dice.lognormvariate(0, 0.42),)
                if outcome == "succeeded"
            ],
        )


def save(made: Iterator[Past]) -> int:
    """Save them, not summed up; returns the number of stages."""
    from metrics.models import Forecast, GenerationMetric, RunMetric

    saved = 0
    while some := list(islice(made, AT_ONCE)):
        stages = [stage for _, stages, _ in some for stage in stages]
        RunMetric.objects.bulk_create(run for run, _, _ in some)
        GenerationMetric.objects.bulk_create(stages)
        Forecast.objects.bulk_create(forecast for _, _, forecasts in some for forecast in forecasts)
        saved += len(stages)
    return saved


def main(words: list[str]) -> None:
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import transaction

    from generation.models import Clinic

    clinics = [*Clinic.objects.values_list("pk", flat=True), None]
    with transaction.atomic():
        save(past(int(words[0]), clinics, *map(int, words[1:])))
    call_command("backfill_summaries")


if __name__ == "__main__":
    main(sys.argv[1:])
