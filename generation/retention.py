"""What is not kept: runs that somebody deletes, and the logs of runs that ended long ago."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from generation import audit, programs
from generation.models import AuditEntry, Event, IdempotencyKey, Run, Start, Step, StreamTicket, Visits
from generation.models.runs import ENDED
from metrics import pruning

# Runs whose logs go in one transaction, so that nobody waits long for the lock.
RUNS_AT_ONCE = 100
# How long a log stays after its end, so that those who follow it see that, even by the look at the heads.
TOLD_WITHIN_S = 2


def erase(run_pk: int) -> bool:
    """Remove a run that was asked to go, if it has ended and its readers have been told. True when it is gone."""
    with transaction.atomic():
        run = asked_to_go().filter(pk=run_pk).select_for_update().first()
        if run is None:
            return not Run.objects.filter(pk=run_pk).exists()
        programs.discard(run, by=run.delete_requested_by)
        facts = {"kind": run.kind, "status": run.status}
        audit.record(run.delete_requested_by, AuditEntry.Action.DELETE, "run", run.uid, facts)
        run.delete()
    return True


def erase_requested() -> None:
    """Remove the runs that were asked to go while they lived."""
    for run_pk in asked_to_go().values_list("pk", flat=True):
        erase(run_pk)


def asked_to_go() -> QuerySet[Run]:
    asked = Run.objects.filter(status__in=ENDED).exclude(delete_requested_by="")
    return asked.exclude(finished_at__gt=timezone.now() - timedelta(seconds=TOLD_WITHIN_S))


def prune(days: int | None = None, by: str = audit.SERVER) -> int:
    """Reduce runs that ended more than `days` ago [EVENT_RETENTION_DAYS] to their snapshot; returns how many.

    Their events and steps go; a reader with an older cursor is told so (CURSOR_EXPIRED). What is remembered of
    requests goes as well, once it no longer counts, and metrics older than METRICS_RETENTION_DAYS.
    """
    now = timezone.now()
    kept_since = now - timedelta(days=settings.EVENT_RETENTION_DAYS if days is None else days)
    IdempotencyKey.objects.filter(created_at__lt=now - IdempotencyKey.REMEMBERED).delete()
    Start.objects.filter(at__lt=now - timedelta(hours=1)).delete()
    Visits.objects.filter(minute__lt=now.timestamp() // 60 - 60).delete()
    StreamTicket.objects.filter(created_at__lt=now - timedelta(hours=1), used_at=None).delete()
    StreamTicket.objects.filter(run__finished_at__lt=now - timedelta(hours=1)).delete()
    unfinished = Run.objects.filter(batch=OuterRef("batch"), finished_at=None)
    of_batches = StreamTicket.objects.filter(~Exists(unfinished), run=None)
    of_batches.filter(created_at__lt=now - timedelta(hours=1)).delete()
    pruned = 0
    while run_pks := with_log(kept_since):
        with transaction.atomic():
            Event.objects.filter(run__in=run_pks).delete()
            Step.objects.filter(run__in=run_pks).delete()
            facts = {"runs": len(run_pks), "ended_before": kept_since.isoformat(timespec="seconds")}
            audit.record(by, AuditEntry.Action.PRUNE, facts=facts)
        pruned += len(run_pks)
    pruning.prune(pruning.kept_since())
    return pruned


def with_log(ended_before: object) -> list[int]:
    old = Run.objects.filter(Exists(Event.objects.filter(run=OuterRef("pk"))), finished_at__lt=ended_before)
    return list(old.filter(status__in=ENDED).order_by("pk").values_list("pk", flat=True)[:RUNS_AT_ONCE])
