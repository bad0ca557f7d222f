"""What the kind `exercise_program` keeps beside its result, and the library it chooses from."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Q
from django.utils import timezone

from generation.clinical.library import Library, load
from generation.models import Exercise, Program, ProgramItem, Run

# Columns of their own; every other field of an exercise lies in `details`.
COLUMNS = (
    "slug", "status", "version", "level", "laterality", "weight_bearing", "resistance_type", "variation_group",
    "body_regions", "purposes", "phases", "positions", "equipment", "demands",
)  # fmt: skip
TEXT_COLUMNS = (
    "name", "purpose_line", "aliases", "setup", "steps", "cues", "common_mistakes", "feel", "easier", "harder",
    "safety",
)  # fmt: skip

# One for each clinic with exercises of its own, and as many again while they change.
SHELVES = 200
_shelves: dict[tuple[Any, ...], list[dict[str, Any]]] = {}


def load_library(shipped: Library | None = None) -> tuple[int, int]:
    """Bring the shipped exercises into the database. Returns how many were made and how many changed.

    Idempotent: an exercise whose content is the same is left alone.
    """
    made = changed = 0
    with transaction.atomic():
        shelf = Exercise.objects.filter(clinic=None).prefetch_related("texts")
        present = {exercise.slug: exercise for exercise in shelf}
        for entry in (shipped or load()).exercises:
            exercise = present.get(entry["slug"])
            if exercise is not None and as_entry(exercise) == entry:
                continue
            made, changed = (made + 1, changed) if exercise is None else (made, changed + 1)
            fields = {name: entry[name] for name in COLUMNS}
            fields["details"] = {key: value for key, value in entry.items() if key not in (*COLUMNS, "text")}
            kept, _ = Exercise.objects.update_or_create(
                slug=entry["slug"], clinic=None, defaults={**fields, "updated_at": timezone.now()}
            )
            for language, text in entry["text"].items():
                if text is not None:
                    kept.texts.update_or_create(language=language, defaults={name: text[name] for name in TEXT_COLUMNS})
    return made, changed


def library(clinic_id: uuid.UUID | None) -> Sequence[dict[str, Any]]:
    """The reviewed exercises of the shared library and of the clinic, in the shape of domain.md 2.2."""
    shelf = Exercise.objects.filter(Q(clinic=None) | Q(clinic=clinic_id), status=Exercise.Status.REVIEWED)
    stamp = (clinic_id, *shelf.aggregate(Count("pk"), Max("updated_at")).values())
    if stamp not in _shelves:
        if len(_shelves) >= SHELVES:
            _shelves.clear()
        _shelves[stamp] = [as_entry(exercise) for exercise in shelf.prefetch_related("texts").order_by("slug")]
    return _shelves[stamp]


def as_entry(exercise: Exercise) -> dict[str, Any]:
    entry: dict[str, Any] = {name: getattr(exercise, name) for name in COLUMNS}
    texts = {text.language: {name: getattr(text, name) for name in TEXT_COLUMNS} for text in exercise.texts.all()}
    entry |= exercise.details
    entry["text"] = {"en": None, "da": None} | texts
    return entry


def identified(run: Run, result: dict[str, Any]) -> dict[str, Any]:
    """The result with the id its program has or will have: the same in every attempt at the run."""
    program = result.get("program")
    if program is None:
        return result
    return result | {"program": program | {"id": str(uuid.uuid5(run.uid, "program"))}}


def store(run: Run, result: dict[str, Any]) -> None:
    """Store the result's program as rows; for the transaction in which the run's epoch is checked."""
    program = result.get("program")
    if program is None:
        return
    row = Program.objects.create(
        id=program["id"],
        run=run,
        owner_id=run.owner_id,
        clinic_id=run.clinic_id,
        language=run.language,
        duration_weeks=program["duration_weeks"],
        content={key: value for key, value in program.items() if key not in ("id", "items")},
    )
    ProgramItem.objects.bulk_create(
        ProgramItem(program=row, order=order, slug=item["slug"], content=item)
        for order, item in enumerate(program["items"])
    )


def discard(run: Run) -> None:
    """Leave no draft behind a run that was cancelled or failed."""
    Program.objects.filter(run=run, status=Program.Status.DRAFT).delete()
