"""How long stages take, how long people wait, and where the time of a run goes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from django.utils.translation import gettext

from metrics.dashboard.history import Gate, History, added, merged
from metrics.dashboard.panels import MOST_COLORS, Column, Panel, Value, day_heading
from metrics.dashboard.registry import registry
from metrics.histogram import Histogram

LEVELS = (("p50", 0.5), ("p90", 0.9))


def stage_durations(history: History) -> Panel:
    stages = colored(history)
    times = merged(history.stages, "duration", lambda row: (row.day, row.stage))
    return by_quantiles(
        history.days,
        {stage: {day: times.get((day, stage)) for day in history.days} for stage in stages},
        stages,
        slug="stage-durations",
        title=gettext("How long stages take"),
        note=" ".join(
            (
                gettext("Median (p50) and 90th percentile (p90) of the stages that succeeded, by the day they ended."),
                gettext("Less than a millisecond is drawn as one."),
            )
        ),
        behind="generationmetric",
    )


def waits(history: History) -> Panel:
    named = {"first_event": gettext("First event"), "first_item": gettext("First item")}
    return by_quantiles(
        history.days,
        {label: merged(history.runs, name, lambda row: row.day) for name, label in named.items()},
        {label: color for color, label in enumerate(named.values())},
        slug="waits",
        title=gettext("Time to the first event and the first item"),
        note=gettext("From the moment a run was asked for, whatever became of it."),
    )


def cancellations(history: History) -> Panel:
    label = gettext("Cancelled")
    return by_quantiles(
        history.days,
        {label: merged(history.runs, "cancel", lambda row: row.day)},
        {label: 0},
        slug="cancellations",
        title=gettext("Time to cancel"),
        note=gettext("From the request to cancel until the run had ended."),
    )


def parts(history: History) -> Panel:
    """The mean of each part, since means add up and medians do not.

    A day whose longest stage is held back has no bar: what is left of it would pass for a short day.
    """
    gate, colors = Gate(), colored(history)
    stages = [stage for stage, color in colors.items() if color is not None]
    rest = [stage for stage, color in colors.items() if color is None]
    waited = added(history.runs, ("first_event_ms",), lambda row: row.day)
    begun = merged(history.runs, "first_event", lambda row: row.day)
    took = added(history.stages, ("succeeded", "duration_ms"), lambda row: (row.day, row.stage))
    rows: list[tuple[date, list[Value]]] = []
    for day in history.days:
        events = round(begun[day].total) if day in begun else 0
        wait = mean_s(waited[day]["first_event_ms"], events) if gate.passes(events) else None
        means, shown = {}, {}
        for stage in colors:
            sums = took.get((day, stage), Counter[str]())
            if done := sums["succeeded"]:
                means[stage] = mean_s(sums["duration_ms"], done)
                shown[stage] = gate.passes(done)
        whole = bool(means) and shown[max(means, key=lambda stage: means[stage])]
        told = {stage: mean for stage, mean in means.items() if shown[stage] and whole}
        others = [told[stage] for stage in rest if stage in told]
        values: list[Value] = [wait if whole else None, *(told.get(stage) for stage in stages)]
        rows.append((day, [*values, round(sum(others), 3) if others else None] if rest else values))
    columns = [Column(gettext("Until the first event"), 3, "s", "bar", look="wait")]
    columns += [Column(stage, 3, "s", "bar", color=colors[stage]) for stage in stages]
    columns += [Column(gettext("Other stages"), 3, "s", "bar", look="rest")] if rest else []
    return Panel(
        slug="parts",
        title=gettext("Where the time of a run goes"),
        note=gettext("Mean time until the first event and in each stage that succeeded."),
        of=day_heading(),
        columns=columns,
        rows=rows,
        left_out=gate.left_out,
        unit="s",
        stacked=True,
        behind="generationmetric",
    )


def mean_s(sum_ms: int, count: int) -> float:
    return round(sum_ms / count / 1000, 3)


def colored(history: History) -> dict[str, int | None]:
    """The stages in the order of a run, each with its place in the palette, or None when the longest have taken all.

    A stage of a run of today has the same place whatever else is shown, as far as there are places.
    """
    took = added(history.stages, ("duration_ms",), lambda row: row.stage)
    known = {stage: place for place, stage in enumerate(registry.stages)}
    order = sorted(took, key=lambda stage: (known.get(stage, len(known)), stage))
    longest = sorted(order, key=lambda stage: -took[stage]["duration_ms"])[:MOST_COLORS]
    own = {stage: known[stage] for stage in longest if known.get(stage, MOST_COLORS) < MOST_COLORS}
    free = iter(sorted(set(range(MOST_COLORS)) - set(own.values())))
    places = own | {stage: next(free) for stage in order if stage in longest and stage not in own}
    return {stage: places.get(stage) for stage in order}


def by_quantiles(
    days: Sequence[date], series: dict[str, dict[date, Any]], colors: Mapping[str, int | None], **told: Any
) -> Panel:
    """Two columns for each series of histograms by day. One without a color is in the table alone."""
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
        Column(
            f"{label} {name}",
            3,
            "s",
            "" if colors[label] is None else "line",
            look="dashed" if level > 0.5 else "",
            color=colors[label],
        )
        for label in series
        for name, level in LEVELS
    ]
    return Panel(
        of=day_heading(), columns=columns, rows=rows, left_out=gate.left_out, unit="s", logarithmic=True, **told
    )
