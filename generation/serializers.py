"""What comes in is checked here, field by field; what goes out has its shape here."""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import structlog
from django.conf import settings
from rest_framework import serializers

from generation import batches, spending, waiting
from generation.errors import Invalid
from generation.fields import CannotOpen
from generation.models import Batch, Program, ProgramVersion, Run, User
from generation.models.runs import Status
from generation.providers import ENGINES
from generation.record_numbers import masked

logger = structlog.get_logger(__name__)

_NAME = re.compile(r"[a-z_]{1,40}")
NO_CHOICE: dict[str, Any] = {"invalid_choice": "This is not one of the choices."}


class StrictSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A field that is not listed is an error, not noise."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            # Only what looks like a name is repeated: a case typed into the wrong place must not come back.
            named = {name if _NAME.fullmatch(name) else "unknown" for name in unknown}
            raise serializers.ValidationError({name: ["This field is not known here."] for name in sorted(named)[:20]})
        return super().to_internal_value(data)


class Text(serializers.CharField):
    """Text in JSON, not a number."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class RunInput(StrictSerializer):
    language = serializers.ChoiceField(choices=("en", "da"), required=False, error_messages=NO_CHOICE)
    engine = serializers.ChoiceField(choices=ENGINES, default="auto", error_messages=NO_CHOICE)


class ExerciseProgramInput(RunInput):
    prompt = serializers.CharField(min_length=20, max_length=4000)
    mrn = serializers.CharField(max_length=64, required=False, allow_blank=True)
    clinic_id = serializers.UUIDField(required=False, allow_null=True)
    follows = serializers.UUIDField(required=False, allow_null=True)


INPUTS: dict[str, type[RunInput]] = {
    "exercise_program": ExerciseProgramInput,
}


class StartRequest(StrictSerializer):
    kind = serializers.ChoiceField(choices=sorted(INPUTS), error_messages=NO_CHOICE)
    input = serializers.DictField()


class BatchRequest(StrictSerializer):
    kind = serializers.ChoiceField(choices=sorted(INPUTS), error_messages=NO_CHOICE)
    inputs = serializers.ListField(child=serializers.DictField(), allow_empty=False)
    max_parallel = serializers.IntegerField(min_value=1, max_value=100, required=False)

    def to_internal_value(self, data: Any) -> Any:
        # Before the rows are looked at: what is wrong with each of them would make megabytes.
        rows = data.get("inputs") if isinstance(data, Mapping) else None
        if isinstance(rows, list) and len(rows) > settings.MAX_BATCH_ROWS:
            raise serializers.ValidationError({"inputs": [f"At most {settings.MAX_BATCH_ROWS} rows at a time."]})
        return super().to_internal_value(data)


class Corrections(StrictSerializer):
    corrections = serializers.DictField(allow_empty=False)


class RecordNumber(StrictSerializer):
    mrn = Text(max_length=64)


class TicketRequest(StrictSerializer):
    """Exactly one of the two."""

    run = serializers.CharField(required=False)
    batch = serializers.CharField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if len(attrs) != 1:
            raise serializers.ValidationError({"run": ["Name a run or a batch."]})
        return attrs


class RunFilter(StrictSerializer):
    """The query of `GET /api/runs`; `cursor` and `page_size` belong to the paginator."""

    kind = serializers.CharField(required=False)
    status = serializers.ChoiceField(choices=Status.choices, required=False, error_messages=NO_CHOICE)
    clinic = serializers.UUIDField(required=False)
    batch = serializers.UUIDField(required=False)
    created_after = serializers.DateTimeField(required=False)
    created_before = serializers.DateTimeField(required=False)
    cursor = serializers.CharField(required=False)
    page_size = serializers.IntegerField(min_value=1, required=False)

    LOOKUPS = {
        "kind": "kind",
        "status": "status",
        "clinic": "clinic",
        "batch": "batch",
        "created_after": "created_at__gt",
        "created_before": "created_at__lt",
    }

    def conditions(self) -> dict[str, Any]:
        values = self.validated_data
        return {lookup: values[name] for name, lookup in self.LOOKUPS.items() if name in values}


def cleaned(kind: str, data: Any) -> dict[str, Any]:
    """The validated input of a kind, JSON-able. Raises Invalid with the fields at fault."""
    serializer = INPUTS[kind](data=data)
    if not serializer.is_valid():
        raise Invalid(fields=serializer.errors)
    values = {key: value for key, value in serializer.validated_data.items() if value not in (None, "")}
    return {key: str(value) if isinstance(value, uuid.UUID) else value for key, value in values.items()}


def start_request(data: Any) -> tuple[str, dict[str, Any]]:
    """`{"kind", "input"}` → the kind and its validated input. Raises Invalid."""
    request = StartRequest(data=data)
    if not request.is_valid():
        raise Invalid(fields=request.errors)
    kind = request.validated_data["kind"]
    return kind, cleaned(kind, request.validated_data["input"])


def batch_request(data: Any) -> tuple[str, list[dict[str, Any]], int | None]:
    """`{"kind", "inputs", "max_parallel"?}` → the kind, its validated inputs, the number.

    Raises Invalid; what is wrong with the rows is under `inputs`, by the index of the row.
    """
    request = BatchRequest(data=data)
    if not request.is_valid():
        raise Invalid(fields=request.errors)
    values, kind = request.validated_data, request.validated_data["kind"]
    inputs, faults = [], {}
    for row, given in enumerate(values["inputs"]):
        try:
            inputs.append(cleaned(kind, given))
        except Invalid as error:
            faults[str(row)] = error.fields
    if faults:
        raise batches.bad_rows(faults)
    return kind, inputs, values.get("max_parallel")


def ticket_request(data: Any) -> tuple[str, str]:
    """`{"run": id}` or `{"batch": id}` → which of them, and its id. Raises Invalid."""
    request = TicketRequest(data=data)
    if not request.is_valid():
        raise Invalid(fields=request.errors)
    ((name, value),) = request.validated_data.items()
    return name, value


def iso(moment: datetime | None) -> str | None:
    """ISO 8601 in UTC with milliseconds."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def opened(row: Run | Program | ProgramVersion, name: str) -> Any:
    """An encrypted value, or None where its key is gone: one such row must not take a whole list with it."""
    try:
        return getattr(row, name)
    except CannotOpen:
        logger.error("value_unreadable", row=str(row), field=name)
        return None


