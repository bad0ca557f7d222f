"""What becomes of runs whose worker is gone: given back, queued again, cancelled, or given up."""

from collections.abc import Callable
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F
from django.db.models.functions import Now

from generation import events, programs, run_metrics
from generation.errors import HepError, WorkerLost
from generation.models import ModelCall, Run, Step
from generation.models.runs import HELD, Status
from generation.traces import where
from metrics.recorder import record

logger = structlog.get_logger(__name__)

# A run whose worker was lost this often in a row, without a step stored in between, is given up.
STALLED_ATTEMPTS = 3


def release(run: Run, record_stage: Callable[[], None]) -> None:
    """Give the lease back: the run is queued again, for whoever starts next; the stage that ran is kept."""
    with transaction.atomic():
        given = Run.objects.filter(pk=run.pk, epoch=run.epoch, status=Status.RUNNING, pause_requested_by="").update(
            status=Status.QUEUED, epoch=F("epoch") + 1, holder=None, lease_until=None, stage_started_at=None
        )
        if given:
            record_stage()
    if not given:
        # Asked to stop or to pause in the meantime: reconcile() sees to that.
        abandon(run)


def abandon(run: Run) -> None:
    """Let the lease run out at once, so that reconcile() settles the run and counts the attempt."""
    Run.objects.filter(pk=run.pk, epoch=run.epoch, status__in=HELD).update(lease_until=Now())


def give_up(run: Run, epoch: int, error: HepError) -> None:
    """Fail a run that nobody writes the log of, if it is still under this epoch."""
    data = error.event(run.stage or None)
    with transaction.atomic():
        row = Run.objects.filter(pk=run.pk, epoch=epoch, status__in=HELD)
        ended = {"status": Status.FAILED, "finished_at": Now(), "error": data}
        if not row.update(holder=None, lease_until=None, stage_started_at=None, **ended):
            return
        run.error = data
        run.last_seq, _ = events.head(run.pk)
        events.append_unheld(run, ("error", data))
        run_metrics.keep(run, Status.FAILED, run_metrics.now_ms(), run_metrics.author(run))
        Run.objects.filter(pk=run.pk).update(last_seq=run.last_seq)
        programs.discard(run)


def reconcile(abandoned: Callable[[Any], Any] | None = None) -> list[Run]:
    """Settle the runs whose worker is gone, and return those that readers should hear about.

    By default these are the runs whose lease ran out; `abandoned` narrows or widens the set. Asked to cancel →
    cancelled; no progress in three attempts → failed; asked to pause → paused; else queued again. Each taking of an
    epoch is a conditional update, so several processes may do this at once.
    """
    held = Run.objects.filter(status__in=HELD)
    lost = abandoned(held) if abandoned else held.filter(lease_until__lt=Now())
    settled = []
    for run in lost.defer("input", "result"):
        try:
            if settle(run):
                settled.append(run)
        except (InterfaceError, OperationalError):
            raise
        except Exception as error:
            # One run that can't be settled must not keep the others, nor the server's start, waiting.
            logger.error("run_not_settled", run=str(run.uid), error=type(error).__name__, at=where(error))
    return settled


def settle(run: Run) -> bool:
    with transaction.atomic():
        row = Run.objects.filter(pk=run.pk)
        as_seen = row.filter(epoch=run.epoch, status=run.status, pause_requested_by=run.pause_requested_by)
        if not as_seen.update(epoch=F("epoch") + 1, holder=None, lease_until=None):
            return False
        record_lost(run)
        run.last_seq, _ = events.head(run.pk)
        stalled = 0 if Step.objects.filter(run=run, epoch=run.epoch).exists() else run.stalled_attempts + 1
        if run.status == Status.CANCELLING:
            said = run.events.filter(name="cancelling").exists()
            lines = [] if said else [("cancelling", {"by": run.cancelled_by})]
            events.append_unheld(run, *lines, ("cancelled", run.cancellation()))
            run_metrics.keep(run, Status.CANCELLED, run_metrics.now_ms(), run_metrics.author(run))
            row.update(status=Status.CANCELLED, finished_at=Now(), last_seq=run.last_seq, stage_started_at=None)
            programs.discard(run)
        elif stalled >= STALLED_ATTEMPTS:
            give_up(run, run.epoch + 1, WorkerLost())
        elif run.pause_requested_by:
            events.append_unheld(run, ("paused", {"by": run.pause_requested_by}))
            rest = {"pause_requested_by": "", "stalled_attempts": stalled, "stage_started_at": None}
            row.update(status=Status.PAUSED, last_seq=run.last_seq, **rest)
        else:
            row.update(status=Status.QUEUED, stalled_attempts=stalled, stage_started_at=None)
    return True


def record_lost(run: Run) -> None:
    """Keep the stage in which a worker was lost: it says nothing of how long the stage takes, but that it broke.

    Its time is counted until the worker was last heard, since nobody knows when it was lost. A call to a model that
    the worker had open stays counted by what asking costs; nobody knows what was answered.
    """
    left = ModelCall.objects.filter(run_uid=run.uid, outcome=ModelCall.Outcome.OPEN)
    left.update(outcome=ModelCall.Outcome.BROKEN)
    if run.stage and run.stage_started_at is not None:
        record(**run_metrics.lost_stage(run))
