"""What is not kept: runs that somebody deletes, and the logs of runs that ended long ago."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from generation import audit, programs
from generation.models import AuditEntry, Event, IdempotencyKey, Run, Start, Step, StreamTicket
from generation.models.runs import ENDED

# Runs whose logs go in one transaction, so that nobody waits long for the lock.
RUNS_AT_ONCE = 100


def erase(run_pk: int) -> bool:
    """Remove a run that was asked to go, if it has ended. True when it is gone."""
    with transaction.atomic():
        asked = Run.objects.filter(pk=run_pk, status__in=ENDED).exclude(delete_requested_by="")
        run = asked.select_for_update().first()
        if run is None:
            return not Run.objects.filter(pk=run_pk).exists()
        programs.discard(run)
        facts = {"kind": run.kind, "status": run.status}
        audit.record(run.delete_requested_by, AuditEntry.Action.DELETE, "run", run.uid, facts)
        run.delete()
    return True


def erase_requested() -> None:
    """Remove the runs that were asked to go while a worker still had them."""
    for run_pk in Run.objects.filter(status__in=ENDED).exclude(delete_requested_by="").values_list("pk", flat=True):
        erase(run_pk)


def prune(days: int | None = None, by: str = audit.SERVER) -> int:
    """Reduce runs that ended more than `days` ago [EVENT_RETENTION_DAYS] to their snapshot; returns how many.

    Their events and steps go; a reader with an older cursor is told so (CURSOR_EXPIRED). What is remembered of
    requests goes as well, once it no longer counts.
    """
    now = timezone.now()
    kept_since = now - timedelta(days=settings.EVENT_RETENTION_DAYS if days is None else days)
    IdempotencyKey.objects.filter(created_at__lt=now - IdempotencyKey.REMEMBERED).delete()
    Start.objects.filter(at__lt=now - timedelta(hours=1)).delete()
    StreamTicket.objects.filter(created_at__lt=now - timedelta(hours=1), used_at=None).delete()
    StreamTicket.objects.filter(run__finished_at__lt=now - timedelta(hours=1)).delete()
    pruned = 0
    while run_pks := with_log(kept_since):
        with transaction.atomic():
            Event.objects.filter(run__in=run_pks).delete()
            Step.objects.filter(run__in=run_pks).delete()
            pruned += len(run_pks)
    if pruned:
        facts = {"runs": pruned, "ended_before": kept_since.isoformat(timespec="seconds")}
        audit.record(by, AuditEntry.Action.PRUNE, facts=facts)
    return pruned


def with_log(ended_before: object) -> list[int]:
    old = Run.objects.filter(Exists(Event.objects.filter(run=OuterRef("pk"))), finished_at__lt=ended_before)
    return list(old.filter(status__in=ENDED).order_by("pk").values_list("pk", flat=True)[:RUNS_AT_ONCE])
