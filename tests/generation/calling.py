"""Calls to models that tests begin with."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from generation.models import Clinic, ModelCall, Run, User


def make_call(owner: User | None, cost: str, *, at: datetime | None = None, **fields: Any) -> ModelCall:
    """A call that was answered and counted, for this many dollars, at this time."""
    made = ModelCall.objects.create(
        **{
            "run_uid": uuid.uuid4(),
            "attempt": 1,
            "kind": "exercise_program",
            "owner": owner,
            "server": "models.example",
            "model": "small",
            "prompt": "exercise_program-1",
            "outcome": ModelCall.Outcome.ANSWERED,
            "input_tokens": 1000,
            "output_tokens": 200,
            "cost_usd": Decimal(cost),
            "estimated": False,
            **fields,
        }
    )
    if at is not None:
        ModelCall.objects.filter(pk=made.pk).update(began_at=at)
    return made


def call_of(run: Run, cost: str, **fields: Any) -> ModelCall:
    ids = {"run_uid": run.uid, "batch_uid": run.batch_id, "clinic": run.clinic}
    return make_call(run.owner, cost, **ids, **fields)


def limit(clinic: Clinic, budget: str) -> None:
    clinic.daily_budget_usd = Decimal(budget)
    clinic.save(update_fields=("daily_budget_usd",))
