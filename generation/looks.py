"""Looking at runs is on the audit trail: once an hour, since a page looks again and again. Source: domain.md 7."""

import uuid
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone

from generation import audit
from generation.models import AuditEntry, Run, User
from generation.models.runs import ENDED

AGAIN_AFTER = timedelta(hours=1)


def viewed(actor: User, run: Run) -> None:
    """Record that somebody was shown a run; its owner who watches it live is not asked about."""
    if run.owner_id != actor.pk or run.status in ENDED:
        recorded(actor, uuid.UUID(str(run.uid)))


def listed(actor: User, found: Iterable[Run]) -> None:
    """Record that a list showed somebody the runs of others, and how many."""
    if others := sum(run.owner_id != actor.pk for run in found):
        recorded(actor, None, others=others)


def recorded(actor: User, run_id: uuid.UUID | None, **facts: Any) -> None:
    lately = AuditEntry.objects.filter(
        actor=actor.pk,
        action=AuditEntry.Action.VIEW,
        object_kind="run",
        object_id=run_id,
        facts=facts,
        at__gt=timezone.now() - AGAIN_AFTER,
    )
    if not lately.exists():
        audit.record(actor.get_username(), AuditEntry.Action.VIEW, "run", run_id, facts)
