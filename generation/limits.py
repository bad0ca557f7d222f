"""What one person may start at once and in a minute (wire.md 1.5)."""

from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from generation.errors import RateLimited, TooManyRuns
from generation.models import Batch, Run, Start, User
from generation.models.runs import LIVE

MINUTE = timedelta(minutes=1)


def lock(owner: User) -> None:
    """Let nobody else start anything for this person until the caller's transaction ends."""
    User.objects.select_for_update(no_key=True).get(pk=owner.pk)


def take_start(owner: User, *, one_more: bool = True) -> None:
    """Count a start of work, within the caller's transaction. Raises TooManyRuns, RateLimited.

    `one_more` says that it adds to what the person has active; a batch counts as one, however many rows it has.
    """
    # Counted and added under the lock, so that the limits hold whatever arrives together.
    lock(owner)
    if one_more and active(owner) >= settings.MAX_ACTIVE_RUNS_PER_USER:
        raise TooManyRuns(retry_after_s=5)
    now = timezone.now()
    recent = list(Start.objects.filter(user=owner, at__gt=now - MINUTE).order_by("at").values_list("at", flat=True))
    if len(recent) >= settings.MAX_STARTS_PER_MINUTE:
        wait = recent[len(recent) - settings.MAX_STARTS_PER_MINUTE] + MINUTE - now
        raise RateLimited(retry_after_s=max(1, round(wait.total_seconds())))
    Start.objects.create(user=owner, at=now)


def active(owner: User) -> int:
    alone = Run.objects.filter(owner=owner, batch=None, status__in=LIVE).count()
    return alone + Batch.objects.filter(owner=owner, runs__status__in=LIVE).distinct().count()
