"""The timeline of a run: from its log, its row, its calls to models, its metrics and its readers."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from generation.models import ModelCall, Reconnect, Run
from generation.models.runs import HELD
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.timeline.lanes import Lane, Mark, Span, State, Timeline
from generation.timeline.log import Entry, Log
from generation.timeline.walk import KEPT, Metrics, Walk
from metrics.models import GenerationMetric

# Calls and metrics of one run; no run of ours comes near.
MOST_ROWS = 500
CALLED = {
    ModelCall.Outcome.OPEN: State.ASKED,
    ModelCall.Outcome.ANSWERED: State.ANSWERED,
    ModelCall.Outcome.FAILED: State.FAILED,
    ModelCall.Outcome.BROKEN: State.BROKEN,
}


def timeline_of(run: Run, log: Log, now: datetime) -> Timeline:
    """Reads the calls and the metrics. Without a log, only what these and the row remember is there."""
    rows = GenerationMetric.objects.filter(run_id=run.uid).order_by("created_at")[:MOST_ROWS]
    metrics: Metrics = {(row.attempt, row.stage): row for row in rows}
    calls = list(ModelCall.objects.filter(run_uid=run.uid).order_by("began_at", "pk")[:MOST_ROWS])
    told = log.told
    zero_ms = min([milliseconds(run.created_at), *(entry.at_ms for entry in told[:1])])
    walk = Walk(zero_ms, metrics)
    if told:
        walk.through(told)
        if run.live and walk.state is not None:
            held = run.status in HELD and (run.lease_until is None or run.lease_until >= now)
            walk.until(milliseconds(now) - zero_ms, held)
    else:
        recall(walk, run, metrics)
    if walk.state is not None and run.finished_at is not None:
        walk.become(None, max(walk.since_ms, milliseconds(run.finished_at) - zero_ms))
    lanes = [
        Lane("run", _("Run"), walk.run),
        *stages(run, walk, whole=bool(told)),
        *called(calls, walk, now if run.live else None),
        *counted(told, zero_ms),
        *stopped(run, told, walk),
        *returned(run, zero_ms),
    ]
    ends = [span.ended_ms for lane in lanes for span in lane.spans]
    ends += [mark.at_ms for lane in lanes for mark in lane.marks]
    return Timeline(zero_ms, max([1, *ends]), lanes, run.live)


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def recall(walk: Walk, run: Run, metrics: Metrics) -> None:
    """The log is gone: the row knows the queue and the end, the metrics know the stages that ended."""
    for (attempt, stage), metric in metrics.items():
        ended_ms = milliseconds(metric.created_at) - walk.zero_ms
        began_ms = max(0, ended_ms - metric.duration_ms)
        span = Span(KEPT[metric.outcome], began_ms, ended_ms, attempt, metric.duration_ms)
        walk.stages.setdefault(stage, []).append(span)
    if run.started_at is not None:
        walk.become(State.WORKING, max(0, milliseconds(run.started_at) - walk.zero_ms))
        # How often it rested meanwhile, and which attempt that was, only the log knew.
        walk.attempt = run.attempt


def stages(run: Run, walk: Walk, *, whole: bool) -> Iterator[Lane]:
    """Those of the pipeline in its order, then others that the log names; of a `whole` log, which knows them, also the
    ones that were not reached."""
    codes = stage_codes(PIPELINES[run.kind]) if run.kind in PIPELINES else ()
    known = [code for code in codes if whole or code in walk.stages]
    for stage in dict.fromkeys((*known, *walk.stages)):
        yield Lane("stage", stage, walk.stages.get(stage, []))


def called(calls: Sequence[ModelCall], walk: Walk, now: datetime | None) -> Iterator[Lane]:
    """Calls to models, with the waits between a call that failed and the next one of the same attempt."""
    spans: list[Span] = []
    for number, call in enumerate(calls):
        began_ms = milliseconds(call.began_at) - walk.zero_ms
        going_on = call.outcome == ModelCall.Outcome.OPEN and now is not None
        if number and calls[number - 1].attempt == call.attempt and spans[-1].state in (State.FAILED, State.BROKEN):
            spans.append(Span(State.RETRY, spans[-1].ended_ms, max(spans[-1].ended_ms, began_ms), call.attempt))
        if going_on and now is not None:
            ended_ms = milliseconds(now) - walk.zero_ms
        elif call.duration_ms is not None:
            ended_ms = began_ms + call.duration_ms
        else:
            # Its worker was lost: it is not known when the call ended, but the worker's last sign of life is.
            ended_ms = next((span.ended_ms for span in walk.run if span.attempt == call.attempt), began_ms)
        ended_ms = max(began_ms, ended_ms)
        took_ms = None if going_on else call.duration_ms
        state = CALLED[ModelCall.Outcome(call.outcome)]
        spans.append(Span(state, began_ms, ended_ms, call.attempt, took_ms, going_on, words_of(call)))
    if spans:
        firsts = [
            Mark(milliseconds(call.began_at) - walk.zero_ms + call.first_text_ms, _("first text"))
            for call in calls
            if call.first_text_ms is not None
        ]
        yield Lane("calls", _("Model calls"), spans, firsts)


def words_of(call: ModelCall) -> str:
    tokens = _("%(read)d + %(written)d tokens") % {"read": call.input_tokens, "written": call.output_tokens}
    told = [call.model, tokens]
    if call.first_text_ms is not None:
        told.append(_("first text after %(ms)d ms") % {"ms": call.first_text_ms})
    return ", ".join(told)


def counted(told: Sequence[Entry], zero_ms: int) -> Iterator[Lane]:
    items = [
        Mark(entry.at_ms - zero_ms, f"{entry.facts.get('path', '')} {entry.facts.get('index', '')}".strip())
        for entry in told
        if entry.name == "item"
    ]
    warnings = [
        Mark(entry.at_ms - zero_ms, str(entry.facts.get("code", ""))) for entry in told if entry.name == "warning"
    ]
    if items:
        yield Lane("items", _("Items"), marks=items)
    if warnings:
        yield Lane("warnings", _("Warnings"), marks=warnings)


def returned(run: Run, zero_ms: int) -> Iterator[Lane]:
    """Readers whose connection was lost, while there was something to miss."""
    found = Reconnect.objects.filter(run=run).select_related("user")
    if run.finished_at is not None:
        found = found.filter(at__lte=run.finished_at)
    marks = [
        Mark(
            max(0, milliseconds(each.at) - zero_ms),
            _("%(who)s by %(way)s, after event %(seq)d")
            % {"who": each.user, "way": each.get_way_display(), "seq": each.after},
        )
        for each in found[:MOST_ROWS]
    ]
    if marks:
        yield Lane("reconnects", _("Reconnects"), marks=marks)


def stopped(run: Run, told: Sequence[Entry], walk: Walk) -> Iterator[Lane]:
    """From the request to cancel to the end. The request is timed by the database's clock, the log by the server's."""
    said = [entry.at_ms - walk.zero_ms for entry in told if entry.name == "cancelling"]
    asked_ms = (
        milliseconds(run.cancel_requested_at) - walk.zero_ms if run.cancel_requested_at else min(said, default=None)
    )
    if asked_ms is None:
        return
    asked_ms = max(0, asked_ms)
    marks = [Mark(max(asked_ms, at_ms), _("announced")) for at_ms in said[:1]]
    closed_ms = told[-1].facts.get("upstream_closed_ms") if told else None
    if closed_ms is not None:
        marks.append(Mark(asked_ms + closed_ms, _("call to the model closed")))
    ended_ms = max((asked_ms, *(span.ended_ms for span in walk.run[-1:])))
    state = State.CANCELLING if run.live else KEPT.get(run.status, State.CANCELLED)
    yield Lane("cancel", _("Cancel"), [Span(state, asked_ms, ended_ms, going_on=run.live)], marks)
