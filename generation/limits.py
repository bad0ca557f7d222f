"""What one person may start at once and in a minute (wire.md 1.5), and what their clinics can pay for."""

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from generation import spending
from generation.errors import RateLimited, TooManyRuns
from generation.models import Batch, Clinic, Run, Start, User, Visits
from generation.models.runs import LIVE

MINUTE = timedelta(minutes=1)
# Each reads and redacts a case and chooses exercises for it, as a run does.
MOST_PREVIEWS_A_MINUTE = 60


def lock(owner: User) -> None:
    """Let nobody else start anything for this person until the caller's transaction ends."""
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)


def take_start(owner: User, starts: Iterable[tuple[str, Clinic | None]], *, one_more: bool = True) -> None:
    """Count a start of work, within the caller's transaction. Raises BudgetSpent, TooManyRuns, RateLimited.

    `starts` are the engine and the clinic of each run that it makes. `one_more` says that it adds to what the person
    has active; a batch counts as one, however many rows it has.
    """
    # Counted and added under the lock, so that the limits hold whatever arrives together.
    lock(owner)
    spending.require_budget(starts)
    if one_more and active(owner) >= settings.MAX_ACTIVE_RUNS_PER_USER:
        raise TooManyRuns(retry_after_s=5)
    now = timezone.now()
    recent = list(Start.objects.filter(user=owner, at__gt=now - MINUTE).order_by("at").values_list("at", flat=True))
    if len(recent) >= settings.MAX_STARTS_PER_MINUTE:
        wait = recent[len(recent) - settings.MAX_STARTS_PER_MINUTE] + MINUTE - now
        raise RateLimited(retry_after_s=max(1, round(wait.total_seconds())))
    Start.objects.create(user=owner, at=now)


def take_preview(actor: User) -> None:
    """Count a preview, which is no start. Raises RateLimited."""
    now = timezone.now().timestamp()
    who = salted_hmac("generation.previews", str(actor.pk), algorithm="sha256").digest()
    counted = Visits.objects.filter(visitor=who, minute=int(now) // 60)
    with transaction.atomic():
        Visits.objects.bulk_create([Visits(visitor=who, minute=int(now) // 60)], ignore_conflicts=True)
        if not counted.filter(count__lt=MOST_PREVIEWS_A_MINUTE).update(count=F("count") + 1):
            raise RateLimited(retry_after_s=60 - int(now) % 60)


def active(owner: User) -> int:
    alone = Run.objects.filter(owner=owner, batch=None, status__in=LIVE).count()
    return alone + Batch.objects.filter(owner=owner, runs__status__in=LIVE).distinct().count()
