"""When a run would be over: its own time from where it is, and for one that waits the time until its turn.

Turns are given as the executors give them: the oldest first, of a batch only as many as it allows. What is ahead is
played through in SCENARIOS courses; in each, every run takes a time drawn from its own estimate. So a long run is
balanced by a short one, and the first of many slots is free earlier than any one of them would be on its own: adding up
the ends of the ranges would show neither.

Assumed: the times of runs are independent of each other, those who wait keep waiting, and a process of which no run is
seen has no room. A run that is being cancelled makes room at once, one that is paused takes none.
"""

import math
import random
import threading
import time
import uuid
from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from statistics import NormalDist, median
from typing import Any

from django.conf import settings
from django.utils import timezone

from generation import course
from generation.models import Run
from generation.models.runs import Status
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers import choose
from metrics.distribution import at
from metrics.estimator import outlook
from metrics.outlook import Estimate

SCENARIOS = 61
# Who has more runs than this ahead is told nothing, and at most so many of those that run are looked at.
MOST = 300
# Every snapshot of a run that waits asks.
REMEMBER_S = 1.0
# As far from the middle as the ends of a range are, in standard deviations.
NINETIETH = NormalDist().inv_cdf(0.9)
SCORES = [NormalDist().inv_cdf((place + 0.5) / SCENARIOS) / NINETIETH for place in range(SCENARIOS)]
FIELDS = (
    "uid", "kind", "status", "engine", "stage", "stage_started_at", "course", "holder", "created_at",
    "batch__max_parallel",
)  # fmt: skip

# Milliseconds from the reading of a line, one for each scenario.
Times = list[float]


def eta_of(run: Run) -> dict[str, Any] | None:
    """What a run that waits or works will still take, as wire.md shows it; None where nothing can be said."""
    found = None
    if run.status == Status.RUNNING:
        found = remaining_of(run)
    elif run.status == Status.QUEUED:
        found = line().estimate(run)
    return found.data() if found else None


def position_of(run: Run) -> int | None:
    """The place of a run that waits among all that do, by when their turns come; 1 is next.

    None of one that does not wait, and behind more than MOST.
    """
    return line().place(run) if run.status == Status.QUEUED else None


def eta_of_last(runs: Sequence[Run]) -> dict[str, Any] | None:
    """When the last of these runs will be over; None when none of them waits or works, or nothing can be said."""
    left = [run for run in runs if run.status in (Status.RUNNING, Status.QUEUED)]
    found = line().last(left) if left else None
    return found.data() if found else None


def remaining_of(run: Run) -> Estimate | None:
    """What the work itself will still take, by its stage and the time it has spent there."""
    if run.kind not in PIPELINES:
        return None
    engine = "composer" if run.course.get("by_rule") else run.engine
    stages, provider = stage_codes(PIPELINES[run.kind]), choose(engine, run.kind)
    look = outlook(run.kind, stages, provider.name, provider.model)
    if run.stage not in stages:
        return look.remaining()
    if run.stage_started_at is None:
        # It waits to go on, and begins this stage anew.
        facts = {name: run.course[name] for name in ("size", "asked_ms") if name in run.course}
        return course.remaining(look, run.stage, 0.0, facts)
    # The worker's clock has begun the stage, and ours may differ.
    elapsed_ms = max(0.0, (timezone.now() - run.stage_started_at).total_seconds() * 1000)
    return course.remaining(look, run.stage, elapsed_ms, run.course)


