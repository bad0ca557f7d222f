"""The audit trail: who did what to which object."""

import uuid
from typing import Any

from generation.models import AuditEntry, User

SERVER = "server"


def record(
    actor_name: str,
    action: AuditEntry.Action,
    object_kind: str = "",
    object_id: uuid.UUID | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Add an entry, within the caller's transaction. `facts` holds codes and counts, never the text of a case."""
    AuditEntry.objects.create(
        actor=User.objects.filter(username=actor_name).first(),
        actor_name=actor_name,
        action=action,
        object_kind=object_kind,
        object_id=object_id,
        facts=facts or {},
    )
