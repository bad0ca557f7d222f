"""How long runs and programs are kept, and what goes afterwards. Source: domain.md 7, Retention.

A draft is what no clinician has approved: a run that failed or was cancelled, and a program that nobody signed. Drafts
are kept for days, approved programs and referrals for years, as the clinic says; where there is no clinic the settings
say it. Every purge leaves a line in the audit trail that counts what went.
"""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Max, Q, QuerySet
from django.utils import timezone

from generation import audit
from generation.models import AuditEntry, Batch, Clinic, Program, Run
from generation.models.runs import ENDED, Status

DAYS_A_YEAR = 365.25
ROWS_AT_ONCE = 100


def purge(by: str = audit.SERVER) -> dict[str, int]:
    """Delete what is past its time. Returns how many runs and programs went."""
    gone = {"runs": 0, "programs": 0}
    for clinic in (None, *Clinic.objects.order_by("pk")):
        while counts := purge_some(clinic, by):
            for name, count in counts.items():
                gone[name] += count
    Batch.objects.filter(runs=None).delete()
    return gone


def purge_some(clinic: Clinic | None, by: str) -> dict[str, int]:
    """A hundred rows of one clinic at most, in one transaction; empty when nothing is past its time."""
    with transaction.atomic():
        listed = list(programs_past(clinic).values_list("pk", flat=True)[:ROWS_AT_ONCE])
        alone = list(runs_past(clinic).values_list("pk", flat=True)[:ROWS_AT_ONCE])
        if not listed and not alone:
            return {}
        # Asked again once nobody can approve, edit or start them any more. Runs are locked before programs everywhere.
        lock(Run.objects.filter(Q(pk__in=alone) | Q(program__in=listed)))
        lock(Program.objects.filter(pk__in=listed))
        programs = list(programs_past(clinic).filter(pk__in=listed).values_list("pk", flat=True))
        runs = list(runs_past(clinic).filter(pk__in=alone).values_list("pk", flat=True))
        runs += Run.objects.filter(program__in=programs).values_list("pk", flat=True)
        counts = {"programs": len(programs), "runs": len(runs)}
        Program.objects.filter(pk__in=programs).delete()
        Run.objects.filter(pk__in=runs).delete()
        if programs or runs:
            facts: dict[str, Any] = counts | ({"clinic": str(clinic.pk)} if clinic else {})
            audit.record(by, AuditEntry.Action.PURGE, facts=facts)
    return counts


def lock(rows: QuerySet[Any]) -> None:
    """Let nobody else change these until the caller's transaction ends."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True))
    list(rows.model._default_manager.filter(pk__in=keys).order_by("pk").select_for_update().values_list("pk"))


def programs_past(clinic: Clinic | None) -> QuerySet[Program]:
    """Without those whose run still lives: it would go with them."""
    drafts_since, approved_since = since(clinic)
    settled = Program.objects.filter(clinic=clinic, is_template=False).filter(Q(run=None) | Q(run__status__in=ENDED))
    programs = settled.annotate(approvals=Count("versions__approved_at"), changed=Max("versions__made_at"))
    past = Q(approvals=0, changed__lt=drafts_since)
    if approved_since is not None:
        past |= Q(approvals__gt=0, changed__lt=approved_since)
    return programs.filter(past).order_by("pk")


def runs_past(clinic: Clinic | None) -> QuerySet[Run]:
    """Those without a program; a run with one goes with it."""
    drafts_since, kept_since = since(clinic)
    runs = Run.objects.filter(clinic=clinic, program=None, status__in=ENDED)
    past = Q(status__in=(Status.FAILED, Status.CANCELLED), finished_at__lt=drafts_since)
    if kept_since is not None:
        past |= Q(status=Status.SUCCEEDED, finished_at__lt=kept_since)
    return runs.filter(past).order_by("pk")


def since(clinic: Clinic | None) -> tuple[datetime, datetime | None]:
    """Drafts that changed before the first moment go, and what is approved before the second; None keeps it."""
    now = timezone.now()
    years = program_years(clinic)
    return (
        now - timedelta(days=draft_days(clinic)),
        now - timedelta(days=years * DAYS_A_YEAR) if years else None,
    )


def draft_days(clinic: Clinic | None) -> int:
    return clinic.draft_days if clinic else int(settings.DRAFT_RETENTION_DAYS)


def program_years(clinic: Clinic | None) -> int:
    """0 keeps them until somebody deletes them."""
    return (clinic.program_years or 0) if clinic else int(settings.PROGRAM_RETENTION_YEARS)


def draft_until(program: Program) -> datetime | None:
    """When a program goes that nobody approves or edits; None for one that was approved, and for templates."""
    versions = program.versions.aggregate(approvals=Count("approved_at"), changed=Max("made_at"))
    if program.is_template or versions["approvals"] or versions["changed"] is None:
        return None
    changed: datetime = versions["changed"]
    return changed + timedelta(days=draft_days(program.clinic))
