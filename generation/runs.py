"""What a person may do to a run. Sync: transactions and conditional updates."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from generation import events, programs
from generation.errors import Conflict, Invalid, NotFound, RateLimited, TooManyRuns
from generation.executors import executor
from generation.models import Clinic, Run, User
from generation.models.runs import ENDED, LIVE, Status
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers import choose, configured
from metrics.estimator import estimate


def visible_to(actor: User) -> QuerySet[Run]:
    """The runs that exist for this person: their own, their clinics', and for staff all."""
    runs = Run.objects.select_related("owner", "clinic", "parent")
    if actor.is_staff:
        return runs
    return runs.filter(Q(owner=actor) | Q(clinic__in=actor.clinics.all()))


def get_run_for(actor: User, run_id: str | uuid.UUID) -> Run:
    """The one way to a run by its public id. Raises NotFound, whether it is missing or somebody else's."""
    try:
        uid = run_id if isinstance(run_id, uuid.UUID) else uuid.UUID(run_id)
        return visible_to(actor).get(uid=uid)
    except (ValueError, Run.DoesNotExist):
        raise NotFound from None


def clinic_for(owner: User, clinic_id: str | None) -> Clinic | None:
    """The clinic a run belongs to: the named one, else the owner's only one. Raises Invalid."""
    clinics = list(owner.clinics.all()[:2]) if clinic_id is None else list(owner.clinics.filter(pk=clinic_id))
    if clinic_id is None:
        return clinics[0] if len(clinics) == 1 else None
    if not clinics:
        raise Invalid(fields={"clinic_id": ["There is no such clinic among yours."]})
    return clinics[0]


def start(owner: User, kind: str, cleaned: Mapping[str, Any]) -> Run:
    """Queue a run: row, first event and dispatch in one transaction.

    `cleaned` is the kind's validated input with `language` and `engine`. Raises Invalid, TooManyRuns,
    RateLimited.
    """
    engine = cleaned.get("engine", "auto")
    if engine not in configured():
        raise Invalid(fields={"engine": ["No model is configured on this server."]})
    clinic = clinic_for(owner, cleaned.get("clinic_id"))
    with transaction.atomic():
        # One start at a time per person, so that the limits hold whatever arrives together.
        User.objects.select_for_update(no_key=True).get(pk=owner.pk)
        refuse_over_limits(owner)
        run = Run.objects.create(
            kind=kind,
            owner=owner,
            clinic=clinic,
            input=dict(cleaned),
            language=cleaned.get("language") or owner.language,
            engine=engine,
        )
        position = Run.objects.filter(status=Status.QUEUED, pk__lt=run.pk).count() + 1
        eta = estimate(kind, stage_codes(PIPELINES[kind]), choose(engine).name)
        events.append_unheld(run, ("queued", {"position": position, "eta": eta}))
        Run.objects.filter(pk=run.pk).update(last_seq=run.last_seq)
        transaction.on_commit(lambda: executor().submit(run.pk))
    return run


def refuse_over_limits(owner: User) -> None:
    mine = Run.objects.filter(owner=owner)
    if mine.filter(status__in=LIVE).count() >= settings.MAX_ACTIVE_RUNS_PER_USER:
        raise TooManyRuns(retry_after_s=5)
    minute_ago = timezone.now() - timedelta(minutes=1)
    recent = mine.filter(created_at__gt=minute_ago).order_by("created_at").values_list("created_at", flat=True)
    if len(recent) >= settings.MAX_STARTS_PER_MINUTE:
        wait = (recent[len(recent) - settings.MAX_STARTS_PER_MINUTE] - minute_ago).total_seconds()
        raise RateLimited(retry_after_s=max(1, round(wait)))


def cancel(actor: User, run_id: str | uuid.UUID, reason: str = "user") -> tuple[Run, bool]:
    """Ask a run to stop. Returns it, and whether this call changed anything.

    A run that nobody holds is cancelled at once; a held one becomes `cancelling`, and its worker ends it.
    Raises NotFound, and Conflict once it has succeeded or failed.
    """
    with transaction.atomic():
        run = get_run_for(actor, run_id)
        row = Run.objects.filter(pk=run.pk)
        run.refresh_from_db(fields=("status", "epoch", "holder"), from_queryset=row.select_for_update(no_key=True))
        if run.status in (Status.CANCELLING, Status.CANCELLED):
            return run, False
        if run.status in ENDED:
            raise Conflict(f"The run has {run.status}; there is nothing to cancel.")
        run.cancelled_by, run.cancel_reason = actor.get_username(), reason
        asked = {"cancelled_by": run.cancelled_by, "cancel_reason": reason, "cancel_requested_at": Now()}
        if run.holder is not None:
            row.update(status=Status.CANCELLING, **asked)
        else:
            row.update(epoch=F("epoch") + 1)
            run.last_seq, _ = events.head(run.pk)
            events.append_unheld(run, ("cancelled", run.cancellation))
            programs.discard(run)
            row.update(status=Status.CANCELLED, finished_at=Now(), last_seq=run.last_seq, **asked)
        transaction.on_commit(lambda: executor().cancel(run))
    run.refresh_from_db()
    return run, True
