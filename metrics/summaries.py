"""How each day adds up, so that a page over months reads some hundred rows and not a million.

A metric is counted once: live when it is learned (`add`), or when its day is counted again from its rows (`rebuild`),
which gives the same. Both are for holders of the lock of the `Learning` row.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice, product
from typing import Any, NamedTuple

from django.db.models import Aggregate, Count, QuerySet, Sum, TextField

from metrics.histogram import Histogram, bin_of
from metrics.models import DailySummary, Forecast, GenerationMetric, RunMetric

ALL = DailySummary.ALL
# Of so many rows each statement is made, and so many are held at a time.
BATCH = 500
PAGE = 5_000


class Key(NamedTuple):
    """What a row of `DailySummary` is of."""

    day: date
    kind: str
    stage: str
    provider: str
    model: str
    clinic: str

    def levels(self) -> Iterable["Key"]:
        for (provider, model), clinic in product(((self.provider, self.model), (ALL, ALL)), (self.clinic, ALL)):
            yield self._replace(provider=provider, model=model, clinic=clinic)


SUMS = (
    "succeeded", "failed", "cancelled", "lost", "paused", "duration_ms", "first_event_ms", "input_tokens",
    "output_tokens", "cost_usd", "costed", "forecasts", "held", "forecast_runs", "error_ms", "true_ms",
)  # fmt: skip
KEPT = (*SUMS, "times", "errors")


class Tally:
    """What a row of `DailySummary` holds, while it is being added up."""

    __slots__ = ("errors", "sums", "times")

    def __init__(self) -> None:
        self.sums: Counter[str] = Counter()
        self.times: defaultdict[str, Histogram] = defaultdict(Histogram)
        self.errors: Counter[str] = Counter()

    def add_stages(self, outcome: str, durations: Collection[int], cost_usd: Decimal | None, costed: int) -> None:
        """As many stages as durations in milliseconds, all of which ended the same way.

        `costed` of them know their cost, which is `cost_usd` in all.
        """
        self.sums[outcome] += len(durations)
        if costed:
            self.sums["cost_usd"] += cost_usd or 0  # type: ignore[assignment]
            self.sums["costed"] += costed
        if outcome == GenerationMetric.Outcome.SUCCEEDED:
            self.sums["duration_ms"] += sum(durations)
            for index, count in Counter(map(bin_of, durations)).items():
                self.times["duration"].add_bin(index, count)

    def add_run(self, run: Any, forecasts: Iterable[Forecast]) -> None:
        sums = self.sums
        sums[run.outcome] += 1
        if run.outcome == RunMetric.Outcome.SUCCEEDED:
            sums["duration_ms"] += run.duration_ms
            self.times["duration"].add(run.duration_ms)
        elif run.outcome == RunMetric.Outcome.FAILED:
            self.errors[run.error_code] += 1
        sums["first_event_ms"] += run.first_event_ms or 0
        for name in ("first_event", "first_item", "cancel"):
            if (waited_ms := getattr(run, f"{name}_ms")) is not None:
                self.times[name].add(waited_ms)
        sums["input_tokens"] += run.input_tokens
        sums["output_tokens"] += run.output_tokens
        if run.cost_usd is not None:
            sums["cost_usd"] += run.cost_usd
            sums["costed"] += 1
        # Of shipped defaults no history is to blame, so they are not scored.
        for number, forecast in enumerate(each for each in forecasts if each.from_history):
            sums["forecast_runs"] += number == 0
            sums["forecasts"] += 1
            sums["held"] += forecast.held
            sums["error_ms"] += abs(forecast.ms - forecast.true_ms)
            sums["true_ms"] += forecast.true_ms

    def merge(self, other: "Tally") -> None:
        self.sums.update(other.sums)
        self.errors.update(other.errors)
        for name, histogram in other.times.items():
            self.times[name].merge(histogram)

    def row(self, key: Key) -> DailySummary:
        times = {name: histogram.state() for name, histogram in sorted(self.times.items())}
        return DailySummary(**key._asdict(), **self.sums, times=times, errors=dict(sorted(self.errors.items())))

    @classmethod
    def of(cls, row: DailySummary) -> "Tally":
        found = cls()
        found.sums.update({name: getattr(row, name) for name in SUMS})
        found.errors.update(row.errors)
        found.times.update({name: Histogram.of(state) for name, state in row.times.items()})
        return found


def add(stages: Iterable[GenerationMetric], runs: Iterable[RunMetric]) -> None:
    """Count these metrics, each of which must never be given again, in the caller's transaction and under its lock.

    The forecasts of the runs are read from the database, so they must have been kept before. Whatever the number of
    metrics, it takes a read of forecasts for each BATCH runs, a read of the days that are touched and a write of them.
    """
    tallies = at_all_levels(counted(stages, runs))
    if not tallies:
        return
    # More than what is touched, if these are of different kinds: other rows of the same few days.
    touched = {f"{name}__in": {getattr(key, name) for key in tallies} for name in Key._fields}
    for row in DailySummary.objects.filter(**touched):
        key = Key(*(getattr(row, name) for name in Key._fields))
        if key in tallies:
            tallies[key].merge(Tally.of(row))
    DailySummary.objects.bulk_create(
        [tally.row(key) for key, tally in tallies.items()],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=Key._fields,
        update_fields=KEPT,
    )


def rebuild(day: date) -> int:
    """Count a day anew from those of its rows that were learned, in a transaction of the caller's and under its lock.

    Returns the number of rows it read. What was pruned meanwhile is no longer counted.
    """
    DailySummary.objects.filter(day=day).delete()
    runs = learned(RunMetric, day).values_list(
        "run_id", "created_at", "kind", "provider", "model", "clinic_id", "outcome", "error_code", "duration_ms",
        "first_event_ms", "first_item_ms", "cancel_ms", "input_tokens", "output_tokens", "cost_usd", named=True,
    )  # fmt: skip
    tallies = counted((), runs.iterator(PAGE))
    names = ("kind", "stage", "provider", "model", "clinic_id", "outcome")
    groups = (
        learned(GenerationMetric, day)
        .values_list(*names)
        .annotate(durations=Listed("duration_ms"), cost=Sum("cost_usd"), costed=Count("cost_usd"))
    )
    for kind, stage, provider, model, clinic, outcome, durations, cost_usd, costed in groups.iterator(PAGE):
        key = Key(day, kind, stage, provider, model, clinic_name(clinic))
        tallies[key].add_stages(outcome, [*map(int, durations.split(","))], cost_usd, costed)
    DailySummary.objects.bulk_create(
        [tally.row(key) for key, tally in at_all_levels(tallies).items()], batch_size=BATCH
    )
    return sum(tally.sums[outcome] for tally in tallies.values() for outcome in GenerationMetric.Outcome.values)


class Listed(Aggregate):
    """The whole numbers of a group with commas between, so that a group is one row to read and not one for each."""

    function = "GROUP_CONCAT"
    output_field = TextField()

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        return self.as_sql(compiler, connection, template="STRING_AGG((%(expressions)s)::text, ',')", **extra)


def learned(model: type[GenerationMetric] | type[RunMetric], day: date) -> QuerySet[Any, Any]:
    return model._default_manager.filter(**within(day, day), learned__isnull=False).order_by()


def within(first: date, last: date) -> dict[str, datetime]:
    """As conditions for `created_at`: from the beginning of the first day until the end of the last, in UTC."""
    midnight = time(tzinfo=UTC)
    return {
        "created_at__gte": datetime.combine(first, midnight),
        "created_at__lt": datetime.combine(last + timedelta(days=1), midnight),
    }


def counted(stages: Iterable[Any], runs: Iterable[Any]) -> defaultdict[Key, Tally]:
    """The sums by day, kind, stage, model and clinic. A row needs no more than the fields that are summed up."""
    found: defaultdict[Key, Tally] = defaultdict(Tally)
    for metric in stages:
        cost_usd = metric.cost_usd
        key = key_of(metric, metric.stage)
        found[key].add_stages(metric.outcome, (metric.duration_ms,), cost_usd, cost_usd is not None)
    for some in batched(runs, BATCH):
        shown: defaultdict[Any, list[Forecast]] = defaultdict(list)
        for forecast in Forecast.objects.filter(run_id__in=[run.run_id for run in some]).order_by():
            shown[forecast.run_id].append(forecast)
        for run in some:
            found[key_of(run, "")].add_run(run, shown.get(run.run_id, ()))
    return found


def batched(rows: Iterable[Any], size: int) -> Iterable[list[Any]]:
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some


def key_of(metric: Any, stage: str) -> Key:
    day = metric.created_at.astimezone(UTC).date()
    return Key(day, metric.kind, stage, metric.provider, metric.model, clinic_name(metric.clinic_id))


def clinic_name(clinic_id: uuid.UUID | None) -> str:
    return "" if clinic_id is None else str(clinic_id)


def at_all_levels(tallies: Mapping[Key, Tally]) -> dict[Key, Tally]:
    found = defaultdict(Tally, tallies)
    for key, tally in tallies.items():
        for level in key.levels():
            if level != key:
                found[level].merge(tally)
    return dict(found)
