"""Share links: a program for a patient without an account. Source: domain.md 7.

Whoever has the token may look, so it is 192 random bits, is told once, and only its digest is kept. A link shows the
latest approved version at the time it is opened.
"""

import hashlib
import re
import secrets
import uuid
from datetime import timedelta
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac

from generation import programs, rights
from generation.errors import Conflict, NotApproved, NotFound
from generation.models import AuditEntry, Program, ProgramVersion, ShareLink, User, Visits

DEFAULT_DAYS = 90
MOST_DAYS = 365
MOST_VISITS_A_MINUTE = 20
_TOKEN = re.compile(r"[A-Za-z0-9_-]{32}")


class Made(NamedTuple):
    """A new link with its token, which nobody can be told again."""

    link: ShareLink
    token: str


def digest_of(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def path_of(token: str) -> str:
    return reverse("shared", args=(token,))


def may_share(actor: User, program: Program) -> bool:
    """Whether they may make a link to it now."""
    return not program.is_template and program.status == Program.Status.APPROVED and rights.may_change(actor, program)


def create(actor: User, program_id: str | uuid.UUID, days: int = DEFAULT_DAYS) -> Made:
    """A link that works for so many days. Raises NotFound, NotAllowed, Conflict for a template, NotApproved."""
    program = programs.changeable(actor, program_id)
    if program.is_template:
        raise Conflict("A template is copied, not shared.")
    if program.status != Program.Status.APPROVED:
        raise NotApproved()
    token, now = secrets.token_urlsafe(24), timezone.now()
    with transaction.atomic():
        link = ShareLink.objects.create(
            digest=digest_of(token),
            program=program,
            created_by=actor,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        programs.recorded(actor, AuditEntry.Action.SHARE, program, program.current, share=str(link.pk))
    return Made(link, token)


def links_of(program: Program) -> QuerySet[ShareLink]:
    """Every link to a program, newest first, whether it still works or not."""
    return ShareLink.objects.filter(program=program).select_related("created_by", "revoked_by")


def revoke(actor: User, program_id: str | uuid.UUID, share_id: str | uuid.UUID) -> None:
    """Close a link for good; once it is closed, again changes nothing. Raises NotFound, NotAllowed."""
    program = programs.changeable(actor, program_id)
    try:
        key = share_id if isinstance(share_id, uuid.UUID) else uuid.UUID(share_id)
    except ValueError:
        key = None
    link = ShareLink.objects.filter(program=program, pk=key).first() if key else None
    if link is None:
        raise NotFound("There is no such link.")
    with transaction.atomic():
        if ShareLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=timezone.now(), revoked_by=actor):
            programs.recorded(actor, AuditEntry.Action.REVOKE, program, program.current, share=str(link.pk))


def find(token: str) -> ShareLink | None:
    """The link of a token, if it still works."""
    if not _TOKEN.fullmatch(token):
        return None
    found = ShareLink.objects.filter(digest=digest_of(token), revoked_at=None, expires_at__gt=timezone.now())
    return found.select_related("program__clinic", "program__owner").first()


def opened(token: str, counted: bool = True) -> tuple[ShareLink, ProgramVersion] | None:
    """What a token opens, `counted` as an opening or not; None if nothing, for whatever reason."""
    link = find(token)
    version = latest_approved(link.program) if link else None
    if link is None or version is None:
        return None
    if counted:
        ShareLink.objects.filter(pk=link.pk).update(opened=F("opened") + 1, last_opened=timezone.now())
    return link, version


def latest_approved(program: Program) -> ProgramVersion | None:
    approved = ProgramVersion.objects.filter(Q(program=program) & ~Q(approved_at=None))
    return approved.select_related("made_by", "approved_by").order_by("-number").first()


def admitted(address: str) -> bool:
    """Count a visit from this address; False when it has had its visits of this minute."""
    visitor = salted_hmac("generation.shares.visitor", address, algorithm="sha256").digest()
    minute = this_minute()
    counted = Visits.objects.filter(visitor=visitor, minute=minute)
    # Looked at first, so that whoever knocks on costs no more writes.
    if counted.filter(count__gte=MOST_VISITS_A_MINUTE).exists():
        return False
    with transaction.atomic():
        Visits.objects.bulk_create([Visits(visitor=visitor, minute=minute)], ignore_conflicts=True)
        return bool(counted.filter(count__lt=MOST_VISITS_A_MINUTE).update(count=F("count") + 1))


def this_minute() -> int:
    return int(timezone.now().timestamp()) // 60
