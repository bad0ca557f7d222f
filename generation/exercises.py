"""The exercise library for a person who looks into it: what exists for them, how it is searched, what is shown."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from django.db.models import Q, QuerySet

from generation.clinical.data_files import read
from generation.errors import NotFound
from generation.models import Exercise, ExerciseText, User
from generation.models.accounts import Language
from generation.programs import as_entry

SLUG = re.compile(r"[a-z0-9-]{1,80}")
# The filters that look into a list of codes, by the field that holds it.
LISTS = {
    "region": "body_regions",
    "purpose": "purposes",
    "phase": "phases",
    "position": "positions",
    "equipment": "equipment",
}


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
    reviewed = Exercise.objects.filter(status=Exercise.Status.REVIEWED).prefetch_related("texts")
    if actor.is_staff:
        return reviewed
    return reviewed.filter(Q(clinic=None) | Q(clinic__in=actor.clinics.all()))


def get_exercise_for(actor: User, slug: str) -> Exercise:
    """Raises NotFound, whether it is missing, not reviewed or another clinic's."""
    exercise = visible_to(actor).filter(slug=slug).first() if SLUG.fullmatch(slug) else None
    if exercise is None:
        raise NotFound("There is no such exercise.")
    return exercise


def narrowed(shelf: QuerySet[Exercise], wanted: Mapping[str, Any]) -> QuerySet[Exercise]:
    """Those that have each of the wanted codes, and the level if one is wanted."""
    for name, field in LISTS.items():
        if name in wanted:
            # SQLite can't ask whether a JSON list contains a value; with its quotes no code is part of another.
            shelf = shelf.filter(**{f"{field}__icontains": f'"{wanted[name]}"'})
    return shelf.filter(level=wanted["level"]) if "level" in wanted else shelf


def matching(shelf: QuerySet[Exercise], query: str, language: str) -> QuerySet[Exercise]:
    """Those in whose name, purpose or slug each word of the query begins some word, in the text that is shown.

    Reads the whole shelf: letters beyond ASCII have no case in SQLite's own comparisons.
    """
    wanted = words(query)
    hits = [exercise.pk for exercise in shelf if _begun(wanted, words(searchable(exercise, language)))]
    return shelf.filter(pk__in=hits)


def _begun(wanted: set[str], there: set[str]) -> bool:
    return bool(wanted) and all(any(word.startswith(beginning) for word in there) for beginning in wanted)


def words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).casefold()))


def searchable(exercise: Exercise, language: str) -> str:
    text = text_of(exercise, language)
    return " ".join([exercise.slug, *([text.name, text.purpose_line, *text.aliases] if text else [])])


def text_of(exercise: Exercise, language: str) -> ExerciseText | None:
    """The text in this language, else in English, else in whichever there is."""
    texts = {text.language: text for text in exercise.texts.all()}
    return texts.get(language) or texts.get(Language.ENGLISH) or next(iter(texts.values()), None)


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
