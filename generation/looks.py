"""Looking at runs is on the audit trail: once an hour, since a page looks again and again. Source: domain.md 7."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from generation import audit
from generation.models import AuditEntry, Program, Run, User
from generation.models.runs import ENDED

AGAIN_AFTER = timedelta(hours=1)


def viewed(actor: User, run: Run) -> None:
    """Record that somebody was shown a run; its owner who watches it live is not asked about."""
    if run.owner_id != actor.pk or run.status in ENDED:
        recorded(actor, uuid.UUID(str(run.uid)))


def listed(actor: User, found: Iterable[Run | Program], kind: str = "run") -> None:
    """Record that a list showed somebody the runs, or the programs, of others, and how many."""
    if others := sum(one.owner_id != actor.pk for one in found):
        recorded(actor, None, kind, others=others)


def recorded(actor: User, object_id: uuid.UUID | None, kind: str = "run", **facts: Any) -> None:
    lately = AuditEntry.objects.filter(
        actor=actor.pk,
        action=AuditEntry.Action.VIEW,
        object_kind=kind,
        object_id=object_id,
        facts=facts,
        at__gt=timezone.now() - AGAIN_AFTER,
    )
    if not lately.exists():
        audit.record(actor.get_username(), AuditEntry.Action.VIEW, kind, object_id, facts)
