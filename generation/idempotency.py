"""Doing once what may be asked for twice: the `Idempotency-Key` of wire.md 1.1."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import orjson
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import salted_hmac

from generation import batches, programs, runs
from generation.errors import IdempotencyConflict, Invalid, NotFound
from generation.models import Batch, IdempotencyKey, Program, Run, User

T = TypeVar("T", Run, Batch, Program)

_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Request:
    """A POST that may be repeated: its key, and a keyed hash of what it asks for."""

    key: str
    body_mac: bytes


def request(key: str | None, *asks_for: Any) -> Request | None:
    """None without a key. `asks_for` is JSON; the same with its fields in another order is the same. Raises Invalid."""
    if key is None:
        return None
    if _KEY.fullmatch(key) is None:
        raise Invalid("The Idempotency-Key must be 1 to 255 visible ASCII characters.")
    plain = orjson.dumps(asks_for, option=orjson.OPT_SORT_KEYS)
    return Request(key, salted_hmac("generation.idempotency", plain, algorithm="sha256").digest())


def once(actor: User, asked: Request | None, begin: Callable[[], T]) -> tuple[T, bool]:
    """What `begin` makes, and whether it had been made by the same request before.

    Requests with one key wait for each other, so whatever arrives together starts one thing. A request that is refused
    leaves its key free. Raises IdempotencyConflict for the key of another request, NotFound for what the person may no
    longer see, and what `begin` raises.
    """
    if asked is None:
        return begin(), False
    known = IdempotencyKey.objects.filter(user=actor, key=asked.key)
    with transaction.atomic():
        now = timezone.now()
        known.filter(created_at__lte=now - IdempotencyKey.REMEMBERED).delete()
        try:
            # The row is what they wait for: its insertion, until whoever has inserted the same one is through.
            with transaction.atomic():
                taken = IdempotencyKey.objects.create(
                    user=actor, key=asked.key, body_mac=asked.body_mac, created_at=now
                )
        except IntegrityError:
            return cast(T, started_before(actor, asked, known)), True
        made = begin()
        if isinstance(made, Run):
            taken.run = made
        elif isinstance(made, Batch):
            taken.batch = made
        else:
            taken.program = made
        taken.save(update_fields=("run", "batch", "program"))
    return made, False


def started_before(actor: User, asked: Request, known: QuerySet[IdempotencyKey]) -> Run | Batch | Program:
    """What the key has made, looked up as anybody would: they may have lost sight of it since."""
    earlier = known.select_related("run").first()
    if earlier is None:
        raise NotFound("What this key had started was deleted just now.")
    if not hmac.compare_digest(bytes(earlier.body_mac), asked.body_mac):
        raise IdempotencyConflict
    if earlier.run is not None:
        return runs.get_run_for(actor, earlier.run.uid)
    if earlier.program_id is not None:
        return programs.get_program_for(actor, earlier.program_id)
    assert earlier.batch_id is not None
    return batches.get_batch_for(actor, earlier.batch_id)
