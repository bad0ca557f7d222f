"""History played again: what the estimator would have said, knowing at each moment only what had ended before."""

import csv
import heapq
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from metrics.calibration import LOWER, UPPER, Calibrations
from metrics.models import GenerationMetric
from metrics.outlook import Estimate, Outlook
from metrics.profiles import Observation, Profiles

# Of a run's own time, when it is asked.
FRACTIONS = (0.0, 0.25, 0.5, 0.75)
# Of what happens at one moment the first goes first.
ASKS, ENDS = 0, 1
PARETO_INDEX = 2.6
COLUMNS = ("run_id", "fraction", "elapsed_ms", "p10_ms", "p50_ms", "p90_ms", "true_remaining_ms")
NEEDED = ("run_id", "started_at", "kind", "provider", "model", "input_tokens", "stage", "duration_ms", "outcome")
SUCCEEDED = GenerationMetric.Outcome.SUCCEEDED


class BadTrace(ValueError):
    """The file is not a trace; the message says where."""


class Stage(NamedTuple):
    code: str
    duration_ms: int
    outcome: str
    output_tokens: int


@dataclass
class Replayed:
    """A run of the past: `started_ms` since 1970, `size` in tokens of its input."""

    run_id: str
    started_ms: float
    kind: str
    provider: str
    model: str
    size: int
    stages: list[Stage] = field(default_factory=list)

    @property
    def total_ms(self) -> int:
        return sum(stage.duration_ms for stage in self.stages)

    @property
    def succeeded(self) -> bool:
        return all(stage.outcome == SUCCEEDED for stage in self.stages)

    def observations(self) -> Iterator[Observation]:
        asked_ms = 0
        for stage in self.stages:
            yield Observation(
                self.kind,
                stage.code,
                self.provider,
                self.model,
                self.size,
                stage.duration_ms,
                stage.outcome == SUCCEEDED,
                stage.output_tokens,
                asked_ms,
            )
            asked_ms += stage.duration_ms if stage.output_tokens else 0

    def at(self, elapsed_ms: float) -> tuple[str, float, int]:
        """The stage that ran then, how long it had, and what earlier ones had taken in which a model wrote."""
        begun, asked_ms = 0, 0
        for stage in self.stages[:-1]:
            if elapsed_ms < begun + stage.duration_ms:
                return stage.code, elapsed_ms - begun, asked_ms
            begun += stage.duration_ms
            asked_ms += stage.duration_ms if stage.output_tokens else 0
        return self.stages[-1].code, elapsed_ms - begun, asked_ms


class Scored(NamedTuple):
    """A forecast and what was true, in milliseconds.

    `naive_ms` is the mean of all runs of the kind that had succeeded, minus what had passed; None before the first.
    """

    run: Replayed
    fraction: float
    elapsed_ms: float
    low_ms: float
    ms: float
    high_ms: float
    true_ms: float
    naive_ms: float | None


def from_file(path: Path) -> list[Replayed]:
    """The runs of a trace, in any order. Raises BadTrace, OSError."""
    runs: dict[str, Replayed] = {}
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadTrace(f"{path}: this is no text in UTF-8.") from None
    with StringIO(text, newline="") as lines:
        rows = csv.DictReader(lines)
        missing = [name for name in NEEDED if name not in (rows.fieldnames or ())]
        if missing:
            raise BadTrace(f"{path}: there is no column {', '.join(missing)}.")
        for row in rows:
            try:
                add(runs, row)
            except (ValueError, TypeError, AttributeError):
                raise BadTrace(
                    f"{path}, line {rows.line_num}: not a stage of a run; see --help for the columns."
                ) from None
    return list(runs.values())


def add(runs: dict[str, Replayed], row: dict[str, str]) -> None:
    run = runs.get(row["run_id"])
    if run is None:
        started_ms = datetime.fromisoformat(row["started_at"]).timestamp() * 1000
        run = runs[row["run_id"]] = Replayed(
            row["run_id"], started_ms, row["kind"], row["provider"], row["model"], int(row["input_tokens"] or 0)
        )
    duration_ms, tokens = int(row["duration_ms"]), int(row.get("output_tokens") or 0)
    if duration_ms < 0 or tokens < 0:
        raise ValueError("a duration or a number of tokens is below 0")
    run.stages.append(Stage(row["stage"], duration_ms, row["outcome"], tokens))


def from_database() -> list[Replayed]:
    """The runs that this database remembers, of those that were done in one attempt; their stages follow each other."""
    runs: dict[str, Replayed] = {}
    mended: set[str] = set()
    rows = GenerationMetric.objects.order_by("created_at", "pk").values_list(
        "run_id", "created_at", "kind", "provider", "model", "size", "stage", "duration_ms", "outcome",
        "output_tokens", "attempt",
        named=True,
    )  # fmt: skip
    for row in rows.iterator(5_000):
        run_id = str(row.run_id)
        if row.attempt > 1:
            mended.add(run_id)
        run = runs.get(run_id)
        if run is None:
            started_ms = row.created_at.timestamp() * 1000 - row.duration_ms
            run = runs[run_id] = Replayed(run_id, started_ms, row.kind, row.provider, row.model, row.size)
        run.size = run.size or row.size
        run.stages.append(Stage(row.stage, row.duration_ms, row.outcome, row.output_tokens))
    return [run for run in runs.values() if run.run_id not in mended]


