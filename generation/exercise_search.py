"""Full-text search of the exercises: SQLite's FTS5 or PostgreSQL's text search, behind `matching`.

Both hold the same folded words, so that "knæ", "KNÆ" and "knae" are one word, and both find by the beginnings of words.
"""

import re
from collections.abc import Iterable
from functools import cache, lru_cache

from django.db import connections
from django.db.models import Case, CharField, F, QuerySet, Value, When
from django.db.models.expressions import Combinable, RawSQL
from django.db.models.functions import Cast, Concat, Length, StrIndex
from django.db.models.lookups import GreaterThan

from generation.clinical.data_files import read
from generation.clinical.letters import fold
from generation.models import Exercise, ExerciseText, ExerciseWords
from generation.models.accounts import Language

WORD = re.compile(r"[^\W_]+")
# PostgreSQL refuses a word of more than 2 KiB.
LONGEST_WORD = 60
FIELDS = ("name", "aliases", "other")
CODES = ("primary_muscles", "secondary_muscles", "conditions_good")
# What `place` looks like: a number that is lower the closer the words are to the name, and the slug to make it unique.
PLACE = re.compile(r"1\d{6}[a-z0-9-]{1,80}")
INDEX = {
    "sqlite": "SELECT rowid FROM generation_exercisewords_index WHERE generation_exercisewords_index MATCH %s",
    "postgresql": "SELECT id FROM generation_exercisewords WHERE vector @@ %s::tsquery",
}


def matching(shelf: QuerySet[Exercise], query: str, language: str) -> QuerySet[Exercise]:
    """Those of the shelf in whose text for this language each word of the query begins some word.

    Annotated with `place`, by which they are ordered: words found in the name come before those found in its aliases,
    and these before the rest; then the shorter name.
    """
    wanted = sorted(set(words(query)))
    if not wanted:
        return shelf.annotate(place=F("slug")).none()
    vendor = connections[shelf.db].vendor
    # No text of the query is part of the statement.
    hits = RawSQL(INDEX[vendor], [expression(wanted, vendor)])  # noqa: S611
    found = shelf.filter(words__language=language, words__in=hits)
    distance: Combinable = sum((_distance(word) for word in wanted), start=Value(0))
    number = Value(1_000_000) + distance * Value(1_000) + Length("words__name")
    return found.annotate(place=Concat(Cast(number, CharField()), F("slug"), output_field=CharField())).order_by(
        "place"
    )


def expression(wanted: Iterable[str], vendor: str) -> str:
    """The query in the index's own language: words are letters and digits, and stand in quotes all the same."""
    if vendor == "sqlite":
        return " AND ".join(f'"{word}"*' for word in wanted)
    return " & ".join(f"'{word}':*" for word in wanted)


def _distance(word: str) -> Case:
    """0 where the word begins a word of the name, 1 of an alias, 2 elsewhere."""
    beginning = Value(f" {word}")
    return Case(
        When(GreaterThan(StrIndex("words__name", beginning), 0), then=Value(0)),
        When(GreaterThan(StrIndex("words__aliases", beginning), 0), then=Value(1)),
        default=Value(2),
    )


def words(text: str) -> list[str]:
    """The words of a text as the index has them."""
    return [word for part in text.split() for word in _folded(part)]


@lru_cache(maxsize=10_000)
def _folded(part: str) -> tuple[str, ...]:
    return tuple(word[:LONGEST_WORD] for word in WORD.findall(fold(part)))


def index(shelf: QuerySet[Exercise]) -> None:
    """Bring the words of these exercises up to date; whoever changes an exercise or a text calls this after it."""
    rows = {(row.exercise_id, row.language): row for row in ExerciseWords.objects.filter(exercise__in=shelf)}
    made, changed = [], []
    for exercise in shelf.prefetch_related("texts"):
        for language in Language.values:
            row = rows.get((exercise.pk, language))
            fields = _fields(exercise, language)
            if row is None:
                made.append(ExerciseWords(exercise=exercise, language=language, **fields))
            elif any(getattr(row, name) != value for name, value in fields.items()):
                changed.append(row)
                for name, value in fields.items():
                    setattr(row, name, value)
    ExerciseWords.objects.bulk_create(made)
    ExerciseWords.objects.bulk_update(changed, FIELDS, batch_size=100)


def text_of(exercise: Exercise, language: str) -> ExerciseText | None:
    """The text in this language, else in English, else in whichever there is."""
    texts = {text.language: text for text in exercise.texts.all()}
    return texts.get(language) or texts.get(Language.ENGLISH) or next(iter(texts.values()), None)


def _fields(exercise: Exercise, language: str) -> dict[str, str]:
    """The words of an exercise by the column that holds them."""
    text = text_of(exercise, language)
    details = exercise.details
    codes = [code for field in CODES for code in details.get(field, ())]
    labels = [word for tag in details.get("conditions_good", ()) for word in _called().get((tag, language), ())]
    shown = [text.purpose_line, *text.steps] if text else []
    return {
        "name": _joined([text.name] if text else []),
        "aliases": _joined(text.aliases if text else []),
        "other": _joined([exercise.slug, *shown, *codes, *labels]),
    }


def _joined(texts: Iterable[str]) -> str:
    """Each word once and after a space, so that a space and a beginning find it."""
    return "".join(f" {word}" for word in dict.fromkeys(word for text in texts for word in words(text)))


# Of the expressions that the parser knows a condition by, those that are simply words.
_PLAIN = re.compile(r"[\w' -]+")


@cache
def _called() -> dict[tuple[str, str], list[str]]:
    """What conditions and operations are called, by tag and language. An exercise names an operation "after_…"."""
    named = [(entry["tag"], entry) for entry in read("conditions")]
    named += [(f"after_{entry['type']}", entry) for entry in read("surgeries")]
    return {
        (tag, language): [entry["label"][language], *filter(_PLAIN.fullmatch, entry[language])]
        for tag, entry in named
        for language in Language.values
        if "label" in entry
    }
