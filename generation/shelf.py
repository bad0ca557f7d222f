"""The exercises as the data files describe them, in the database: written there, and read back for whoever chooses."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Max, Q
from django.utils import timezone

from generation import exercise_search
from generation.models import Exercise, ExerciseText

# Columns of their own; every other field of an exercise lies in `details`.
COLUMNS = (
    "slug", "status", "version", "level", "laterality", "weight_bearing", "resistance_type", "variation_group",
    "body_regions", "purposes", "phases", "positions", "equipment", "demands",
)  # fmt: skip
TEXT_COLUMNS = (
    "name", "purpose_line", "aliases", "setup", "steps", "cues", "common_mistakes", "feel", "easier", "harder",
    "safety",
)  # fmt: skip

# What an exercise that somebody adds in the admin may leave unsaid.
UNSAID: dict[str, Any] = {
    "equipment_alternatives": [], "primary_muscles": [], "secondary_muscles": [], "conditions_good": [],
    "min_age": None, "max_age": None, "supervision": "none", "easier_than": [], "harder_than": [], "default_dose": {},
    "dose_bounds": None, "evidence_note": "", "licence": {},
}  # fmt: skip

# One for each clinic with exercises of its own, and as many again while they change.
SHELVES = 200
_shelves: dict[tuple[Any, ...], list[dict[str, Any]]] = {}


def library(clinic_id: uuid.UUID | None) -> Sequence[dict[str, Any]]:
    """The reviewed exercises of the shared library and of the clinic, in the shape of domain.md 2.2.

    One of which nobody has said what it demands is left out: no restriction could exclude it.
    """
    shelf = Exercise.objects.filter(Q(clinic=None) | Q(clinic=clinic_id), status=Exercise.Status.REVIEWED)
    shelf = shelf.exclude(demands=[])
    stamp = (clinic_id, *shelf.aggregate(Count("pk"), Max("updated_at")).values())
    if stamp not in _shelves:
        if len(_shelves) >= SHELVES:
            _shelves.clear()
        _shelves[stamp] = [as_entry(exercise) for exercise in shelf.prefetch_related("texts").order_by("slug")]
    return _shelves[stamp]


def as_entry(exercise: Exercise) -> dict[str, Any]:
    entry: dict[str, Any] = {name: getattr(exercise, name) for name in COLUMNS}
    texts = {text.language: {name: getattr(text, name) for name in TEXT_COLUMNS} for text in exercise.texts.all()}
    entry |= UNSAID | exercise.details
    entry["text"] = {"en": None, "da": None} | texts
    return entry


def later_than_any() -> datetime:
    """Now, or just after the latest change: whoever's clock wrote that, a change after it must be seen as one."""
    latest = Exercise.objects.aggregate(latest=Max("updated_at"))["latest"]
    now = timezone.now()
    return now if latest is None or latest < now else latest + timedelta(microseconds=1)


def put(entries: Iterable[tuple[Exercise | None, Mapping[str, Any]]], **fields: Any) -> None:
    """Write entries over the exercises they stand beside, or as new ones; `fields` are for the new ones.

    For a transaction of the caller's. Texts are replaced whole, and the search knows the new words afterwards.
    """
    made: list[Exercise] = []
    changed: list[Exercise] = []
    texts: list[ExerciseText] = []
    now = later_than_any()
    for present, entry in entries:
        exercise = present or Exercise(**fields)
        (changed if present else made).append(exercise)
        for name in COLUMNS:
            setattr(exercise, name, entry[name])
        exercise.details = {key: value for key, value in entry.items() if key not in (*COLUMNS, "text")}
        exercise.updated_at = now
        texts += [
            ExerciseText(exercise=exercise, language=language, **{name: text[name] for name in TEXT_COLUMNS})
            for language, text in entry["text"].items()
            if text is not None
        ]
    ExerciseText.objects.filter(exercise__in=[exercise.pk for exercise in changed]).delete()
    Exercise.objects.bulk_create(made)
    Exercise.objects.bulk_update(changed, [*COLUMNS, "details", "updated_at"], batch_size=50)
    ExerciseText.objects.bulk_create(texts)
    exercise_search.index(Exercise.objects.filter(pk__in=[exercise.pk for exercise in (*made, *changed)]))
