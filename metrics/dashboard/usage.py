"""Tokens and cost: by day, kind, model and clinic."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext

from metrics.dashboard import filters
from metrics.dashboard.history import USAGE, Gate, History, added, ended
from metrics.dashboard.panels import Column, Panel, Value, day_heading

CENTS = 4


def usage_by_day(history: History) -> Panel:
    found = added(history.runs, USAGE, lambda row: row.day)
    return panel("usage-day", gettext("Tokens and cost by day"), day_heading(), history.days, found, {})


def usage_by_kind(history: History) -> Panel:
    found = added(history.runs, USAGE, lambda row: row.kind)
    return panel("usage-kind", gettext("Tokens and cost by kind"), gettext("Kind"), costliest(found), found, {})


def usage_by_model(history: History) -> Panel:
    found = added(history.models, USAGE, lambda row: row.model or row.provider or "–")
    return panel("usage-model", gettext("Tokens and cost by model"), gettext("Model"), costliest(found), found, {})


def usage_by_clinic(history: History) -> Panel:
    found = added(history.clinics, USAGE, lambda row: row.clinic)
    names = filters.clinics(set(found))
    names[""] = names.get(filters.NO_CLINIC, "")
    title = gettext("Tokens and cost by clinic")
    return panel("usage-clinic", title, gettext("Clinic"), costliest(found), found, names)


def costliest(found: Mapping[str, Counter[str]]) -> list[str]:
    """The groups, that which cost the most first, then by the tokens written."""
    return sorted(found, key=lambda key: (-found[key]["cost_usd"], -found[key]["output_tokens"], key))


def panel(
    slug: str, title: str, of: str, keys: Sequence[Any], found: Mapping[Any, Counter[str]], names: Mapping[Any, str]
) -> Panel:
    gate, by_day = Gate(), slug == "usage-day"
    rows: list[tuple[date | str, list[Value]]] = []
    for key in keys:
        sums = found.get(key, Counter[str]())
        if gate.passes(ended(sums)):
            cost = round(float(sums["cost_usd"]), CENTS) if gate.passes(sums["costed"]) else None
            values: list[Value] = [ended(sums), sums["input_tokens"], sums["output_tokens"], cost]
        elif by_day:
            values = [None] * 4
        else:
            continue
        rows.append((names.get(key, key), values))
    return Panel(
        slug=slug,
        title=title,
        note=gettext("Of all runs that ended. The cost is of those runs that know theirs."),
        of=of,
        columns=[
            Column(gettext("Runs")),
            Column(gettext("Tokens read"), draw="bar"),
            Column(gettext("Tokens written"), draw="bar"),
            Column(gettext("Cost"), CENTS, "USD", "line" if by_day else "bar", right=True),
        ],
        rows=rows,
        left_out=gate.left_out,
        unit=gettext("tokens"),
        idle=gettext("No tokens were used."),
        stacked=by_day,
    )
