"""Runs asked for together: started as one, watched as one, cancelled and retried as one."""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet

from generation import limits, rights, runs, waiting
from generation.errors import Conflict, HepError, Invalid, NotAllowed, NotFound
from generation.models import Batch, Run, User
from generation.models.runs import ENDED, LIVE, Status

RETRIED = (Status.FAILED, Status.CANCELLED)


def visible_to(actor: User) -> QuerySet[Batch]:
    """The batches that exist for this person: their own, those with a run of their clinics, and for staff all."""
    batches = Batch.objects.select_related("owner")
    if actor.is_staff:
        return batches
    return batches.filter(Q(owner=actor) | Q(runs__clinic__in=actor.clinics.all())).distinct()


def get_batch_for(actor: User, batch_id: str | uuid.UUID) -> Batch:
    """The one way to a batch by its id. Raises NotFound, whether it is missing or somebody else's."""
    try:
        uid = batch_id if isinstance(batch_id, uuid.UUID) else uuid.UUID(batch_id)
        return visible_to(actor).get(pk=uid)
    except (ValueError, Batch.DoesNotExist):
        raise NotFound("There is no such batch.") from None


def rows(batch: Batch, actor: User) -> QuerySet[Run]:
    """The run that counts for each row, in the order of the inputs: the latest one, when it was retried."""
    latest = Run.objects.filter(batch=batch).order_by().values("row").annotate(latest=Max("pk")).values("latest")
    return runs.visible_to(actor).filter(pk__in=latest).order_by("row").distinct()


def start(owner: User, kind: str, inputs: Sequence[Mapping[str, Any]], max_parallel: int | None) -> Batch:
    """Queue a run for each validated input, in one transaction, or none at all.

    Raises what `runs.start` raises; what is wrong with the rows is under `inputs`, by the index of the row.
    """
    begun = beginnings(owner, inputs)
    waiting.line()
    most = settings.MAX_ACTIVE_RUNS_PER_USER
    with transaction.atomic():
        limits.take_start(owner, [(each.engine, each.clinic) for each in begun])
        batch = Batch.objects.create(kind=kind, owner=owner, max_parallel=min(max_parallel or most, most))
        for row, (given, clinic, parent) in enumerate(begun):
            runs.queue(owner, clinic, kind, given, parent=parent, batch=batch, row=row)
    return batch


def beginnings(owner: User, inputs: Sequence[Mapping[str, Any]]) -> list[runs.Beginning]:
    """What each row begins with. Raises Invalid with the rows at fault."""
    begun, faults = [], {}
    for row, cleaned in enumerate(inputs):
        try:
            begun.append(runs.settled(owner, cleaned))
        except Invalid as error:
            faults[str(row)] = error.fields
    if faults:
        raise bad_rows(faults)
    return begun


def bad_rows(faults: Mapping[str, Any]) -> Invalid:
    return Invalid(f"{len(faults)} of the rows can't be used; nothing was started.", fields={"inputs": faults})


def cancel(actor: User, batch: Batch) -> bool:
    """Ask every live run of the batch to stop that they may steer. True if there was one that had not been asked.

    Raises NotAllowed if they may steer none, and Conflict if all have ended.
    """
    found = steered(actor, batch)
    if not any(run.live for run in found) and not any(run.status == Status.CANCELLED for run in found):
        raise Conflict("The batch has ended; there is nothing to cancel.")
    # What waits goes first, or each one that stops would let another begin.
    asked = False
    for run in sorted(found, key=lambda run: run.status != Status.QUEUED):
        if run.live:
            try:
                asked |= runs.cancel(actor, run.uid)[1]
            except HepError:
                # It ended first.
                continue
    return asked


def retry(actor: User, batch: Batch) -> Batch:
    """Start the failed and cancelled rows again, in their places.

    Raises NotAllowed, Conflict if there are none, and what `runs.start` raises.
    """
    with transaction.atomic():
        # Before looking, so that of two who ask together one finds the rows started again.
        limits.lock(batch.owner)
        found = steered(actor, batch)
        ended = [run for run in found if run.status in RETRIED]
        if not ended:
            raise Conflict("No row of the batch has failed or was cancelled.")
        one_more = not batch.runs.filter(status__in=LIVE).exists()
        limits.take_start(batch.owner, [(run.engine, run.clinic) for run in ended], one_more=one_more)
        for run in ended:
            runs.queue(run.owner, run.clinic, run.kind, run.input, parent=run, batch=batch, row=run.row)
    return batch


def steered(actor: User, batch: Batch) -> list[Run]:
    """The rows that they may steer. Raises NotAllowed if they only look at all of them."""
    found = list(rows(batch, actor))
    theirs = [run for run in found if rights.may_steer(actor, run)]
    if found and not theirs:
        raise NotAllowed(rights.NOT_THEIRS)
    return theirs


def status_of(found: Sequence[Run]) -> str:
    """What a batch is, in the words of a run's states."""
    states = {run.status for run in found}
    if not states & set(LIVE):
        for state in (Status.FAILED, Status.CANCELLED):
            if state in states:
                return state.value
        return Status.SUCCEEDED.value
    live = states & set(LIVE)
    for state in (Status.CANCELLING, Status.PAUSED, Status.QUEUED):
        if live == {state} and not (state == Status.QUEUED and states & set(ENDED)):
            return state.value
    return Status.RUNNING.value


def counts_of(found: Sequence[Run]) -> dict[str, int]:
    return dict(Counter(run.status for run in found))


def progress_of(found: Sequence[Run]) -> float:
    """The mean of the rows, one that has ended counting as whole."""
    return round(sum(100.0 if run.status in ENDED else run.progress for run in found) / max(len(found), 1), 1)


def eta_of(found: Sequence[Run]) -> dict[str, Any] | None:
    """When the last of these rows will have ended, as many at a time as the batch allows.

    None when none is left, when one is paused, or when nothing can be said of one.
    """
    return None if any(run.status == Status.PAUSED for run in found) else waiting.eta_of_last(found)
