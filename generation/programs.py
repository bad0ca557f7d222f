"""What the kind `exercise_program` keeps beside its result, and the library it chooses from."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Max, Q

from generation.clinical.library import Library, load
from generation.models import Exercise, ExerciseText, Program, ProgramItem, Run

# Columns of their own; every other field of an exercise lies in `details`.
COLUMNS = (
    "slug", "status", "version", "level", "laterality", "weight_bearing", "resistance_type", "variation_group",
    "body_regions", "purposes", "phases", "positions", "equipment", "demands",
)  # fmt: skip
TEXT_COLUMNS = (
    "name", "purpose_line", "aliases", "setup", "steps", "cues", "common_mistakes", "feel", "easier", "harder",
    "safety",
)  # fmt: skip

_shelves: dict[tuple[Any, ...], list[dict[str, Any]]] = {}


def load_library(shipped: Library | None = None) -> tuple[int, int]:
    """Bring the shipped exercises into the database. Returns how many were made and how many changed.

    Idempotent: an exercise whose content is the same is left alone.
    """
    made = changed = 0
    with transaction.atomic():
        present = {exercise.slug: exercise for exercise in Exercise.objects.filter(clinic=None)}
        for entry in (shipped or load()).exercises:
            fields: dict[str, Any] = {name: entry[name] for name in COLUMNS}
            fields["details"] = {key: value for key, value in entry.items() if key not in (*COLUMNS, "text")}
            exercise = present.get(entry["slug"])
            if exercise is None:
                exercise, made = Exercise.objects.create(**fields), made + 1
            elif any(getattr(exercise, name) != value for name, value in fields.items()):
                Exercise.objects.filter(pk=exercise.pk).update(**fields)
                changed += 1
            for language, text in entry["text"].items():
                if text is not None:
                    ExerciseText.objects.update_or_create(
                        exercise=exercise, language=language, defaults={name: text[name] for name in TEXT_COLUMNS}
                    )
    _shelves.clear()
    return made, changed


def library(clinic_id: uuid.UUID | None) -> Sequence[dict[str, Any]]:
    """The reviewed exercises of the shared library and of the clinic, in the shape of domain.md 2.2."""
    shelf = Exercise.objects.filter(Q(clinic=None) | Q(clinic=clinic_id), status=Exercise.Status.REVIEWED)
    stamp = (clinic_id, shelf.count(), shelf.aggregate(Max("version"))["version__max"])
    if stamp not in _shelves:
        _shelves[stamp] = [as_entry(exercise) for exercise in shelf.prefetch_related("texts").order_by("slug")]
    return _shelves[stamp]


def as_entry(exercise: Exercise) -> dict[str, Any]:
    entry = {name: getattr(exercise, name) for name in COLUMNS} | exercise.details
    texts = {text.language: {name: getattr(text, name) for name in TEXT_COLUMNS} for text in exercise.texts.all()}
    return entry | {"text": {"en": None, "da": None} | texts}


def keep(run: Run, result: dict[str, Any]) -> dict[str, Any]:
    """Store the run's program as rows, once; return the result with the program's id.

    A second attempt at the same run finds the first one's rows and makes no others.
    """
    program = result.get("program")
    if program is None:
        return result
    with transaction.atomic():
        row, made = Program.objects.get_or_create(
            run=run,
            defaults={
                "owner_id": run.owner_id,
                "clinic_id": run.clinic_id,
                "language": run.language,
                "duration_weeks": program["duration_weeks"],
                "content": {key: value for key, value in program.items() if key not in ("id", "items")},
            },
        )
        if made:
            ProgramItem.objects.bulk_create(
                ProgramItem(program=row, order=order, slug=item["slug"], content=item)
                for order, item in enumerate(program["items"])
            )
    return result | {"program": program | {"id": str(row.id)}}
