"""What many runs say together: counts, percentiles, failures and cost, and nothing of one run or person.

A group is a kind's stage, within a day where days are asked for. No figure rests on fewer than LEAST runs: a smaller
group is left out and only counted, and a figure that too few runs of a group speak for is None.
"""

from typing import Any

from django.db.models import Count, DateField, F, Q, QuerySet, Sum, Window
from django.db.models.functions import Cast, RowNumber

from metrics.models import GenerationMetric

LEAST = 5
Outcome = GenerationMetric.Outcome
BROKEN = (Outcome.FAILED, Outcome.LOST)


def summary(found: QuerySet[GenerationMetric], *, by_day: bool) -> tuple[list[dict[str, Any]], int]:
    """A row for each group in the order of bucket, kind and stage, and the number of groups too small to show.

    A row is `{"bucket", "kind", "stage", "count", "p50", "p90", "failure_rate", "cost_usd"}`. `bucket` is an ISO date
    in UTC, None without days. `count` is of attempts at the stage, however they ended. The percentiles are of those
    that succeeded, in milliseconds, since a stage that was cut off says nothing of how long it takes. The failure
    rate, 0 to 1, is of those that were neither cancelled nor paused; a lost worker is a failure. The cost sums the
    attempts that know theirs. The database does the counting and sorting; memory grows with the groups alone.
    """
    keys = ("day", "kind", "stage") if by_day else ("kind", "stage")
    metrics = found.order_by()
    if by_day:
        # Connections speak UTC. TruncDate would call back into Python for each row on SQLite, five times the work.
        metrics = metrics.annotate(day=Cast("created_at", DateField()))
    settled = Q(outcome__in=(Outcome.SUCCEEDED, *BROKEN))
    groups = metrics.values(*keys).annotate(
        count=Count("pk"),
        runs=Count("run_id", distinct=True),
        broken=Count("pk", filter=Q(outcome__in=BROKEN)),
        settled=Count("pk", filter=settled),
        settled_runs=Count("run_id", filter=settled, distinct=True),
        cost=Sum("cost_usd"),
        cost_runs=Count("run_id", filter=Q(cost_usd__isnull=False), distinct=True),
    )
    typical = percentiles(metrics.filter(outcome=Outcome.SUCCEEDED), keys)
    rows, suppressed = [], 0
    for group in groups.order_by(*keys):
        if group["runs"] < LEAST:
            suppressed += 1
            continue
        p50, p90 = typical.get(tuple(group[key] for key in keys), (None, None))
        failure_rate = round(group["broken"] / group["settled"], 4) if group["settled_runs"] >= LEAST else None
        rows.append(
            {
                "bucket": group["day"].isoformat() if by_day else None,
                "kind": group["kind"],
                "stage": group["stage"],
                "count": group["count"],
                "p50": p50,
                "p90": p90,
                "failure_rate": failure_rate,
                "cost_usd": float(group["cost"]) if group["cost_runs"] >= LEAST else None,
            }
        )
    return rows, suppressed


def percentiles(succeeded: QuerySet[GenerationMetric], keys: tuple[str, ...]) -> dict[tuple[Any, ...], tuple[int, int]]:
    """The median and the 90th percentile of each group of at least LEAST durations, in whole milliseconds.

    Interpolated between neighbours, as the estimator does. A run succeeds in a stage once, so durations count runs.
    """
    group = [F(key) for key in keys]
    ranked = succeeded.annotate(
        rank=Window(RowNumber(), partition_by=group, order_by="duration_ms") - 1,
        last=Window(Count("pk"), partition_by=group) - 1,
    )
    # The places 0.5·last and 0.9·last lie between two neighbours at most.
    near_median = Q(rank__gt=F("last") / 2.0 - 1, rank__lt=F("last") / 2.0 + 1)
    near_90th = Q(rank__gt=F("last") * 0.9 - 1, rank__lt=F("last") * 0.9 + 1)
    neighbours = ranked.filter(near_median | near_90th, last__gte=LEAST - 1)
    durations: dict[tuple[Any, ...], dict[int, int]] = {}
    lasts: dict[tuple[Any, ...], int] = {}
    for *key, rank, last, duration in neighbours.values_list(*keys, "rank", "last", "duration_ms"):
        durations.setdefault(tuple(key), {})[rank] = duration
        lasts[tuple(key)] = last
    return {key: (at(50, lasts[key], found), at(90, lasts[key], found)) for key, found in durations.items()}


def at(percent: int, last: int, durations: dict[int, int]) -> int:
    """The duration at this percent of the way from rank 0 to rank `last`."""
    below, rest = divmod(last * percent, 100)
    above = durations[below + 1] if rest else durations[below]
    return round(durations[below] + (above - durations[below]) * rest / 100)
