"""What is kept of a run when it ends, whoever ends it, and of a stage whose worker was lost.

A worker keeps its own stages (`Handle.recording`); `generation.metrics_from_log` rebuilds what is missing of either.
"""

import time
from typing import Any

from django.db.models import Count, Max, Min, Q, Sum

from generation.calls import first_asked
from generation.models import Event, ModelCall, Run, Step
from generation.models.runs import Status
from generation.providers import choose
from generation.wire import TERMINAL
from metrics import recorder
from metrics.models import GenerationMetric

# Provider and model.
Author = tuple[str, str]
# When a worker was first heard and when the first `item` came, in milliseconds since 1970; None where there is none.
Firsts = tuple[int | None, int | None]
NONE_SEEN: Firsts = (None, None)
# Events that others than the worker may have written.
OF_OTHERS = ("queued", "paused", "resumed", "cancelling", *TERMINAL)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def ms_of(moment: Any) -> int:
    return int(moment.timestamp() * 1000)


def keep(run: Run, outcome: Status, ended_ms: int, author: Author, seen: Firsts | None = None) -> None:
    """Keep how a run ended, within the transaction that ends it.

    `seen` is what the last attempt has seen itself; the log is read only where earlier attempts may have more to tell.
    """
    if run.attempt > 1 or (run.attempt and seen is None):
        seen = earliest(seen or NONE_SEEN, firsts(run))
    recorder.record_run(**ended(run, outcome, ended_ms, author, seen or NONE_SEEN))


def ended(run: Run, outcome: Status, ended_ms: int, author: Author, seen: Firsts) -> dict[str, Any]:
    """How a run ended, as `metrics.recorder.ended_run` takes it."""
    created_ms = ms_of(run.created_at)
    event, item = (None if at is None else at - created_ms for at in seen)
    cancel_ms = None
    if outcome == Status.CANCELLED:
        # One that nobody held has ended with the request.
        cancel_ms = ended_ms - ms_of(run.cancel_requested_at) if run.cancel_requested_at else 0
    return {
        "run_id": run.uid,
        "kind": run.kind,
        "outcome": outcome,
        "attempts": run.attempt,
        "duration_ms": ended_ms - created_ms,
        "provider": author[0],
        "model": author[1],
        "clinic_id": run.clinic_id,
        "error_code": (run.error or {}).get("code", "") if outcome == Status.FAILED else "",
        "first_event_ms": event,
        "first_item_ms": item,
        "cancel_ms": cancel_ms,
        "input_tokens": run.input_tokens,
        "output_tokens": run.output_tokens,
        "cost_usd": run.cost_usd,
        "ended_ms": ended_ms,
    }


def firsts(run: Run) -> Firsts:
    told = Event.objects.filter(run=run, name__in=("progress", "item")).order_by().values_list("name")
    at = dict(told.annotate(Min("ts_ms")))
    return at.get("progress"), at.get("item")


def earliest(one: Firsts, other: Firsts) -> Firsts:
    event, item = (min((at for at in both if at is not None), default=None) for both in zip(one, other, strict=True))
    return event, item


def author(run: Run, fell_back: bool | None = None) -> Author:
    """Who writes, or wrote last, a run that no worker holds: by its row, else as this server is set up now.

    `fell_back` says whether the composer has taken over from a model; by default the run's steps are asked.
    """
    if run.status != Status.SUCCEEDED:
        if fell_back is None:
            fell_back = Step.objects.filter(run=run, name="fallback").exists()
        if fell_back:
            return author_for("composer", run.kind)
    if run.provider:
        return run.provider, run.model
    return author_for(run.engine, run.kind)


def author_for(engine: str, kind: str) -> Author:
    provider = choose(engine, kind)
    return provider.name, provider.model


def lost_stage(run: Run) -> dict[str, Any]:
    """The stage in which the worker of a run was lost, as `metrics.recorder.stage` takes it."""
    heard = Event.objects.filter(run=run).exclude(name__in=OF_OTHERS).aggregate(at=Max("ts_ms"))
    began_ms = ms_of(run.stage_started_at)
    heard_ms = max(began_ms, heard["at"] or 0)
    of_stage, of_attempt = Q(stage=run.stage), Q(attempt=run.attempt)
    kept = GenerationMetric.objects.filter(run_id=run.uid).aggregate(
        begun=Count("pk", filter=of_stage & ~of_attempt),
        read=Sum("input_tokens", filter=of_attempt, default=0),
        written=Sum("output_tokens", filter=of_attempt, default=0),
        asked=Sum("duration_ms", filter=of_attempt & Q(output_tokens__gt=0), default=0),
    )
    calls = ModelCall.objects.filter(run_uid=run.uid)
    used = calls.filter(attempt=run.attempt).aggregate(
        read=Sum("input_tokens", default=0), written=Sum("output_tokens", default=0)
    )
    # Where the composer took over within the stage, the time is still the model's.
    fell_back = Step.objects.filter(run=run, name="fallback", created_at__lt=run.stage_started_at).exists()
    provider, model = author(run, fell_back)
    return {
        "run_id": run.uid,
        "attempt": run.attempt,
        "kind": run.kind,
        "stage": run.stage,
        "duration_ms": heard_ms - began_ms,
        "outcome": GenerationMetric.Outcome.LOST,
        "provider": provider,
        "model": model,
        "user_id": run.owner_id,
        "clinic_id": run.clinic_id,
        "size": first_asked(run),
        "input_tokens": used["read"] - kept["read"],
        "output_tokens": used["written"] - kept["written"],
        "asked_ms": kept["asked"],
        "whole": not kept["begun"],
        "ended_ms": heard_ms,
    }
