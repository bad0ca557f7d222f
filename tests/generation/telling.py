"""Logs that tests write themselves, at times of their choosing."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from generation.events import Line
from generation.models import Run, User
from generation.models.runs import ENDED, Status
from generation.timeline.story import milliseconds
from generation.writer import insert
from metrics.models import GenerationMetric
from tests.generation.factories import make_run

# A ring without the key that sealed the log.
OTHER_KEY = "other:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
ETA = {"ms": 3000, "low_ms": 2000, "high_ms": 6000, "basis": "history"}
# After how many milliseconds, what event, with what data.
Told = tuple[int, str, dict[str, Any]]
STATUS = {"complete": Status.SUCCEEDED, "error": Status.FAILED, "cancelled": Status.CANCELLED}


def told_run(owner: User, told: Iterable[Told], **fields: Any) -> Run:
    """A run with this log, begun a minute ago; its row says how the log ends, unless `fields` say otherwise."""
    events = list(told)
    status = STATUS.get(events[-1][1], Status.RUNNING)
    run = make_run(owner, **{"status": status, "last_seq": len(events), "attempt": 1, **fields})
    began = run.created_at - timedelta(minutes=1)
    Run.objects.filter(pk=run.pk).update(created_at=began)
    if run.status in ENDED and "finished_at" not in fields:
        Run.objects.filter(pk=run.pk).update(finished_at=began + timedelta(milliseconds=events[-1][0]))
    lines = []
    for seq, (after_ms, name, data) in enumerate(events, start=1):
        line = Line(name, data)
        line.ts_ms = milliseconds(began) + after_ms
        lines.append((run.pk, seq, line))
    insert(lines)
    run.refresh_from_db()
    return run


def after(run: Run, ms: int) -> Any:
    """The time this long after the run was asked for."""
    return run.created_at + timedelta(milliseconds=ms)


def stage(code: str, began_ms: int, ended_ms: int | None = None, percent: int = 40, **more: Any) -> list[Told]:
    """A stage that began, and ended unless it did not."""
    began = {"stage": code, "message": "QWERTZ", "progress": percent, "eta": ETA}
    told: list[Told] = [(began_ms, "progress", began)]
    if ended_ms is not None:
        facts = {"stage": code, "duration_ms": ended_ms - began_ms, "facts": {"note": "QWERTZ"}}
        told += [(ended_ms, "stage_complete", facts)]
    return told


def item(at_ms: int, index: int) -> Told:
    return at_ms, "item", {"path": "exercises", "index": index, "value": {"name": "QWERTZ"}}


def queued(position: int = 1) -> Told:
    return 0, "queued", {"position": position, "eta": ETA}


def complete(at_ms: int) -> Told:
    return at_ms, "complete", {"run_id": "", "duration_ms": at_ms, "quality_score": None}


def kept(run: Run, code: str, outcome: str, ended_ms: int, duration_ms: int, attempt: int = 1) -> GenerationMetric:
    """What the metrics keep of a stage that ended this long after the run was asked for."""
    return GenerationMetric.objects.create(
        run_id=run.uid,
        attempt=attempt,
        kind=run.kind,
        stage=code,
        duration_ms=duration_ms,
        outcome=outcome,
        created_at=after(run, ended_ms),
    )


SUCCEEDED: list[Told] = [
    queued(),
    *stage("started", 400, 450, 5),
    *stage("fetching-exercises", 450, 700, 15),
    *stage("generating", 700, None),
    item(2000, 0),
    item(3500, 1),
    (5000, "progress", {"stage": "generating", "message": "QWERTZ", "progress": 60, "eta": {**ETA, "ms": 900}}),
    (5200, "stage_complete", {"stage": "generating", "duration_ms": 4500, "facts": {}}),
    *stage("validating", 5200, 5230, 70),
    *stage("storing", 5230, 5300, 85),
    *stage("complete", 5300, 5301, 100),
    complete(5310),
]
# It took longer than any run before, and nothing more could be foretold from then on, until its stage was over.
UNUSUALLY_LONG: list[Told] = [
    queued(),
    *stage("generating", 1000),
    (20_000, "progress", {"stage": "generating", "message": "QWERTZ", "progress": 50, "eta": None}),
    item(25_000, 0),
    (30_000, "stage_complete", {"stage": "generating", "duration_ms": 29_000, "facts": {}}),
    (30_000, "progress", {"stage": "validating", "message": "QWERTZ", "progress": 70, "eta": {**ETA, "low_ms": 900}}),
    complete(31_000),
]
LOST_TWICE: list[Told] = [
    queued(),
    *stage("started", 100, 150, 5),
    *stage("generating", 200),
    item(900, 0),
    (16_000, "resumed", {"by": "server", "attempt": 2, "from_stage": "generating"}),
    *stage("generating", 16_010),
    item(17_000, 1),
    (33_000, "resumed", {"by": "server", "attempt": 3, "from_stage": "generating"}),
    *stage("generating", 33_010, 36_000),
    *stage("complete", 36_000, 36_001, 100),
    complete(36_005),
]
PAUSED: list[Told] = [
    queued(),
    *stage("started", 100, 150, 5),
    *stage("generating", 200),
    (1500, "paused", {"by": "alice"}),
    (9000, "resumed", {"by": "dana", "attempt": 2, "from_stage": "generating"}),
    *stage("generating", 9400, 11_000),
    *stage("complete", 11_000, 11_001, 100),
    complete(11_010),
]
CANCELLED: list[Told] = [
    queued(),
    *stage("started", 100, 150, 5),
    *stage("generating", 200),
    item(900, 0),
    (2010, "cancelling", {"by": "alice"}),
    (2060, "cancelled", {"by": "alice", "reason": "user", "upstream_closed_ms": 40}),
]
FAILED: list[Told] = [
    queued(),
    *stage("started", 100, 150, 5),
    *stage("generating", 200),
    (900, "warning", {"code": "MODEL_FALLBACK", "message": "QWERTZ"}),
    (4000, "error", {"code": "OPENAI_API_ERROR", "message": "QWERTZ", "retryable": True, "stage": "generating"}),
]
