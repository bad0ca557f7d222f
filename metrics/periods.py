"""What a part of the history says together: counted row by row, or where it is long, from its daily summaries.

Summaries are read for more than LONG of whole days in UTC: some thousand rows instead of a million. They have counted
what was learned, a second or so after it ended, and outlive the rows. A p50 or p90 from them is within 4.5 %.
"""

import uuid
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import accumulate
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet, Sum

from metrics import aggregates
from metrics.aggregates import BROKEN, DAY, LEAST, at
from metrics.histogram import Histogram, edge
from metrics.models import DailySummary, Forecast, GenerationMetric
from metrics.summaries import ALL, Tally, clinic_name

LONG = timedelta(days=31)
# A period that ended so lately is one until now: what ends after it was asked for may be counted too.
NOW = timedelta(minutes=1)
OUTCOMES = GenerationMetric.Outcome.values
COUNTS = (*OUTCOMES, "cost_usd", "costed")

Key = tuple[Any, ...]
Rows = tuple[list[dict[str, Any]], int]


class Part(NamedTuple):
    """The history from one moment until before another, in these clinics or (None) all of them.

    `only` has the value of each of `kind`, `stage`, `provider` and `model` that matters.
    """

    begin: datetime
    end: datetime
    clinics: Sequence[uuid.UUID] | None
    only: Mapping[str, str]

    def of_rows(self) -> Q:
        here = Q() if self.clinics is None else Q(clinic_id__in=self.clinics)
        return here & Q(created_at__gte=self.begin, created_at__lt=self.end, **self.only)

    def days(self) -> tuple[date, date] | None:
        """The first and the last day of a long part that is of whole days."""
        begin, end = self.begin.astimezone(UTC), self.end.astimezone(UTC)
        whole = begin.time() == time.min and (end.time() == time.min or datetime.now(UTC) - end < NOW)
        return (begin.date(), (end - timedelta.resolution).date()) if whole and end - begin > LONG else None

    def of_summaries(self, days: tuple[date, date]) -> QuerySet[DailySummary]:
        """Those of each writer and of all together, runs and stages alike: a caller takes one of each."""
        clinics = [ALL] if self.clinics is None else [clinic_name(clinic) for clinic in self.clinics]
        return DailySummary.objects.filter(day__range=days, clinic__in=clinics, **self.only).order_by()


def summary(part: Part, *, by_day: bool) -> Rows:
    """As `aggregates.summary`."""
    metrics = GenerationMetric.objects.filter(part.of_rows()).order_by()
    if (days := part.days()) is None:
        return aggregates.summary(metrics, by_day=by_day)
    found = part.of_summaries(days).exclude(stage="")
    if "provider" in part.only or "model" in part.only:
        found = found.exclude(provider=ALL)
    else:
        found = found.filter(provider=ALL, model=ALL)
    keys = keys_of("kind", "stage", by_day=by_day)
    tallies: defaultdict[Key, Tally] = defaultdict(Tally)
    for row in found.values_list(*keys, *COUNTS, "times", named=True):
        tally = tallies[tuple(getattr(row, name) for name in keys)]
        tally.sums.update({name: getattr(row, name) for name in COUNTS})
        if "duration" in row.times:
            tally.times["duration"].merge(Histogram.of(row.times["duration"]))
    groups = [{**dict(zip(keys, key, strict=True)), **counts_of(tallies[key].sums)} for key in sorted(tallies)]
    typical = {
        key: percentiles(tally.times["duration"], (50, 90))
        for key, tally in tallies.items()
        if tally.sums["succeeded"] >= LEAST
    }
    return aggregates.shown(groups, typical, metrics.annotate(day=DAY) if by_day else metrics, keys)


def counts_of(sums: Mapping[str, Any]) -> dict[str, Any]:
    """What `aggregates.shown` is to know of a group."""
    count = sum(sums[outcome] for outcome in OUTCOMES)
    return {
        "count": count,
        "succeeded": sums["succeeded"],
        "broken": sum(sums[outcome] for outcome in BROKEN),
        "cost": sums["cost_usd"],
        "costed": sums["costed"],
        # At least so many: the others can be all of those that did not succeed.
        "costed_succeeded": max(0, sums["costed"] + sums["succeeded"] - count),
    }


def percentiles(times: Histogram, percents: Sequence[int]) -> tuple[int, ...]:
    """As `aggregates.percentiles`, where each number is taken for the middle of its bin."""
    bins, last = sorted(times.weights), round(times.total) - 1
    ends = [*accumulate(times.weights[index] for index in bins)]
    # What weighs next to nothing was forgotten, so the last ranks may lie beyond the last bin.
    middles = {
        rank: edge(bins[min(bisect_right(ends, rank), len(bins) - 1)] + 0.5)
        for percent in percents
        for rank in (last * percent // 100, last * percent // 100 + 1)
    }
    return tuple(at(percent, last, middles) for percent in percents)


def calibration(part: Part, *, by_day: bool) -> Rows:
    """As `aggregates.calibration`. Summaries know no stage of a forecast: where one is asked for, rows are counted."""
    days = None if "stage" in part.only else part.days()
    if days is None:
        return aggregates.calibration(Forecast.objects.filter(part.of_rows()), by_day=by_day)
    found = part.of_summaries(days).filter(stage="", forecasts__gt=0).exclude(provider=ALL)
    keys = keys_of("kind", "provider", "model", by_day=by_day)
    # Other names than those of the fields, which they would hide from each other.
    groups = found.values(*keys).annotate(
        count=Sum("forecasts"),
        within=Sum("held"),
        runs=Sum("forecast_runs"),
        off=Sum("error_ms"),
        remained=Sum("true_ms"),
    )
    return aggregates.scored(groups.order_by(*keys))


def keys_of(*keys: str, by_day: bool) -> tuple[str, ...]:
    return ("day", *keys) if by_day else keys
