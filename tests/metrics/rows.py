"""Rows of history, made up, as they lie in the database."""

import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from metrics.models import Forecast, GenerationMetric, RunMetric
from tests.metrics.seen import STAGES

FIRST = datetime(2026, 6, 1, tzinfo=UTC)


def metrics(runs: int, seed: int = 1, *, kind: str = "k", first: datetime = FIRST) -> list[GenerationMetric]:
    """Stages of runs by three models, one in fifteen cut off, one in twenty lost or only the rest of a stage."""
    draw = random.Random(seed)
    found = []
    for turn in range(runs):
        run_id, model, size = uuid.UUID(int=draw.getrandbits(128)), draw.choice("abc"), draw.choice([0, 300, 2_000])
        at, asked_ms = first + timedelta(minutes=turn), 0
        for stage in STAGES:
            tokens = draw.randint(50, 3_000) if stage == "generating" else 0
            took = round(tokens * draw.uniform(10, 40)) if tokens else draw.randint(1, 400)
            at += timedelta(milliseconds=took)
            cut_off = draw.random() < 1 / 15
            found.append(
                GenerationMetric(
                    run_id=run_id,
                    attempt=1,
                    kind=kind,
                    stage=stage,
                    duration_ms=took,
                    outcome=draw.choice(["failed", "cancelled", "lost"]) if cut_off else "succeeded",
                    provider="p",
                    model=model,
                    size=size,
                    output_tokens=0 if cut_off else tokens,
                    asked_ms=asked_ms,
                    whole=draw.random() > 1 / 20,
                    metadata={"heard": tokens + 3, "marks": [[0.5, took / 2, tokens // 2]]} if tokens else {},
                    created_at=at,
                )
            )
            asked_ms += took if tokens else 0
            if cut_off:
                break
    return found


def run_metric(**fields) -> RunMetric:
    given = {"kind": "k", "provider": "p", "model": "m", "outcome": "succeeded", "attempts": 1, "duration_ms": 1_000}
    return RunMetric(**{"run_id": uuid.uuid4(), "created_at": FIRST} | given | fields)


def forecasts(run: RunMetric, truths: Sequence[tuple[int, int, int]]) -> list[Forecast]:
    """Forecasts of this run, each a low and a high end and what was true."""
    return [
        Forecast(
            run_id=run.run_id,
            kind=run.kind,
            provider=run.provider,
            model=run.model,
            stage="generating",
            elapsed_ms=place,
            low_ms=low,
            ms=(low + high) // 2,
            high_ms=high,
            from_history=True,
            true_ms=true,
            created_at=run.created_at,
        )
        for place, (low, high, true) in enumerate(truths)
    ]
