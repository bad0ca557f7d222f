"""Doing once what may be asked for twice: the `Idempotency-Key` of wire.md 1.1."""

import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import orjson
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from generation import batches, limits, runs
from generation.errors import IdempotencyConflict, Invalid
from generation.models import Batch, IdempotencyKey, Run, User

T = TypeVar("T", Run, Batch)

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
    """What `begin` starts, and whether it had been started by the same request before.

    Requests with one key wait for each other, so whatever arrives together starts one thing. A request that is refused
    leaves its key free. Raises IdempotencyConflict for the key of another request, NotFound for what the person may no
    longer see, and what `begin` raises.
    """
    if asked is None:
        return begin(), False
    with transaction.atomic():
        limits.lock(actor)
        now = timezone.now()
        known = IdempotencyKey.objects.filter(user=actor, key=asked.key)
        known.filter(created_at__lte=now - IdempotencyKey.REMEMBERED).delete()
        earlier = known.select_related("run", "batch").first()
        if earlier is not None:
            if not hmac.compare_digest(bytes(earlier.body_mac), asked.body_mac):
                raise IdempotencyConflict
            # Looked up as anybody's would be: they may have lost sight of it since.
            found: Run | Batch
            if earlier.run is not None:
                found = runs.get_run_for(actor, earlier.run.uid)
            else:
                assert earlier.batch is not None
                found = batches.get_batch_for(actor, earlier.batch.pk)
            return cast(T, found), True
        made = begin()
        place = {"run": made} if isinstance(made, Run) else {"batch": made}
        IdempotencyKey.objects.create(user=actor, key=asked.key, body_mac=asked.body_mac, created_at=now, **place)
    return made, False
