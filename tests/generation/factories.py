"""Rows that tests begin with."""

import uuid
from typing import Any

from generation.events import Log
from generation.models import Batch, Run, User
from generation.models.runs import Status
from tests.support.fold import made_up

CASE = (
    "68 yo woman, right knee OA, pain 4/10 on stairs, 5/10 worst, 8 months, wants to climb stairs and walk 30 min, "
    "has a chair and stairs, no falls, BP controlled."
)


def make_run(owner: User, **fields: Any) -> Run:
    made = Run.objects.create(**{"kind": "exercise_program", "owner": owner, "input": {"prompt": CASE}, **fields})
    made_up.add(made.uid)
    return made


def held_run(owner: User, **fields: Any) -> tuple[Run, Log]:
    """A running run, and the right to append to its log."""
    run = make_run(owner, **{"status": Status.RUNNING, "epoch": 1, "holder": uuid.uuid4(), **fields})
    return run, Log(run.pk, str(run.uid), run.epoch, 0)


def make_batch(owner: User, *states: str, max_parallel: int = 2, **fields: Any) -> Batch:
    """A batch with a run in each of these states, row by row."""
    batch = Batch.objects.create(kind="exercise_program", owner=owner, max_parallel=max_parallel)
    for row, status in enumerate(states):
        make_run(owner, batch=batch, row=row, status=status, **fields)
    return batch