class Line:
    """The runs that hold a slot and those that wait for one, as they stood when they were read."""

    def __init__(self, slots: int, working: Iterable[Run], waiting: Iterable[Run], whole: bool = True) -> None:
        """`whole` is False where not all that work were looked at: then nothing is said of rows of batches."""
        self.read_at = time.monotonic()
        # It is shared by the threads of a process.
        self.lock = threading.Lock()
        self.whole = whole
        self.known = True
        self.ends: dict[uuid.UUID, Times] = {}
        self.estimates: dict[uuid.UUID, Estimate | None] = {}
        # When each that waits would begin, in the order in which they came.
        self.turns: dict[uuid.UUID, float] = {}
        self.places: dict[uuid.UUID, int] = {}
        # When each slot is free, ascending: of the server, and of each batch that has one waiting.
        self.slots: list[Times] = [[] for _ in SCORES]
        self.of_batch: dict[uuid.UUID, list[Times]] = {}
        self.held: dict[uuid.UUID, list[Times]] = {}
        # Of those that do not begin at once.
        self.waiting = 0
        for run in working:
            ends = self.hold(run)
            if run.batch_id is not None:
                self.held.setdefault(run.batch_id, []).append(ends)
        self.slots = free_from(slots, list(self.ends.values()))
        for run in waiting:
            self.join(run)

    def now(self) -> float:
        return (time.monotonic() - self.read_at) * 1000

    def estimate(self, run: Run) -> Estimate | None:
        """Of a run that waits; one that has come since the line was read stands at its end."""
        with self.lock:
            if run.uid not in self.estimates:
                self.join(run)
            return self.estimates[run.uid]

    def place(self, run: Run) -> int | None:
        """Of a run that waits; who would begin at the same moment goes by the order in which they came."""
        with self.lock:
            if run.uid not in self.estimates:
                self.join(run)
            if not self.places:
                order = sorted(self.turns, key=self.turns.__getitem__)
                self.places = {uid: place for place, uid in enumerate(order, start=1)}
            place = self.places[run.uid]
            return place if place <= MOST else None

    def last(self, runs: Sequence[Run]) -> Estimate | None:
        """Of the one among these runs that ends last."""
        with self.lock:
            for run in runs:
                if run.uid not in self.ends:
                    (self.join if run.status == Status.QUEUED else self.hold)(run)
            return self.told([max(ends) for ends in zip(*(self.ends[run.uid] for run in runs), strict=True)])

    def hold(self, run: Run) -> Times:
        """Put down when a run that works will be over."""
        ends = self.ends[run.uid] = self.drawn(run, remaining_of(run))
        return ends

    def join(self, run: Run) -> None:
        """Let a run wait behind all others, and put down when it would be over."""
        ends = self.ends[run.uid] = [math.inf] * SCENARIOS
        self.estimates[run.uid] = None
        self.turns[run.uid] = math.inf
        self.places = {}
        if self.waiting >= MOST or (run.batch_id is not None and not self.whole):
            return
        own = remaining_of(run)
        took, now = self.drawn(run, own), self.now()
        batch, at_once, begins = self.batch_slots(run), True, []
        for scenario, slots in enumerate(self.slots):
            theirs = batch[scenario] if batch is not None else None
            begin = max(now, slots[0] if slots else math.inf, theirs[0] if theirs else 0.0)
            at_once = at_once and begin == now
            begins.append(begin)
            if begin + took[scenario] == math.inf:
                continue
            end = ends[scenario] = begin + took[scenario]
            # The slot that was free last before it: whoever waits for a batch leaves the earlier ones to others.
            del slots[bisect_right(slots, begin) - 1]
            insort(slots, end)
            if theirs:
                del theirs[0]
                insort(theirs, end)
        self.estimates[run.uid] = own if at_once else self.told(ends)
        self.turns[run.uid] = median(begins)
        self.waiting += not at_once

    def batch_slots(self, run: Run) -> list[Times] | None:
        if run.batch_id is None:
            return None
        found = self.of_batch.get(run.batch_id)
        if found is None and run.batch is not None:
            found = free_from(run.batch.max_parallel, self.held.get(run.batch_id, []))
            self.of_batch[run.batch_id] = found
        return found

    def drawn(self, run: Run, estimate: Estimate | None) -> Times:
        """Times between now and the end of a run's work: two half normal distributions through its three quantiles."""
        if estimate is None:
            return [math.inf] * SCENARIOS
        self.known = self.known and estimate.from_history
        low, middle, high = estimate.low_ms, estimate.ms, estimate.high_ms
        # The same for a run each time, or its estimate would change without a reason.
        scores = random.Random(run.pk).sample(SCORES, SCENARIOS)  # noqa: S311 - it guards nothing
        return [max(0.0, middle + score * (high - middle if score > 0 else middle - low)) for score in scores]

    def told(self, ends: Times) -> Estimate | None:
        """The quantiles of these ends, from now on."""
        ordered, now = sorted(ends), self.now()
        if ordered[-1] == math.inf:
            return None
        low, middle, high = (max(0, round(at(ordered, level) - now)) for level in (0.1, 0.5, 0.9))
        return Estimate(low, middle, high, self.known)


def free_from(slots: int, ends: Sequence[Times]) -> list[Times]:
    """When each slot is free, by scenario, while as many runs as there are ends hold one."""
    busy = [sorted(times) for times in zip(*ends, strict=True)] if ends else [[] for _ in SCORES]
    # More may be held than there are slots, if there used to be more: the first to end make no room.
    return [[0.0] * (slots - len(times)) + times[max(0, len(times) - slots) :] for times in busy]


def read() -> Line:
    """The line as it is now. At most 2 · MOST runs are looked at."""
    runs = Run.objects.select_related("batch").only(*FIELDS)
    working = list(runs.filter(status=Status.RUNNING).order_by("pk")[: MOST + 1])
    waiting = list(runs.filter(status=Status.QUEUED).order_by("created_at", "pk")[: MOST + 1])
    slots = settings.MAX_CONCURRENT_RUNS * max(1, len({run.holder for run in working}))
    if len(working) <= MOST:
        return Line(slots, working, waiting)
    # Only whether there is room for one more can be told then.
    free = slots - Run.objects.filter(status=Status.RUNNING).count()
    return Line(max(0, free), [], waiting, whole=False)


_line: Line | None = None


def line() -> Line:
    """The line as it was REMEMBER_S ago at most. Reads the database."""
    global _line
    found = _line
    if found is None or found.now() > REMEMBER_S * 1000:
        found = _line = read()
    return found


def forget() -> None:
    """Read the line anew for whoever asks next."""
    global _line
    _line = None
