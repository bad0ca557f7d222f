"""The exercise library for a person who looks into it: what exists for them, how it is narrowed, what is shown."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from generation.clinical.data_files import read
from generation.errors import NotFound
from generation.exercise_search import text_of
from generation.models import Exercise, User
from generation.shelf import as_entry

SLUG = re.compile(r"[a-z0-9-]{1,80}")
# The filters that look into a list of codes, by the field that holds it.
LISTS = {
    "region": "body_regions",
    "purpose": "purposes",
    "phase": "phases",
    "position": "positions",
    "equipment": "equipment",
    "demand": "demands",
}
# The filters that compare a column, which may be no list.
PLAIN = ("level", "status")
FACETS = (*LISTS, *PLAIN)


def codes(field: str) -> list[str]:
    """The codes that a list of codes may hold. Source: exercise.schema.json."""
    schema = read("exercise.schema")
    items = schema["properties"][field]["items"]
    if "$ref" in items:
        items = schema["$defs"][items["$ref"].rsplit("/", 1)[1]]
    found: list[str] = items["enum"]
    return found


def visible_to(actor: User) -> QuerySet[Exercise]:
    """The reviewed exercises that exist for this person: the shared ones, their clinics', and for staff all."""
    return readable_by(actor).filter(status=Exercise.Status.REVIEWED)


def readable_by(actor: User) -> QuerySet[Exercise]:
    """As `visible_to`, and for staff also drafts and what is retired: to be looked at, never to be prescribed."""
    shelf = Exercise.objects.prefetch_related("texts")
    if actor.is_staff:
        return shelf
    reviewed = shelf.filter(status=Exercise.Status.REVIEWED)
    return reviewed.filter(Q(clinic=None) | Q(clinic__in=actor.clinics.all()))


def get_exercise_for(actor: User, slug: str) -> Exercise:
    """Raises NotFound, whether it is missing, another clinic's, or not reviewed and the person not of the staff."""
    exercise = readable_by(actor).filter(slug=slug).first() if SLUG.fullmatch(slug) else None
    if exercise is None:
        raise NotFound("There is no such exercise.")
    return exercise


def narrowed(shelf: QuerySet[Exercise], wanted: Mapping[str, Any]) -> QuerySet[Exercise]:
    """Those that have each of the wanted codes, and the level and the status if they are wanted."""
    for name, field in LISTS.items():
        if name in wanted:
            # SQLite can't ask whether a JSON list contains a value; with its quotes no code is part of another.
            shelf = shelf.filter(**{f"{field}__icontains": f'"{wanted[name]}"'})
    return shelf.filter(**{name: wanted[name] for name in PLAIN if name in wanted})


def facets(shelf: QuerySet[Exercise], wanted: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """How many of the shelf there would be with each code of each facet, given what is wanted of the others."""
    chosen = {(name, str(wanted[name])) for name in FACETS if name in wanted}
    columns = [Cast(field, TextField()) for field in LISTS.values()]
    counts: dict[str, Counter[str]] = {name: Counter() for name in FACETS}
    # Most exercises share their codes with others.
    for row, times in Counter(shelf.order_by().values_list(*columns, *PLAIN)).items():
        held = _held(row)
        lacking = chosen - held
        if len(lacking) < 2:
            only = next(iter(lacking))[0] if lacking else None
            for name, code in held:
                if only in (None, name):
                    counts[name][code] += times
    return {name: dict(sorted(found.items())) for name, found in counts.items()}


def _held(row: tuple[Any, ...]) -> frozenset[tuple[str, str]]:
    """The facets and codes of a row of their columns."""
    lists = {(name, code) for name, column in zip(LISTS, row, strict=False) for code in _parsed(column)}
    return frozenset(lists | {(name, str(value)) for name, value in zip(PLAIN, row[len(LISTS) :], strict=True)})


@lru_cache(maxsize=4096)
def _parsed(column: str) -> tuple[str, ...]:
    return tuple(json.loads(column))


def shown(exercise: Exercise, language: str) -> dict[str, Any]:
    """The exercise with every field of domain.md 2.2; `language` says which one its `text` is in."""
    entry = as_entry(exercise)
    text = text_of(exercise, language)
    licence = entry.get("licence", {})
    return {
        "id": str(exercise.pk),
        "clinic": str(exercise.clinic_id) if exercise.clinic_id else None,
        **entry,
        "reviewed_by": licence.get("reviewed_by"),
        "reviewed_on": licence.get("reviewed_on"),
        "language": text.language if text else None,
        "text": entry["text"][text.language] if text else None,
    }
