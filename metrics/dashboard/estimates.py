"""How far estimates were to be trusted: how often the range held, and how far the median was off."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

from django.utils.translation import gettext

from metrics.dashboard.history import SCORES, Gate, History, added
from metrics.dashboard.outcomes import percent
from metrics.dashboard.panels import Column, Panel, Value, day_heading

TARGET = 80


def coverage(sums: Counter[str]) -> Value:
    return percent(sums["held"], sums["forecasts"])


def error(sums: Counter[str]) -> Value:
    return percent(sums["error_ms"], sums["true_ms"])


def calibration(history: History) -> Panel:
    target = Column(gettext("Meant to hold"), unit="%", draw="line", look="aim")
    return by_day(
        history,
        coverage,
        target,
        slug="calibration",
        title=gettext("How often the estimated range held"),
        note=gettext("Share of the estimates shown whose range held the time that truly remained."),
    )


def errors(history: History) -> Panel:
    return by_day(
        history,
        error,
        None,
        slug="errors",
        title=gettext("How far estimates were off"),
        note=gettext("Mean error of the median, as a share of the mean time that truly remained."),
    )


def overall(history: History) -> Panel:
    gate, found = Gate(), added(history.models, SCORES, group)
    rows = [
        (f"{kind} · {model}", [sums["forecasts"], coverage(sums), error(sums), seconds(sums)])
        for (kind, model), sums in sorted(found.items())
        if gate.passes(sums["forecast_runs"])
    ]
    return Panel(
        slug="estimates",
        title=gettext("Estimates by kind and model"),
        note=gettext("Over the whole period. The range is meant to hold for %(target)d %%.") % {"target": TARGET},
        of=gettext("Kind and model"),
        columns=[
            Column(gettext("Estimates")),
            Column(gettext("Range held"), 1, "%", "bar"),
            Column(gettext("Off by"), 1, "%", "bar"),
            Column(gettext("Off by"), 3, "s"),
        ],
        rows=rows,
        left_out=gate.left_out,
        unit="%",
        behind="forecast",
    )


def group(row: Any) -> tuple[str, str]:
    return row.kind, row.model or row.provider


def seconds(sums: Counter[str]) -> Value:
    return round(sums["error_ms"] / sums["forecasts"] / 1000, 3)


def by_day(history: History, measure: Callable[[Counter[str]], Value], target: Column | None, **told: Any) -> Panel:
    """A column for all models together, and one for the model that is asked for."""
    asked = history.filters.model
    lines = {gettext("All models"): history.everyone} | ({asked: history.runs} if asked else {})
    gate, found = Gate(), [added(rows, SCORES, lambda row: row.day) for rows in lines.values()]
    rows: list[tuple[date, list[Value]]] = []
    for day in history.days:
        of_day = [sums.get(day, Counter[str]()) for sums in found]
        values = [measure(sums) if gate.passes(sums["forecast_runs"]) else None for sums in of_day]
        if target:
            values.append(TARGET if any(value is not None for value in values) else None)
        rows.append((day, values))
    return Panel(
        of=day_heading(),
        columns=[*(Column(name, 1, "%", "line") for name in lines), *([target] if target else [])],
        rows=rows,
        left_out=gate.left_out,
        unit="%",
        behind="forecast",
        **told,
    )
