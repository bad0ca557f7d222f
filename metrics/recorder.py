"""How stages and runs that have ended become history: each row once, whoever writes it and however often."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import chain
from typing import Any

from django.db import connection
from django.db.models import BooleanField, CharField, IntegerField, Model

from metrics import prometheus
from metrics.models import GenerationMetric, RunMetric

# What the column holds: a stage that was cut off when its server was switched off for a month.
LONGEST_MS = 2**31 - 1
ROWS_AT_ONCE = 500
# What every database takes as Python has it; the fields' own way costs 30 µs a row more.
PLAIN = (BooleanField, CharField, IntegerField)
# A value and the connection, to what the column is given.
Prepare = Callable[[Any, Any], Any]


def record(**fields: Any) -> None:
    """Keep one stage of one attempt, once: a second call for the same one changes nothing. Takes what `stage` takes."""
    row = stage(**fields)
    if insert([row]):
        prometheus.stage_ended(row)


def record_run(**fields: Any) -> None:
    """Keep how a run ended, once. Takes what `ended_run` takes."""
    row = ended_run(**fields)
    if insert([row]):
        prometheus.run_ended(row)


def stage(
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
    size: int = 0,
    input_tokens: int = 0,
    output_tokens: int = 0,
    asked_ms: int = 0,
    whole: bool = True,
    cost_usd: Decimal | None = None,
    metadata: Mapping[str, Any] | None = None,
    ended_ms: int | None = None,
) -> GenerationMetric:
    """The row of one stage of one attempt, cut to what the columns hold.

    `outcome` is one of `GenerationMetric.Outcome`; `metadata` holds counts and codes, never text; `cost_usd` is None
    where nobody counted. `ended_ms` is in milliseconds since 1970; None is now.
    """
    return GenerationMetric(
        run_id=run_id,
        attempt=attempt,
        kind=kind,
        stage=stage,
        duration_ms=within(duration_ms),
        # A member of TextChoices is no plain text to psycopg.
        outcome=str(outcome),
        provider=provider[:40],
        model=model[:80],
        user_id=user_id,
        clinic_id=clinic_id,
        size=within(size),
        input_tokens=max(0, input_tokens),
        output_tokens=max(0, output_tokens),
        asked_ms=within(asked_ms),
        whole=whole,
        cost_usd=cost_usd,
        metadata=dict(metadata or {}),
        **ended_at(ended_ms),
    )


def ended_run(
    *,
    run_id: uuid.UUID,
    kind: str,
    outcome: str,
    attempts: int,
    duration_ms: int,
    provider: str = "",
    model: str = "",
    clinic_id: uuid.UUID | None = None,
    error_code: str = "",
    first_event_ms: int | None = None,
    first_item_ms: int | None = None,
    cancel_ms: int | None = None,
    input_tokens: int = 0,
    output_tokens: int = 0,
    cost_usd: Decimal | None = None,
    ended_ms: int | None = None,
) -> RunMetric:
    """The row of a run that has ended, cut to what the columns hold; `outcome` is one of `RunMetric.Outcome`.

    `ended_ms` is in milliseconds since 1970, None is now; the other times count from when the run was asked for,
    `cancel_ms` from when it was asked to stop.
    """
    return RunMetric(
        run_id=run_id,
        kind=kind,
        outcome=str(outcome),
        attempts=attempts,
        duration_ms=max(0, duration_ms),
        provider=provider[:40],
        model=model[:80],
        clinic_id=clinic_id,
        error_code=error_code[:40],
        # Machines whose clocks disagree must not make a run that can't be kept.
        first_event_ms=None if first_event_ms is None else max(0, first_event_ms),
        first_item_ms=None if first_item_ms is None else max(0, first_item_ms),
        cancel_ms=None if cancel_ms is None else max(0, cancel_ms),
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        cost_usd=cost_usd,
        **ended_at(ended_ms),
    )


def within(duration_ms: int) -> int:
    return min(max(0, duration_ms), LONGEST_MS)


def ended_at(ended_ms: int | None) -> dict[str, datetime]:
    return {} if ended_ms is None else {"created_at": datetime.fromtimestamp(ended_ms / 1000, UTC)}


def insert(rows: Sequence[GenerationMetric] | Sequence[RunMetric]) -> int:
    """Insert rows of one table that are not there yet; returns how many those were.

    Written out because it runs with every stage of every run: `bulk_create` takes nearly twice as long.
    """
    if not rows:
        return 0
    into, places, columns = shape(type(rows[0]))
    values = [[prepare(getattr(row, name), connection) for name, prepare in columns] for row in rows]
    new = 0
    with connection.cursor() as cursor:
        for start in range(0, len(values), ROWS_AT_ONCE):
            part = values[start : start + ROWS_AT_ONCE]
            statement = f"{into} VALUES {', '.join([places] * len(part))} ON CONFLICT DO NOTHING"
            cursor.execute(statement, list(chain.from_iterable(part)))
            new += cursor.rowcount
    return new


@cache
def shape(model: type[Model]) -> tuple[str, str, list[tuple[str, Prepare]]]:
    """The beginning of an INSERT, the places of a row in it, and each attribute with what makes it a column's value."""
    fields, quote = model._meta.concrete_fields, connection.ops.quote_name
    columns = ", ".join(quote(str(field.column)) for field in fields)
    prepared: list[tuple[str, Prepare]] = [
        (field.attname, as_it_is if isinstance(field, PLAIN) else field.get_db_prep_save) for field in fields
    ]
    return f"INSERT INTO {quote(model._meta.db_table)} ({columns})", f"({', '.join(['%s'] * len(fields))})", prepared


def as_it_is(value: Any, connection: Any) -> Any:
    return value
