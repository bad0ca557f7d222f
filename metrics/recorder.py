"""How a stage's duration becomes history."""

import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from metrics.models import GenerationMetric

# What the column holds: a stage that was lost when its server was switched off for a month.
LONGEST_MS = 2**31 - 1


def record(
    *,
    run_id: uuid.UUID,
    attempt: int,
    kind: str,
    stage: str,
    duration_ms: int,
    outcome: str,
    provider: str = "",
    model: str = "",
    user_id: uuid.UUID | None = None,
    clinic_id: uuid.UUID | None = None,
    input_tokens: int = 0,
    cost_usd: Decimal | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> None:
    """Keep one stage of one attempt, once: a second call for the same one changes nothing.

    `outcome` is one of `GenerationMetric.Outcome`; `metadata` holds counts and codes, never text;
    `cost_usd` is None where nobody counted.
    """
    GenerationMetric.objects.bulk_create(
        [
            GenerationMetric(
                run_id=run_id,
                attempt=attempt,
                kind=kind,
                stage=stage,
                duration_ms=min(max(0, duration_ms), LONGEST_MS),
                outcome=outcome,
                provider=provider,
                model=model,
                user_id=user_id,
                clinic_id=clinic_id,
                input_tokens=input_tokens,
                cost_usd=cost_usd,
                metadata=dict(metadata or {}),
            )
        ],
        ignore_conflicts=True,
    )
