"""How long history is kept; what has been learned from it, and its daily summaries, stay."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from metrics.models import Forecast, GenerationMetric, Learning, RunMetric

ROWS_AT_ONCE = 1000


@dataclass
class Pruned:
    """Rows that went, or would go."""

    stages: int = 0
    runs: int = 0
    forecasts: int = 0


def kept_since(days: int | None = None) -> datetime:
    """The beginning of the day in UTC, so many days ago [METRICS_RETENTION_DAYS], from which on history is kept."""
    days = settings.METRICS_RETENTION_DAYS if days is None else days
    try:
        kept = timezone.now().astimezone(UTC) - timedelta(days=days)
    except OverflowError:
        kept = datetime.min.replace(tzinfo=UTC)
    return kept.replace(hour=0, minute=0, second=0, microsecond=0)


def remembered_since() -> datetime:
    """The moment from which on history is kept and was not pruned: what lies before it may be in the profiles."""
    pruned = Learning.objects.filter(pk=1).values_list("pruned_before", flat=True).first()
    return max(kept_since(), pruned) if pruned else kept_since()


def past(before: datetime) -> dict[str, QuerySet[Any]]:
    """What is older than that, by the names of `Pruned`; a row that nothing was learned from yet is not."""
    return {
        "stages": GenerationMetric.objects.filter(created_at__lt=before, learned__isnull=False),
        "runs": RunMetric.objects.filter(created_at__lt=before, learned__isnull=False),
        "forecasts": Forecast.objects.filter(created_at__lt=before),
    }


def count(before: datetime) -> Pruned:
    return Pruned(**{name: rows.count() for name, rows in past(before).items()})


def prune(before: datetime) -> Pruned:
    gone = Pruned()
    for _ in pruning(before, gone):
        pass
    return gone


def pruning(before: datetime, gone: Pruned) -> Iterator[int]:
    """Delete what is past, a thousand rows in a transaction so that nobody waits long; yields how many went each time.

    `gone` is counted up.
    """
    Learning.objects.get_or_create(pk=1)
    already = Q(pruned_before=None) | Q(pruned_before__lt=before)
    Learning.objects.filter(already, pk=1).update(pruned_before=before)
    for name, rows in past(before).items():
        while keys := list(rows.order_by("created_at").values_list("pk", flat=True)[:ROWS_AT_ONCE]):
            rows.model._default_manager.filter(pk__in=keys).delete()
            setattr(gone, name, getattr(gone, name) + len(keys))
            yield len(keys)
