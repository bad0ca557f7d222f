"""How runs end."""

from collections import Counter

from django.utils.translation import gettext

from metrics.dashboard.history import OUTCOMES, Gate, History, added, ended
from metrics.dashboard.panels import Column, Panel, day_heading


def runs(history: History) -> Panel:
    gate, found = Gate(), added(history.runs, OUTCOMES, lambda row: row.day)
    rows = []
    for day in history.days:
        sums = found.get(day, Counter())
        counts = [sums[outcome] for outcome in OUTCOMES]
        # Of those that were let run to their end.
        settled = sums["succeeded"] + sums["failed"]
        if gate.passes(ended(sums)):
            rows.append((day, [*counts, percent(sums["failed"], settled) if gate.passes(settled) else None]))
        else:
            rows.append((day, [None] * 4))
    return Panel(
        slug="runs",
        title=gettext("How runs end"),
        note=gettext("By the day they ended. The share that failed is of those that were not cancelled."),
        of=day_heading(),
        columns=[
            Column(gettext("Succeeded"), draw="bar"),
            Column(gettext("Failed"), draw="bar"),
            Column(gettext("Cancelled"), draw="bar"),
            Column(gettext("Failed share"), 1, "%"),
        ],
        rows=rows,
        left_out=gate.left_out,
        unit=gettext("runs"),
        stacked=True,
    )


def failures(history: History) -> Panel:
    gate, codes = Gate(), Counter[str]()
    for row in history.runs:
        codes.update(row.errors)
    total = sum(getattr(row, outcome) for row in history.runs for outcome in OUTCOMES)
    shown = [(code, count) for code, count in codes.most_common() if gate.passes(count)]
    return Panel(
        slug="failures",
        title=gettext("Failures by code"),
        note=gettext("Over the whole period."),
        of=gettext("Code"),
        columns=[Column(gettext("Runs"), draw="bar"), Column(gettext("Of all runs"), 2, "%")],
        rows=[(code or "–", [count, percent(count, total, 2)]) for code, count in shown],
        left_out=gate.left_out,
        unit=gettext("runs"),
    )


def percent(part: float, whole: float, digits: int = 1) -> float | None:
    return round(100 * part / whole, digits) if whole else None
