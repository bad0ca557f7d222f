"""The words of a timeline, for a person."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from generation.timeline.lanes import Lane, Mark, Span, State
from generation.timeline.log import Entry

STATES: dict[State, str | Promise] = {
    State.QUEUED: gettext_lazy("waits in the queue"),
    State.WORKING: gettext_lazy("a worker has it"),
    State.UNHELD: gettext_lazy("without a worker"),
    State.PAUSED: gettext_lazy("paused"),
    State.CANCELLING: gettext_lazy("stopping"),
    State.SUCCEEDED: gettext_lazy("succeeded"),
    State.FAILED: gettext_lazy("failed"),
    State.CANCELLED: gettext_lazy("cancelled"),
    State.LOST: gettext_lazy("worker lost"),
    State.CUT: gettext_lazy("cut off"),
    State.RUNNING: gettext_lazy("going on"),
    State.ASKED: gettext_lazy("being answered"),
    State.ANSWERED: gettext_lazy("answered"),
    State.BROKEN: gettext_lazy("broken off"),
    State.RETRY: gettext_lazy("waits to ask again"),
}
# What an estimate rests on (wire.md).
BASES: dict[str, str | Promise] = {
    "history": gettext_lazy("earlier runs"),
    "default": gettext_lazy("shipped figures"),
}
# Outcomes of a stage that fit beside its name on a telephone.
OUTCOMES_SHOWN = 2


def span_of_time(ms: int) -> str:
    """A duration as somebody would say it: `230 ms`, `12.3 s`, `3 min 20 s`, `2 h 5 min`."""
    if ms < 1000:
        return f"{ms} ms"
    if ms < 59_950:
        return seconds_of(ms, 1)
    seconds = round(ms / 1000)
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60} min"


def clock(ms: int, step_ms: int = 1) -> str:
    """A time on an axis whose ticks are `step_ms` apart: `0 s`, `0.5 s`, `1:30`, `1:02:03`."""
    if ms < 60_000 or step_ms < 1000:
        decimals = 0 if step_ms >= 1000 else 1 if step_ms >= 100 else 3
        return seconds_of(ms, decimals)
    seconds = ms // 1000
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def summary(lane: Lane) -> str:
    """How a lane went, and how long or how often: all that stands beside its name."""
    how = outcomes(lane)
    return f"{how} · {amount(lane)}" if how else amount(lane)


def amount(lane: Lane) -> str:
    asked = [span for span in lane.spans if span.state != State.RETRY]
    took = span_of_time(sum(span.lasted_ms for span in asked))
    match lane.code:
        case "stage":
            return took if lane.spans else _("not reached")
        case "calls":
            return f"{len(asked)} · {took}"
        case "run" | "cancel":
            return took
        case _:
            return str(len(lane.marks))


def outcomes(lane: Lane) -> str:
    """Of a stage, attempt by attempt: `worker lost ×2 → succeeded`; of the run, how many attempts there were."""
    if lane.code == "run":
        attempts = len({span.attempt for span in lane.spans if span.attempt is not None})
        return _("attempts: %(count)d") % {"count": attempts}
    if lane.code != "stage":
        return ""
    groups: list[tuple[State, int]] = []
    for span in lane.spans:
        if groups and groups[-1][0] == span.state:
            groups[-1] = (span.state, groups[-1][1] + 1)
        else:
            groups.append((span.state, 1))
    told = [f"{STATES[state]} ×{count}" if count > 1 else str(STATES[state]) for state, count in groups]
    return " → ".join(["…", *told[-OUTCOMES_SHOWN:]] if len(told) > OUTCOMES_SHOWN else told)


def cancel_words(lanes: Sequence[Lane]) -> str:
    """What followed on a request to cancel, and how soon; empty where nobody asked."""
    for lane in lanes:
        if lane.code == "cancel":
            (span,) = lane.spans
            steps = [
                (mark.what, mark.at_ms - span.began_ms) for mark in sorted(lane.marks, key=lambda mark: mark.at_ms)
            ]
            steps.append((str(STATES[span.state]), span.lasted_ms))
            return ", ".join(follows(what, ms) for what, ms in steps)
    return ""


def follows(what: str, ms: int) -> str:
    if ms == 0:
        return _("%(what)s at once") % {"what": what}
    return _("%(what)s after %(took)s") % {"what": what, "took": span_of_time(ms)}


def span_words(span: Span) -> str:
    """All that is known of a span, in a line."""
    told = [str(STATES[span.state])]
    if span.attempt is not None:
        told.append(_("attempt %(number)d") % {"number": span.attempt})
    told.append(span_of_time(span.lasted_ms))
    return ", ".join([*told, span.detail] if span.detail else told)


def told_in_words(lanes: Sequence[Lane], length_ms: int, live: bool) -> str:
    """The alternative to the drawing."""
    whole = _("So far it took %(took)s.") if live else _("It took %(took)s.")
    told = [whole % {"took": span_of_time(length_ms)}]
    told += [f"{lane.name}: {summary(lane)}." for lane in lanes]
    return " ".join(told)


def table_of(lanes: Sequence[Lane]) -> list[tuple[str, str, str, str, str, str]]:
    """The drawing as rows: lane, what, attempt, from, until, took."""
    rows = []
    for lane in lanes:
        parts: list[Span | Mark] = [*lane.spans, *lane.marks]
        for part in sorted(parts, key=lambda part: part.began_ms if isinstance(part, Span) else part.at_ms):
            rows.append(row_of(lane, part))
    return rows


def row_of(lane: Lane, part: Span | Mark) -> tuple[str, str, str, str, str, str]:
    if isinstance(part, Mark):
        return lane.name, part.what, "", precise(part.at_ms), "", ""
    what = str(STATES[part.state]) + (f" ({part.detail})" if part.detail else "")
    attempt = "" if part.attempt is None else str(part.attempt)
    until = _("still") if part.going_on else precise(part.ended_ms)
    return lane.name, what, attempt, precise(part.began_ms), until, span_of_time(part.lasted_ms)


def basis_word(code: str) -> str:
    return str(BASES.get(code, code))


def precise(ms: int) -> str:
    return seconds_of(ms, 3)


def seconds_of(ms: int, decimals: int) -> str:
    # By itself it cuts off what it does not show.
    return f"{number_format(round(ms / 1000, decimals), decimal_pos=decimals)} s"


def rows_of(entries: Sequence[Entry]) -> Iterator[tuple[int, str, str, str]]:
    """(number, seconds since the first event, event, codes and counts) of each event."""
    for entry in entries:
        yield entry.seq, precise(entry.at_ms - entries[0].at_ms), entry.name, words_of_facts(entry.facts)


def words_of_facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items() if name != "eta")
