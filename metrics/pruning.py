"""How long history is kept; what has been learned from it, and its daily summaries, stay."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils import timezone

from metrics.models import Forecast, GenerationMetric, RunMetric

ROWS_AT_ONCE = 1000


@dataclass
class Pruned:
    """Rows that went, or would go."""

    stages: int = 0
    runs: int = 0
    forecasts: int = 0


def kept_since(days: int | None = None) -> datetime:
    """The beginning of the day in UTC, so many days ago [METRICS_RETENTION_DAYS], from which on history is kept."""
    kept = timezone.now().astimezone(UTC) - timedelta(days=settings.METRICS_RETENTION_DAYS if days is None else days)
    return kept.replace(hour=0, minute=0, second=0, microsecond=0)


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
    for name, rows in past(before).items():
        while keys := list(rows.order_by("created_at").values_list("pk", flat=True)[:ROWS_AT_ONCE]):
            rows.model._default_manager.filter(pk__in=keys).delete()
            setattr(gone, name, getattr(gone, name) + len(keys))
            yield len(keys)