def evaluate(runs: Sequence[Replayed]) -> Iterator[Scored]:
    """Forecasts for the runs that succeeded at each of FRACTIONS of their time, in the order of time.

    A run is learned from when it has ended, and so are its forecasts; what ends at the very moment of a forecast is not
    known yet.
    """
    moments: list[tuple[float, int, int, float]] = []
    for place, run in enumerate(runs):
        moments.append((run.started_ms + run.total_ms, ENDS, place, 1.0))
        if run.succeeded:
            moments += [(run.started_ms + part * run.total_ms, ASKS, place, part) for part in FRACTIONS]
    heapq.heapify(moments)
    student = Student(runs)
    while moments:
        _, what, place, fraction = heapq.heappop(moments)
        if what == ENDS:
            student.learn(runs[place])
        else:
            yield student.forecast(runs[place], fraction)


class Student:
    """What is known at one moment of a replay."""

    def __init__(self, runs: Iterable[Replayed]) -> None:
        self.profiles = Profiles()
        self.calibrations = Calibrations()
        # Which stages there are is known of the code, not learned.
        self.stages = stages_of(runs)
        self.outlooks: dict[tuple[str, str, str], Outlook] = {}
        self.totals: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        self.asked: dict[str, list[Scored]] = defaultdict(list)

    def learn(self, run: Replayed) -> None:
        self.profiles.observe(run.observations())
        for scored in self.asked.pop(run.run_id, ()):
            self.calibrations.add(run.kind, run.provider, run.model, scored.low_ms, scored.high_ms, scored.true_ms)
        if run.succeeded:
            count_and_sum = self.totals[run.kind]
            count_and_sum[0] += 1
            count_and_sum[1] += run.total_ms
        self.outlooks.clear()

    def forecast(self, run: Replayed, fraction: float) -> Scored:
        elapsed_ms = fraction * run.total_ms
        true_ms = run.total_ms - elapsed_ms
        stage, stage_ms, asked_ms = run.at(elapsed_ms)
        found = self.outlook(run).remaining(stage, stage_ms, size=run.size, asked_ms=asked_ms)
        if found is None:
            found = beyond(elapsed_ms)
        count, total = self.totals[run.kind]
        naive_ms = max(0.0, total / count - elapsed_ms) if count else None
        scored = Scored(run, fraction, elapsed_ms, found.low_ms, found.ms, found.high_ms, true_ms, naive_ms)
        self.asked[run.run_id].append(scored)
        return scored

    def outlook(self, run: Replayed) -> Outlook:
        key = run.kind, run.provider, run.model
        if key not in self.outlooks:
            levels = self.calibrations.levels(*key)
            self.outlooks[key] = Outlook(
                run.kind, self.stages[run.kind], run.provider, run.model, self.profiles.found, *levels
            )
        return self.outlooks[key]


def stages_of(runs: Iterable[Replayed]) -> dict[str, list[str]]:
    """The stages of each kind in their order, those of all versions of it together, by where they stood on average."""
    places: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        for place, stage in enumerate(run.stages):
            places[run.kind][stage.code].append(place)
    return {kind: sorted(found, key=lambda code: fmean(found[code])) for kind, found in places.items()}


def beyond(elapsed_ms: float) -> Estimate:
    """For a run that has outlived all that is known. People are shown nothing then, but it is counted here.

    The longer something has lasted, the longer it will: the quantiles of a Pareto distribution of index 2.6, whose
    median is 0.3 times what has passed.
    """
    low, middle, high = (round(elapsed_ms * ((1 - p) ** (-1 / PARETO_INDEX) - 1)) for p in (LOWER, 0.5, UPPER))
    return Estimate(low, middle, high, False)


class Report(NamedTuple):
    """`error` of the medians as a share of the naive error, `coverage` of the ranges, `width` of the ranges as a share
    of the mean that was left. NaN where there is nothing to divide by.
    """

    forecasts: int
    error: float
    coverage: float
    width: float

    @classmethod
    def of(cls, scored: Sequence[Scored]) -> list[tuple[str, "Report"]]:
        """The report on all, on each fraction, and on each model."""
        groups: dict[str, list[Scored]] = {name: [] for name in ("all", *(f"at {part:.0%}" for part in FRACTIONS))}
        for each in scored:
            run = each.run
            writer = " ".join(name for name in (run.kind, run.provider, run.model) if name)
            for name in ("all", f"at {each.fraction:.0%}", writer):
                groups.setdefault(name, []).append(each)
        return [(name, cls.on(group)) for name, group in groups.items() if group]

    @classmethod
    def on(cls, group: Sequence[Scored]) -> "Report":
        compared = [each for each in group if each.naive_ms is not None]
        error = math.fsum(abs(each.ms - each.true_ms) for each in compared)
        naive = math.fsum(abs(each.naive_ms - each.true_ms) for each in compared if each.naive_ms is not None)
        held = sum(each.low_ms <= each.true_ms <= each.high_ms for each in group)
        width = math.fsum(each.high_ms - each.low_ms for each in group)
        left = math.fsum(each.true_ms for each in group)
        return cls(len(group), ratio(error, naive), held / len(group), ratio(width, left))


def ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def write(path: Path, scored: Iterable[Scored]) -> None:
    """Each forecast as a row of COLUMNS. Raises OSError."""
    with path.open("w", newline="", encoding="utf-8") as lines:
        rows = csv.writer(lines)
        rows.writerow(COLUMNS)
        for each in scored:
            rows.writerow(
                (each.run.run_id, each.fraction, round(each.elapsed_ms), round(each.low_ms), round(each.ms),
                 round(each.high_ms), round(each.true_ms))
            )  # fmt: skip
