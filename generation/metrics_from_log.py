"""Rebuilds what the metrics lack of runs that have ended, from their rows, their logs and their calls to models.

Rows come out as the workers wrote them, but for what a log does not tell:
- A stage that was cut off is timed by the events at its ends, and not by the worker's own clock.
- A stage whose worker gave the run back, at a shut-down, comes out as `lost`, at a cost that nobody knows, where it
  was `paused`; the other way round where the worker of a run that somebody wanted paused was lost.
- What a worker noted of its pace within a stage (`marks`) is gone.
- Who would have written a run that ended before any model was asked is read from the server's settings of today.
- A run whose log was pruned has no stages, nor the times of its first event and item.

A run whose log no key opens is left out: a row without what its log tells would count as present ever after.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from django.db import connection
from django.db.models import QuerySet

from generation.fields import CannotOpen, open_sealed
from generation.models import Event, ModelCall, Run
from generation.models.runs import ENDED, Status
from generation.run_metrics import NONE_SEEN, OF_OTHERS, Author, author, author_for, ended, ms_of
from generation.wire import TERMINAL
from metrics import recorder
from metrics.models import GenerationMetric, RunMetric

RUNS_AT_ONCE = 200
# Events whose data is needed; of the others the name and the time tell enough, and nothing is decrypted.
READ = ("progress", "stage_complete", "resumed", "warning")
Outcome = GenerationMetric.Outcome


class Entry(NamedTuple):
    name: str
    ts_ms: int
    data: Mapping[str, Any]


@dataclass
class Rebuilt:
    """What a page of runs gave: how many runs, rows that were missing, and runs whose log no key opens."""

    runs: int = 0
    stages: list[GenerationMetric] = field(default_factory=list)
    ends: list[RunMetric] = field(default_factory=list)
    unreadable: int = 0


def ended_runs(since: datetime, kind: str | None = None) -> QuerySet[Run]:
    runs = Run.objects.filter(status__in=ENDED, finished_at__gte=since)
    return (runs if kind is None else runs.filter(kind=kind)).order_by("pk")


def missing(since: datetime, kind: str | None = None) -> Iterator[Rebuilt]:
    """The rows that the metrics lack of runs that ended since then, a page of runs at a time."""
    after = 0
    runs = ended_runs(since, kind).defer("input", "result")
    while page := list(runs.filter(pk__gt=after)[:RUNS_AT_ONCE]):
        after = page[-1].pk
        yield missing_of(page)


def missing_of(page: Sequence[Run]) -> Rebuilt:
    uids = [run.uid for run in page]
    kept_ends = set(RunMetric.objects.filter(pk__in=uids).values_list("pk", flat=True))
    kept = GenerationMetric.objects.filter(run_id__in=uids).order_by()
    kept_stages = set(kept.values_list("run_id", "attempt", "stage"))
    calls: dict[Any, list[ModelCall]] = {}
    for call in ModelCall.objects.filter(run_uid__in=uids).order_by("pk"):
        calls.setdefault(call.run_uid, []).append(call)
    logs = logs_of([run.pk for run in page])
    done = Rebuilt(runs=len(page))
    for run in page:
        try:
            log = [Entry(name, at, opened(run.pk, seq, data)) for seq, name, at, data in logs.get(run.pk, ())]
        except CannotOpen:
            done.unreadable += 1
            continue
        story = Story(run, log, calls.get(run.uid, ()))
        done.stages += (row for row in story.rows if (row.run_id, row.attempt, row.stage) not in kept_stages)
        if run.uid not in kept_ends:
            done.ends.append(end_of(run, log, story.fell_back if log else None))
    return done


def logs_of(run_pks: Sequence[int]) -> dict[int, list[tuple[int, str, int, Any]]]:
    """(number, event, time, sealed data where it is to be read) of each event of these runs, in order."""
    table, keys = connection.ops.quote_name(Event._meta.db_table), ", ".join(map(str, run_pks))
    names = ", ".join(["%s"] * len(READ))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT run_id, seq, name, ts_ms, CASE WHEN name IN ({names}) THEN data END "  # noqa: S608 - integers
            f"FROM {table} WHERE run_id IN ({keys}) ORDER BY run_id, seq",
            READ,
        )
        return {run: [row[1:] for row in rows] for run, rows in groupby(cursor.fetchall(), lambda row: int(row[0]))}


def opened(run_pk: int, seq: int, sealed: Any) -> Mapping[str, Any]:
    if sealed is None:
        return {}
    data: Mapping[str, Any] = orjson.loads(open_sealed(bytes(sealed), Event.data_field().binding_of(run_pk, seq)))
    return data


def end_of(run: Run, log: Sequence[Entry], fell_back: bool | None) -> RunMetric:
    last = log[-1] if log and log[-1].name in TERMINAL else None
    assert run.finished_at is not None
    ended_ms = last.ts_ms if last else ms_of(run.finished_at)
    seen = (first(log, "progress"), first(log, "item")) if log else NONE_SEEN
    return recorder.ended_run(**ended(run, Status(run.status), ended_ms, author(run, fell_back), seen))


def first(log: Iterable[Entry], name: str) -> int | None:
    return next((entry.ts_ms for entry in log if entry.name == name), None)


@dataclass
class Running:
    """A stage that runs."""

    code: str
    began_ms: int
    whole: bool
    author: Author


class Story:
    """A run's log, read from its beginning; `rows` are the stages of its attempts."""

    def __init__(self, run: Run, log: Sequence[Entry], calls: Sequence[ModelCall]) -> None:
        self.run = run
        self.will_fall_back = any(falls_back(entry) for entry in log)
        self.calls = calls
        self.rows: list[GenerationMetric] = []
        self.attempt = 1
        self.asked_ms = 0
        self.begun: set[str] = set()
        self.completed: set[str] = set()
        self.running: Running | None = None
        self.fell_back = False
        # When a worker was last heard.
        self.heard_ms = 0
        # Calls of this attempt that an earlier stage of it has made.
        self.counted = 0
        for entry in log:
            self.tell(entry)

    def tell(self, entry: Entry) -> None:
        match entry.name:
            case "progress":
                self.begin(entry.data["stage"], entry.ts_ms)
            case "stage_complete":
                self.end(Outcome.SUCCEEDED, entry.ts_ms, entry.data["duration_ms"])
                self.completed.add(entry.data["stage"])
            case "warning" if falls_back(entry):
                self.fell_back = True
                if self.running is not None:
                    self.running.whole = False
            case "paused":
                self.end(Outcome.PAUSED, self.heard_ms)
            case "resumed":
                self.end(Outcome.LOST, self.heard_ms)
                self.attempt, self.asked_ms, self.counted = entry.data["attempt"], 0, 0
            case name if name in TERMINAL and self.by_worker():
                self.end(Outcome(self.run.status), entry.ts_ms)
            case name if name in TERMINAL:
                self.end(Outcome.LOST, self.heard_ms)
        if entry.name not in OF_OTHERS:
            self.heard_ms = entry.ts_ms

    def by_worker(self) -> bool:
        """Whether the attempt that the log tells of has ended the run: whoever else does it empties this column."""
        return self.run.attempt == self.attempt and self.run.stage_started_at is not None

    def begin(self, code: str, at_ms: int) -> None:
        if self.running is None and code not in self.completed:
            self.running = Running(code, at_ms, code not in self.begun, self.author())
            self.begun.add(code)

    def end(self, outcome: Outcome, at_ms: int, duration_ms: int | None = None) -> None:
        running, self.running = self.running, None
        if running is None:
            return
        calls = [call for call in self.calls if call.attempt == self.attempt]
        if outcome != Outcome.LOST:
            calls = [call for call in calls if ms_of(call.began_at) <= at_ms]
        begun = [call for call in self.calls if call.attempt < self.attempt or call in calls]
        stage_calls, self.counted = calls[self.counted :], len(calls)
        duration_ms = at_ms - running.began_ms if duration_ms is None else duration_ms
        written = sum(call.output_tokens for call in stage_calls)
        run = self.run
        self.rows.append(
            recorder.stage(
                run_id=run.uid,
                attempt=self.attempt,
                kind=run.kind,
                stage=running.code,
                duration_ms=duration_ms,
                outcome=outcome,
                provider=running.author[0],
                model=running.author[1],
                user_id=run.owner_id,
                clinic_id=run.clinic_id,
                size=begun[0].asked_tokens if begun else 0,
                input_tokens=sum(call.input_tokens for call in stage_calls),
                output_tokens=written,
                asked_ms=self.asked_ms,
                whole=running.whole,
                cost_usd=None if outcome == Outcome.LOST else sum((call.cost_usd for call in stage_calls), Decimal()),
                ended_ms=at_ms,
            )
        )
        if written:
            self.asked_ms += duration_ms

    def author(self) -> Author:
        """Who writes from here on: what was asked in this attempt tells it, else the run's other attempts, its row."""
        run = self.run
        if self.fell_back:
            return author_for("composer", run.kind)
        asked = sorted(self.calls, key=lambda call: call.attempt != self.attempt)
        if asked:
            return asked[0].server, asked[0].model
        if run.status == Status.SUCCEEDED and not self.will_fall_back:
            return run.provider, run.model
        return author_for(run.engine, run.kind)


def falls_back(entry: Entry) -> bool:
    return entry.name == "warning" and entry.data["code"] == "MODEL_FALLBACK"
