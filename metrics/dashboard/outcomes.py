"""How runs end."""

from collections import Counter
from datetime import date

from django.utils.translation import gettext

from metrics.aggregates import LEAST
from metrics.dashboard.history import OUTCOMES, Gate, History, added, ended
from metrics.dashboard.panels import FEW, Column, Panel, Value, day_heading


def runs(history: History) -> Panel:
    gate, found = Gate(), added(history.runs, OUTCOMES, lambda row: row.day)
    secret = bool(history.filters.clinic)
    rows: list[tuple[date, list[Value]]] = []
    for day in history.days:
        sums = found.get(day, Counter[str]())
        if not gate.passes(ended(sums)):
            rows.append((day, [None] * 4))
            continue
        # Of those that were let run to their end.
        settled = sums["succeeded"] + sums["failed"]
        share = percent(sums["failed"], settled) if gate.passes(settled) else None
        counts: list[Value] = [FEW if secret and 0 < sums[name] < LEAST else sums[name] for name in OUTCOMES]
        # The share would tell the count.
        rows.append((day, [*counts, None if FEW in counts[:2] else share]))
    note = gettext("By the day they ended. The share that failed is of those that were not cancelled.")
    if secret:
        few = gettext("Within a clinic, a number from 1 to %(most)d is given as %(few)s.")
        note = f"{note} {few % {'most': LEAST - 1, 'few': FEW}}"
    return Panel(
        slug="runs",
        title=gettext("How runs end"),
        note=note,
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
