"""How long stages take, how long people wait, and where the time of a run goes."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext

from metrics.dashboard.history import Gate, History, added, merged
from metrics.dashboard.panels import MOST_DRAWN, Column, Panel, Value, day_heading
from metrics.histogram import Histogram

LEVELS = (("p50", 0.5), ("p90", 0.9))


def stage_durations(history: History) -> Panel:
    stages = longest_first(history)
    times = merged(history.stages, "duration", lambda row: (row.day, row.stage))
    return by_quantiles(
        history.days,
        {stage: {day: times.get((day, stage)) for day in history.days} for stage in stages},
        slug="stage-durations",
        title=gettext("How long stages take"),
        note=gettext("Median (p50) and 90th percentile (p90) of the stages that succeeded, by the day they ended."),
        behind="generationmetric",
    )


def waits(history: History) -> Panel:
    named = {"first_event": gettext("First event"), "first_item": gettext("First item")}
    return by_quantiles(
        history.days,
        {label: merged(history.runs, name, lambda row: row.day) for name, label in named.items()},
        slug="waits",
        title=gettext("Time to the first event and the first item"),
        note=gettext("From the moment a run was asked for, whatever became of it."),
    )


def cancellations(history: History) -> Panel:
    return by_quantiles(
        history.days,
        {gettext("Cancelled"): merged(history.runs, "cancel", lambda row: row.day)},
        slug="cancellations",
        title=gettext("Time to cancel"),
        note=gettext("From the request to cancel until the run had ended."),
    )


def parts(history: History) -> Panel:
    """The mean of each part, since means add up and medians do not."""
    gate, stages = Gate(), longest_first(history)
    waited = added(history.runs, ("first_event_ms",), lambda row: row.day)
    begun = merged(history.runs, "first_event", lambda row: row.day)
    took = added(history.stages, ("succeeded", "duration_ms"), lambda row: (row.day, row.stage))
    rows: list[tuple[date, list[Value]]] = []
    for day in history.days:
        events = round(begun[day].total) if day in begun else 0
        values = [mean_s(waited[day]["first_event_ms"], events) if gate.passes(events) else None]
        for stage in stages:
            sums = took.get((day, stage), Counter[str]())
            done = sums["succeeded"]
            values.append(mean_s(sums["duration_ms"], done) if gate.passes(done) else None)
        rows.append((day, values))
    return Panel(
        slug="parts",
        title=gettext("Where the time of a run goes"),
        note=gettext("Mean time until the first event and in each stage that succeeded."),
        of=day_heading(),
        columns=[Column(label, 3, "s", "bar") for label in (gettext("Until the first event"), *stages)],
        rows=rows,
        left_out=gate.left_out,
        unit="s",
        stacked=True,
        behind="generationmetric",
    )


def mean_s(sum_ms: int, count: int) -> float:
    return round(sum_ms / count / 1000, 3)


def longest_first(history: History) -> list[str]:
    """The stages, those that took the most time in all first."""
    took = added(history.stages, ("duration_ms",), lambda row: row.stage)
    return sorted(took, key=lambda stage: (-took[stage]["duration_ms"], stage))


def by_quantiles(days: Sequence[date], series: dict[str, dict[date, Any]], **told: Any) -> Panel:
    """Two columns for each series of histograms by day."""
    gate, rows = Gate(), []
    for day in days:
        values: list[Value] = []
        for histograms in series.values():
            found: Histogram | None = histograms.get(day)
            # Rounded, as weights are floats.
            if found is not None and gate.passes(round(found.total)):
                values += [round((found.quantile(level) or 0) / 1000, 3) for _, level in LEVELS]
            else:
                values += [None] * len(LEVELS)
        rows.append((day, values))
    columns = [
        Column(f"{label} {name}", 3, "s", "line" if number < MOST_DRAWN else "", look="dashed" if level > 0.5 else "")
        for number, label in enumerate(series)
        for name, level in LEVELS
    ]
    return Panel(
        of=day_heading(), columns=columns, rows=rows, left_out=gate.left_out, unit="s", logarithmic=True, **told
    )
