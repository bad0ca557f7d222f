"""Another list of exercises, brought in as drafts that nobody has reviewed and no program can hold."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from django.db import DatabaseError, IntegrityError, transaction

from generation import free_exercise_db
from generation.models import Clinic, Exercise
from generation.shelf import as_entry, put

# What a format's module has: `key_of(row)` and `draft(row)`, which raise its ValueError `Refused`.
FORMATS: dict[str, ModuleType] = {"free-exercise-db": free_exercise_db}
# Slugs are unique over all clinics, and one clinic's import is nothing to another.
PREFIXES = {"free-exercise-db": "fed"}


class Unreadable(ValueError):
    """The file is no list of rows."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Rows by what became of them (`made`, `changed`, `unchanged`, `kept`), and number and reason of each refused one.

    `kept` are drafts of an earlier import that have been reviewed or retired since.
    """

    counts: Counter[str]
    refused: list[tuple[int, str]] = field(default_factory=list)


def read(file: Path) -> list[Any]:
    """The rows of a JSON file. Raises Unreadable."""
    try:
        # NaN and Infinity become numbers, which no field takes: they spoil their row, not the file.
        rows = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Unreadable(error.strerror or "it can't be read") from None
    except UnicodeDecodeError:
        raise Unreadable("it is not UTF-8 text") from None
    except (ValueError, RecursionError):
        raise Unreadable("it is not JSON") from None
    if not isinstance(rows, list):
        raise Unreadable("it is not a list of exercises")
    return rows


@transaction.atomic
def import_rows(rows: list[Any], source: str, clinic: Clinic | None = None) -> Imported:
    """Write each row as a draft of the clinic, or of the shared library; a bad row leaves nothing behind.

    Idempotent: a row that was imported before changes its own draft, and nothing once that is no draft any more.
    """
    own = Exercise.objects.filter(source=source, clinic=clinic).prefetch_related("texts")
    present = {exercise.slug: exercise for exercise in own}
    imported = Imported(Counter())
    seen: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        try:
            slug, entry = converted(row, source, clinic)
            if slug in seen:
                raise ValueError(f"it has the same id as row {seen[slug]}")
            seen[slug] = number
            with transaction.atomic():
                imported.counts[write(present.get(slug), {"slug": slug, **entry}, source, clinic)] += 1
        except ValueError as error:
            imported.refused.append((number, str(error)))
        except IntegrityError:
            imported.refused.append((number, f"another exercise has the slug {slug}"))
        except DatabaseError:
            imported.refused.append((number, "the database can't hold it"))
    return imported


def converted(row: Any, source: str, clinic: Clinic | None) -> tuple[str, dict[str, Any]]:
    if not isinstance(row, Mapping):
        raise ValueError("it is not an object")
    owner = [clinic.pk.hex[:8]] if clinic else []
    return "-".join([PREFIXES[source], *owner, FORMATS[source].key_of(row)]), FORMATS[source].draft(row)


def write(present: Exercise | None, entry: Mapping[str, Any], source: str, clinic: Clinic | None) -> str:
    """Returns what became of the row; what a reviewer has begun to work on is kept."""
    if present is not None and (
        present.status != Exercise.Status.DRAFT or present.demands or as_entry(present)["text"]["da"]
    ):
        return "kept"
    if present is not None and as_entry(present) == entry:
        return "unchanged"
    put([(present, entry)], source=source, clinic=clinic)
    return "made" if present is None else "changed"