def shown_input(run: Run) -> dict[str, Any] | None:
    """The input with its record number masked: to see it in full is a request of its own, and audited."""
    given: dict[str, Any] | None = opened(run, "input")
    return given | {"mrn": masked(given["mrn"])} if given and "mrn" in given else given


def snapshot(run: Run) -> dict[str, Any]:
    """The run as wire.md 1.1 shows it. Reads the database for the estimate of a live run."""
    run_id, base = str(run.uid), f"/api/runs/{run.uid}"
    return {
        "id": run_id,
        "kind": run.kind,
        "status": run.status,
        "stage": run.stage or None,
        "progress": run.progress,
        "eta": waiting.eta_of(run),
        "position": waiting.position_of(run),
        "input": shown_input(run),
        "result": opened(run, "result"),
        "error": run.error,
        "quality_score": run.quality_score,
        "usage": {
            "input_tokens": run.input_tokens,
            "output_tokens": run.output_tokens,
            "cost_usd": float(run.cost_usd),
        },
        "model": run.model or None,
        "provider": run.provider or None,
        "clinic": str(run.clinic_id) if run.clinic_id else None,
        "batch": str(run.batch_id) if run.batch_id else None,
        "parent": str(run.parent.uid) if run.parent else None,
        "attempt": run.attempt,
        "last_seq": run.last_seq,
        "created_at": iso(run.created_at),
        "started_at": iso(run.started_at),
        "finished_at": iso(run.finished_at),
        "cancelled_by": run.cancelled_by or None,
        "urls": {
            "self": base,
            "stream": f"{base}/stream",
            "events": f"{base}/events",
            "socket": f"/ws/runs/{run_id}/",
            "cancel": f"{base}/cancel",
            "page": f"/runs/{run_id}/",
        },
    }


def child_snapshot(run: Run) -> dict[str, Any]:
    """A run of a batch, without the case and what came of it."""
    return {name: value for name, value in snapshot(run).items() if name not in ("input", "result")}


def aggregates(batch: Batch, found: Sequence[Run], actor: User) -> dict[str, Any]:
    """What is said of a batch as a whole to this person, from the runs of its rows that they see."""
    return {
        "counts": batches.counts_of(found),
        "progress": batches.progress_of(found),
        "eta": batches.eta_of(found),
        "usage": spending.of_batch(batch, actor),
    }


def batch_snapshot(batch: Batch, found: Sequence[Run], actor: User) -> dict[str, Any]:
    """The batch as wire.md 1.1 shows it to this person, from the runs of its rows that they see."""
    return {
        "id": str(batch.pk),
        "kind": batch.kind,
        "status": batches.status_of(found),
        **aggregates(batch, found, actor),
        "runs": [snapshot(run) for run in found],
    }
