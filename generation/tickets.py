"""Stream tickets (wire.md 1.1, 1.5): what stands in for a header or a cookie in the address of a stream.

A ticket opens one run or one batch for the person it was given to. It must be used within a minute; from then on it
also serves the reconnects of that stream, until a minute after the run's end. The signature turns made-up tickets away
without a look at the database, which keeps only a digest.
"""

import hashlib
import secrets
import uuid
from datetime import datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.db.models import Max
from django.utils import timezone

from generation import batches, runs
from generation.errors import NotSignedIn
from generation.models import Run, StreamTicket, User

UNUSED_S = 60
AFTER_END_S = 60
_signer = Signer(salt="generation.tickets")


def issue(user: User, what: str, object_id: str) -> str:
    """A ticket for the `run` or `batch` of this id. Raises NotFound."""
    plain = secrets.token_urlsafe(32)
    find = runs.get_run_for if what == "run" else batches.get_batch_for
    StreamTicket.objects.create(digest=digest_of(plain), user=user, **{what: find(user, object_id)})
    return _signer.sign(plain)


def digest_of(plain: str) -> bytes:
    return hashlib.sha256(plain.encode()).digest()


def use(ticket: str) -> tuple[User, uuid.UUID]:
    """Whose ticket it is, and the public id of what it opens. Raises NotSignedIn."""
    try:
        digest = digest_of(_signer.unsign(ticket))
    except BadSignature:
        raise NotSignedIn("The ticket is not valid.") from None
    known = StreamTicket.objects.filter(digest=digest, user__is_active=True)
    found = known.select_related("user", "run").first()
    if found is None:
        raise NotSignedIn("The ticket is not valid.")
    now = timezone.now()
    if found.used_at is None:
        fresh = StreamTicket.objects.filter(pk=found.pk, created_at__gt=now - timedelta(seconds=UNUSED_S))
        if not fresh.update(used_at=now):
            raise NotSignedIn("The ticket has expired.")
    elif (ended := ended_at(found)) is not None and ended < now - timedelta(seconds=AFTER_END_S):
        raise NotSignedIn("The ticket has expired.")
    only = found.run.uid if found.run is not None else found.batch_id
    assert only is not None
    return found.user, only


def ended_at(ticket: StreamTicket) -> datetime | None:
    """When what it opens has ended; None while it lives."""
    if ticket.run is not None:
        return ticket.run.finished_at
    runs_of = Run.objects.filter(batch=ticket.batch_id)
    if runs_of.filter(finished_at=None).exists():
        return None
    latest: datetime | None = runs_of.aggregate(latest=Max("finished_at"))["latest"]
    # Of a batch whose runs were all deleted there is nothing left to watch.
    return latest or ticket.created_at
