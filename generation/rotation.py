"""Moves what is sealed to the first key of the ring, so that an older key can be retired. Source: domain.md 7.

Beside a running server: a value that somebody else has written meanwhile is left as it is. A process that has not been
restarted since the ring changed still seals with the older key, so each turn ends with a count of what is left.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.apps import apps
from django.db import models, transaction

from generation import record_numbers
from generation.fields import CannotOpen, EncryptedJSONField, Sealed, key_id_of, open_sealed, seal, sealing_key_id
from generation.models import Run

ROWS_AT_ONCE = 500


@dataclass(slots=True)
class Resealed:
    """How many values of a field were moved to the first key, had it already, or open with no key of the ring.

    `left` counts those that lie under another key after the turn, unreadable ones among them.
    """

    place: str
    moved: int = 0
    there: int = 0
    unreadable: int = 0
    left: int = 0


def sealed_fields() -> list[EncryptedJSONField]:
    every = (field for model in apps.get_models() for field in model._meta.get_fields())
    return [field for field in every if isinstance(field, EncryptedJSONField)]


def rotate() -> Iterator[Resealed]:
    """Reseal every value of every encrypted field, a field at a time; then hash the record numbers anew."""
    for field in sealed_fields():
        yield reseal(field)
    yield rehash()


def reseal(field: EncryptedJSONField) -> Resealed:
    done = Resealed(field.place)
    for rows in pages(sealed_rows(field)):
        # Each page is a short transaction that begins as a write: SQLite turns no read into one beside another writer.
        for row in rows:
            reseal_one(field, row, done)
    done.left = sum(not has_first_key(field, row) for rows in pages(sealed_rows(field)) for row in rows)
    return done


def sealed_rows(field: EncryptedJSONField) -> models.QuerySet[models.Model]:
    rows = field.model._default_manager.exclude(**{f"{field.name}__isnull": True})
    return rows.only("pk", *field.bound_to, field.name)


def pages(rows: models.QuerySet[models.Model]) -> Iterator[list[models.Model]]:
    """The rows by their keys, each page within a transaction of its own."""
    last = None
    while True:
        with transaction.atomic():
            further = rows.order_by("pk") if last is None else rows.filter(pk__gt=last).order_by("pk")
            page = list(further[:ROWS_AT_ONCE])
            if not page:
                return
            last = page[-1].pk
            yield page


def has_first_key(field: EncryptedJSONField, row: models.Model) -> bool:
    stored: Sealed = row.__dict__[field.attname]
    return key_id_of(stored.stored) == sealing_key_id()


def reseal_one(field: EncryptedJSONField, row: models.Model, done: Resealed) -> None:
    if has_first_key(field, row):
        done.there += 1
        return
    stored: Sealed = row.__dict__[field.attname]
    binding = field.binding(row)
    try:
        anew = Sealed(seal(open_sealed(stored.stored, binding), binding))
    except CannotOpen:
        done.unreadable += 1
        return
    same = field.model._default_manager.filter(**{"pk": row.pk, field.name: stored})
    done.moved += same.update(**{field.name: anew})


def rehash() -> Resealed:
    """Also of runs that were stored before there was a hash."""
    done = Resealed("generation.run.mrn_hash")
    for runs in pages(Run.objects.only("pk", "uid", "input", "mrn_hash")):
        for run in runs:
            rehash_one(run, done)  # type: ignore[arg-type]
    done.left = done.unreadable
    return done


def rehash_one(run: Run, done: Resealed) -> None:
    try:
        digest = record_numbers.digest(run.input.get("mrn"))
    except CannotOpen:
        done.unreadable += 1
        return
    if digest == run.mrn_hash:
        done.there += 1
    else:
        done.moved += Run.objects.filter(pk=run.pk, mrn_hash=run.mrn_hash).update(mrn_hash=digest)
