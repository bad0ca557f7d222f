"""Who may look at what, and who may do more. Source: domain.md 7, Access.

Auditors, staff of no clinic and whoever has left a clinic see more than they may change.
"""

from typing import TypeVar

from django.db.models import Q, QuerySet

from generation.errors import NotAllowed
from generation.models import Clinic, Membership, ModelCall, Program, Run, User

NOT_THEIRS = "Only its owner and the clinicians of its clinic may do this."


Owned = TypeVar("Owned", Run, Program, ModelCall)


def visible(actor: User, owned: QuerySet[Owned]) -> QuerySet[Owned]:
    """Those that exist for this person: their own, their clinics', and for staff all."""
    if actor.is_staff:
        return owned
    return owned.filter(Q(owner=actor) | Q(clinic__in=actor.clinics.all()))


def clinics_of(actor: User) -> QuerySet[Clinic]:
    """The clinics they work in, and not only audit."""
    working = Membership.objects.filter(user=actor.pk).exclude(role=Membership.Role.AUDITOR)
    return Clinic.objects.filter(memberships__in=working)


def may_change(actor: User, owned: Run | Program) -> bool:
    """Whether they may correct, edit, approve and copy it: whoever works in its clinic, or else its owner."""
    if owned.clinic_id is None:
        return owned.owner_id == actor.pk
    return clinics_of(actor).filter(pk=owned.clinic_id).exists()


def may_steer(actor: User, run: Run) -> bool:
    """Whether they may cancel, pause, resume, retry and delete it.

    Staff may: that is operating the server. It makes nothing theirs, since a retry stays its owner's. Its owner may
    while it lives, even after leaving the clinic: whoever has started work can stop it.
    """
    return actor.is_staff or may_change(actor, run) or (run.live and run.owner_id == actor.pk)


def require_change(actor: User, owned: Run | Program) -> None:
    """Raises NotAllowed."""
    if not may_change(actor, owned):
        raise NotAllowed(NOT_THEIRS)


def require_steer(actor: User, run: Run) -> None:
    """Raises NotAllowed."""
    if not may_steer(actor, run):
        raise NotAllowed(NOT_THEIRS)
