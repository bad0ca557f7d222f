"""What the summaries hold of a period, read once for all panels that ask for it."""

from collections import Counter, defaultdict, namedtuple
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.db.models import Sum

from metrics.aggregates import LEAST
from metrics.dashboard.filters import Filters
from metrics.histogram import Histogram
from metrics.models import DailySummary
from metrics.summaries import ALL

OUTCOMES = ("succeeded", "failed", "cancelled")
USAGE = (*OUTCOMES, "input_tokens", "output_tokens", "cost_usd", "costed")
SCORES = ("forecasts", "held", "forecast_runs", "error_ms", "true_ms")
DAY = ("day", "kind")


class History:
    """Four cuts through the same history, each of the chosen kind, model and clinic or of all of them.

    Rows have fields of `DailySummary` by name.
    """

    def __init__(self, filters: Filters) -> None:
        self.filters = filters
        found = DailySummary.objects.filter(filters.period).order_by("day")
        self.level = found.filter(filters.writer, filters.place)
        self.of_runs = found.filter(stage="")

    @cached_property
    def runs(self) -> list[Any]:
        """A row of each day and kind; of a chosen model that has several providers, one of each."""
        return list(
            self.level.filter(stage="").values_list(
                *DAY, *USAGE, *SCORES, "first_event_ms", "times", "errors", named=True
            )
        )

    @cached_property
    def everyone(self) -> list[Any]:
        """As `runs`, of all models whichever is chosen, with SCORES alone."""
        if not self.filters.model:
            return self.runs
        rows = self.of_runs.filter(self.filters.place, provider=ALL, model=ALL)
        return list(rows.values_list(*DAY, *SCORES, named=True))

    @cached_property
    def stages(self) -> list[Any]:
        """A row of each day, kind and stage, and provider as above."""
        return list(
            self.level.exclude(stage="").values_list(*DAY, "stage", "succeeded", "duration_ms", "times", named=True)
        )

    @cached_property
    def models(self) -> list[Any]:
        """Of runs: a row of each day, kind and model."""
        rows = self.of_runs.filter(self.filters.place).exclude(provider=ALL)
        chosen = rows.filter(self.filters.writer) if self.filters.model else rows
        return list(chosen.values_list(*DAY, "provider", "model", *USAGE, *SCORES, named=True))

    @cached_property
    def clinics(self) -> list[Any]:
        """Of runs: a row of each clinic, which may be many."""
        rows = self.of_runs.filter(self.filters.writer).exclude(clinic=ALL)
        chosen = rows.filter(self.filters.place) if self.filters.clinic else rows
        # Other names than those of the fields, which they would hide from each other.
        sums = chosen.order_by().values_list("clinic").annotate(**{f"sum_{name}": Sum(name) for name in USAGE})
        row = namedtuple("row", ("clinic", *USAGE))  # type: ignore[misc]
        return [row(*found) for found in sums]

    @cached_property
    def days(self) -> list[date]:
        """From the first day with a run or stage until the last one."""
        ends = [row.day for rows in (self.runs, self.stages) for row in (rows[:1] + rows[-1:])]
        return (
            [min(ends) + timedelta(days=number) for number in range((max(ends) - min(ends)).days + 1)] if ends else []
        )


class Gate:
    """Lets figures through that rest on enough runs, and counts the groups that it held back.

    A run ends once and succeeds in a stage once, and each metric is summed up once. So the number of runs behind a
    group is the number of its rows, also over many days: ended runs, or stages that succeeded, never attempts.
    """

    def __init__(self) -> None:
        self.left_out = 0

    def passes(self, runs: float) -> bool:
        if runs >= LEAST:
            return True
        self.left_out += runs > 0
        return False


def added(rows: Sequence[Any], names: Sequence[str], key: Callable[[Any], Any]) -> dict[Any, Counter[str]]:
    """The sums of these fields of the rows by a key."""
    found: defaultdict[Any, Counter[str]] = defaultdict(Counter)
    for row in rows:
        sums = found[key(row)]
        for name in names:
            if value := getattr(row, name):
                sums[name] += value
    return dict(found)


def ended(sums: Counter[str]) -> int:
    """The number of runs, of their sums by outcome."""
    return sum(sums[outcome] for outcome in OUTCOMES)


def merged(rows: Sequence[Any], name: str, key: Callable[[Any], Any]) -> dict[Any, Histogram]:
    """The histograms of this measure by a key."""
    found: dict[Any, Histogram] = {}
    for row in rows:
        if (state := row.times.get(name)) is None:
            continue
        histogram = Histogram.of(state)
        if (before := found.setdefault(key(row), histogram)) is not histogram:
            before.merge(histogram)
    return found
