"""What many runs say together: counts, percentiles, failures, cost, and how well they were foretold.

Nothing is said of one run or person. A group is a kind's stage, or for forecasts a kind and who wrote, within a day
where days are asked for. No figure rests on fewer than LEAST runs: a smaller group is left out and only counted, and a
figure that too few runs of a group speak for is None.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Count, DateField, F, Q, QuerySet, Sum, Window
from django.db.models.functions import Abs, Cast, RowNumber

from metrics.models import Forecast, GenerationMetric

LEAST = 5
# So many forecasts tell how well a kind of run is foretold; older ones say little of today.
LATEST = 1_000
Outcome = GenerationMetric.Outcome
BROKEN = (Outcome.FAILED, Outcome.LOST)
# Connections speak UTC. TruncDate would call back into Python for each row on SQLite, five times the work.
DAY = Cast("created_at", DateField())


def summary(found: QuerySet[GenerationMetric], *, by_day: bool) -> tuple[list[dict[str, Any]], int]:
    """A row for each group in the order of bucket, kind and stage, and the number of groups too small to show.

    A row is `{"bucket", "kind", "stage", "count", "p50", "p90", "failure_rate", "cost_usd"}`. `bucket` is an ISO date
    in UTC, None without days. `count` is of attempts at the stage, however they ended. The percentiles are of those
    that succeeded, in milliseconds, since a stage that was cut off says nothing of how long it takes. The failure
    rate, 0 to 1, is of those that were neither cancelled nor paused; a lost worker is a failure. The cost sums the
    attempts that know theirs. The database does the counting and sorting; memory grows with the groups alone.
    """
    keys: tuple[str, ...] = ("kind", "stage")
    metrics = found.order_by()
    if by_day:
        keys, metrics = ("day", *keys), metrics.annotate(day=DAY)
    succeeded, costed = Q(outcome=Outcome.SUCCEEDED), Q(cost_usd__isnull=False)
    groups = metrics.values(*keys).annotate(
        count=Count("pk"),
        succeeded=Count("pk", filter=succeeded),
        broken=Count("pk", filter=Q(outcome__in=BROKEN)),
        cost=Sum("cost_usd"),
        costed=Count("pk", filter=costed),
        costed_succeeded=Count("pk", filter=costed & succeeded),
    )
    typical = percentiles(metrics.filter(succeeded), keys, "duration_ms", (50, 90))
    return shown(list(groups.order_by(*keys)), typical, metrics, keys)


def shown(
    groups: Sequence[Mapping[str, Any]],
    typical: Mapping[tuple[Any, ...], tuple[int, ...]],
    metrics: QuerySet[GenerationMetric],
    keys: Sequence[str],
) -> tuple[list[dict[str, Any]], int]:
    """The rows of `summary` for these groups, with their p50 and p90 by key, and how many groups are too small.

    A group has the keys, `count`, `succeeded`, `broken`, `cost`, `costed` and `costed_succeeded`; the last may be less
    than it is. `metrics` are asked for their runs where the counts leave that open.
    """
    # A run succeeds in a stage once, so what succeeded counts runs.
    runs = runs_behind(metrics, keys, [group for group in groups if in_doubt(group)])
    rows, suppressed = [], 0
    for group in groups:
        key = tuple(group[name] for name in keys)
        fewest = Runs(group["succeeded"], group["succeeded"], group["costed_succeeded"])
        behind = runs.get(key, fewest)
        if behind.ended < LEAST:
            suppressed += 1
            continue
        p50, p90 = typical.get(key, (None, None))
        settled = group["succeeded"] + group["broken"]
        rows.append(
            {
                "bucket": bucket_of(group),
                "kind": group["kind"],
                "stage": group["stage"],
                "count": group["count"],
                "p50": p50,
                "p90": p90,
                "failure_rate": round(group["broken"] / settled, 4) if behind.settled >= LEAST else None,
                "cost_usd": float(group["cost"]) if behind.costed >= LEAST else None,
            }
        )
    return rows, suppressed


def bucket_of(group: Mapping[str, Any]) -> str | None:
    return group["day"].isoformat() if "day" in group else None


class Runs(NamedTuple):
    """How many runs stand behind the figures of a group."""

    ended: int
    settled: int
    costed: int


def in_doubt(group: Mapping[str, Any]) -> bool:
    """Whether a group has attempts enough, but only runs that did not succeed could make it large enough."""
    return any(
        group[attempts] >= LEAST > group[certain]
        for attempts, certain in (("count", "succeeded"), ("costed", "costed_succeeded"))
    )


def runs_behind(
    metrics: QuerySet[GenerationMetric], keys: Sequence[str], groups: Sequence[Mapping[str, Any]]
) -> dict[tuple[Any, ...], Runs]:
    """Count the runs of these groups one by one. Asked of all groups, it would take longer than all the rest."""
    if not groups:
        return {}
    around = metrics.filter(**{f"{name}__in": {group[name] for group in groups} for name in keys})
    counted = around.values(*keys).annotate(
        ended=Count("run_id", distinct=True),
        settled=Count("run_id", filter=Q(outcome__in=(Outcome.SUCCEEDED, *BROKEN)), distinct=True),
        costed=Count("run_id", filter=Q(cost_usd__isnull=False), distinct=True),
    )
    rows = counted.values_list(*keys, *Runs._fields)
    return {row[: len(keys)]: Runs(*row[len(keys) :]) for row in rows}


def calibration(found: QuerySet[Forecast], *, by_day: bool) -> tuple[list[dict[str, Any]], int]:
    """How well runs were foretold, by kind and who wrote, and the number of groups too small to show.

    A row is `{"bucket", "kind", "provider", "model", "forecasts", "coverage", "error_ms", "relative_error"}`, in the
    order of the first four; `bucket` as in `summary`. `forecasts` is how many were kept and scored, `coverage` the
    share of them, 0 to 1, whose range held what was true. `error_ms` is the mean distance of an estimate from the
    truth, and `relative_error` that distance as a share of the mean of what truly remained; None where nothing did.
    Estimates from shipped defaults are left out, as the correction of the ranges leaves them out.
    """
    keys: tuple[str, ...] = ("kind", "provider", "model")
    forecasts = found.filter(from_history=True).order_by()
    if by_day:
        keys, forecasts = ("day", *keys), forecasts.annotate(day=DAY)
    groups = forecasts.values(*keys).annotate(
        count=Count("pk"),
        runs=Count("run_id", distinct=True),
        within=Count("pk", filter=Q(low_ms__lte=F("true_ms"), high_ms__gte=F("true_ms"))),
        off=Sum(Abs(F("ms") - F("true_ms"))),
        remained=Sum("true_ms"),
    )
    return scored(groups.order_by(*keys))


def scored(groups: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """The rows of `calibration` for these groups, and how many of them are too small.

    A group has the keys, `count` and `within` of forecasts, `runs`, and sums of milliseconds: `off` of the distances
    and `remained` of what was true.
    """
    rows, suppressed = [], 0
    for group in groups:
        if group["runs"] < LEAST:
            suppressed += 1
            continue
        rows.append(
            {
                "bucket": bucket_of(group),
                "kind": group["kind"],
                "provider": group["provider"],
                "model": group["model"],
                "forecasts": group["count"],
                "coverage": round(group["within"] / group["count"], 4),
                "error_ms": round(group["off"] / group["count"]),
                "relative_error": round(float(group["off"] / group["remained"]), 4) if group["remained"] else None,
            }
        )
    return rows, suppressed


def reliability(kind: str, provider: str, model: str, since: datetime) -> dict[str, Any] | None:
    """How often the latest estimates of a kind of run by one writer held, of those that history stood behind.

    `{"coverage", "forecasts", "since"}`: a share, 0 to 1, of so many forecasts since a moment. None when they are of
    fewer than LEAST runs. At most LATEST forecasts after `since` are looked at.
    """
    kept = Forecast.objects.filter(kind=kind, provider=provider, model=model, from_history=True, created_at__gte=since)
    latest = list(kept.only("run_id", "low_ms", "high_ms", "true_ms", "created_at").order_by("-created_at")[:LATEST])
    if len({forecast.run_id for forecast in latest}) < LEAST:
        return None
    held = sum(forecast.held for forecast in latest)
    return {
        "coverage": round(held / len(latest), 4),
        "forecasts": len(latest),
        "since": latest[-1].created_at,
    }


def percentiles(
    found: QuerySet[Any], keys: Sequence[str], measure: str, percents: Sequence[int]
) -> dict[tuple[Any, ...], tuple[int, ...]]:
    """These percentiles of each group of at least LEAST rows, whole numbers, interpolated between neighbours."""
    group = [F(key) for key in keys]
    ranked = found.annotate(
        rank=Window(RowNumber(), partition_by=group, order_by=measure) - 1,
        last=Window(Count("pk"), partition_by=group) - 1,
    )
    # A place between the first and the last lies between two neighbours at most.
    near = Q()
    for percent in percents:
        near |= Q(rank__gt=F("last") * (percent / 100) - 1, rank__lt=F("last") * (percent / 100) + 1)
    neighbours = ranked.filter(near, last__gte=LEAST - 1)
    measures: dict[tuple[Any, ...], dict[int, int]] = {}
    lasts: dict[tuple[Any, ...], int] = {}
    for *key, rank, last, value in neighbours.values_list(*keys, "rank", "last", measure):
        measures.setdefault(tuple(key), {})[rank] = value
        lasts[tuple(key)] = last
    return {key: tuple(at(percent, lasts[key], values) for percent in percents) for key, values in measures.items()}


def at(percent: int, last: int, values: Mapping[int, float]) -> int:
    """The value at this percent of the way from rank 0 to rank `last`."""
    below, rest = divmod(last * percent, 100)
    above = values[below + 1] if rest else values[below]
    return round(values[below] + (above - values[below]) * rest / 100)
