"""How much longer: what history says of the stages that are left, given what is known of the one that runs.

An estimate is made of POINTS equally likely courses of the run. Each takes a point of the current stage's time, of
that which is still possible after the time it has had, and a point of the later stages' time; pairing them in the order
of a lattice stands for all combinations. Source: N. M. Korobov, rank-1 lattice rules, 1959.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from metrics.distribution import Distribution, at, blended, log_normal, mixed, product, revised, widened
from metrics.histogram import Histogram, bin_of
from metrics.profiles import ANY_SIZE, BY_RULE, RECENCY, STRENGTH, Key, Mark, Profile, bucket, levels, tenth

POINTS = 53
# Its powers, modulo the number of points, are the steps through the points of the later stages.
STRIDE = 17
# Observations from which on it is history that speaks.
ENOUGH = 4.5
# How many observations the shipped defaults count as: they may be far from this server's times.
DEFAULT_STRENGTH = 0.2

# Milliseconds (10th percentile, median, 90th) a stage takes where there is no history yet: the embedded
# composer on one core of a small server, and a model that writes 50 to 100 tokens a second.
DEFAULTS: dict[bool, dict[str, tuple[float, float, float]]] = {
    True: {"*": (1, 5, 40)},
    False: {"generating": (8_000, 20_000, 60_000), "*": (5, 50, 500)},
}
# Tokens of an answer, likewise.
LENGTH = log_normal(150, 500, 2_500)
# A century; more is nobody's estimate, and no column holds it.
MOST_MS = 100 * 366 * 86_400_000
# A larger share of the whole in the highest bin is no chance.
CUT_OFF = 0.05
# Nats that length times pace is given ahead of whole durations: it was tried with the last few paces alone, and an
# estimate knows more of them.
IN_PARTS = 4.0
# From so many tokens on a stage's own pace tells as much as what is usual.
TOKENS_OF_PACE = 20
NONE = Profile()
EMPTY = Histogram()


class Estimate(NamedTuple):
    """Milliseconds that are left: the 10th percentile, the median and the 90th, as they are calibrated."""

    low_ms: int
    ms: int
    high_ms: int
    from_history: bool

    def data(self) -> dict[str, Any]:
        """As wire.md shows it."""
        basis = "history" if self.from_history else "default"
        return {"ms": self.ms, "low_ms": self.low_ms, "high_ms": self.high_ms, "basis": basis}


class Rest(NamedTuple):
    """The stages after one: at each point a fixed time, and a part of what writing took before them."""

    fixed: list[float]
    part: list[float]
    known: float


class Outlook:
    """What the profiles say of one kind of run by one writer. They must not change meanwhile.

    `lower` and `upper` are the shares of the outcomes below the two ends of the stated range.
    """

    def __init__(
        self,
        kind: str,
        stages: Sequence[str],
        provider: str,
        model: str,
        profiles: Mapping[Key, Profile],
        lower: float = 0.1,
        upper: float = 0.9,
    ) -> None:
        self.kind = kind
        self.stages = tuple(stages)
        self.provider = provider
        self.model = model
        self.profiles = profiles
        self.lower = lower
        self.upper = upper
        self.spreads: dict[tuple[str, int], Distribution] = {}
        self.lengths: dict[tuple[str, int], Distribution] = {}
        self.paces: dict[str, Distribution] = {}
        self.wide_lengths: dict[tuple[str, int], dict[int, float]] = {}
        self.courses: dict[tuple[str, int], dict[int, float] | None] = {}
        self.revisions: dict[tuple[str, int, int, int], Distribution] = {}
        self.shares: dict[str, Distribution | None] = {}
        self.rests: dict[tuple[int, int, bool], Rest] = {}
        self.defaults = DEFAULTS[provider == BY_RULE]
        self.writing = {stage for stage in self.stages if self.pooled(stage).pace.total > 0}

    def remaining(
        self,
        stage: str | None = None,
        elapsed_ms: float = 0.0,
        *,
        size: int = 0,
        asked_ms: float = 0.0,
        tokens: int = 0,
        first_ms: float = 0.0,
        mark: Mark | None = None,
    ) -> Estimate | None:
        """What is left of a run from `stage` on, of which `elapsed_ms` are over; of a whole run without a stage.

        `size` is that of its first request in tokens, 0 if unknown; `asked_ms` what its earlier stages took in which a
        model wrote; `tokens` what this stage has written so far, the first after `first_ms` of it, and `mark` the last
        of its marks. None where nothing known ever took so long.
        """
        place = 0 if stage is None else self.stages.index(stage)
        now, sized = self.stages[place], bucket(size)
        elapsed_ms = max(0.0, elapsed_ms)
        points, known = self.left(now, sized, elapsed_ms, asked_ms, tokens, first_ms, mark)
        if points is None:
            return None
        writes = now in self.writing
        rest = self.rest(place, sized, asked_ms > 0 or writes)
        asked_ms += elapsed_ms if writes else 0.0
        courses = zip(points, rest.fixed, rest.part, strict=True)
        whole = [left + fixed + part * (asked_ms + writes * left) for left, fixed, part in courses]
        return self.told(whole, min(known, rest.known))

    def of_stage(self, stage: str, *, size: int = 0) -> Estimate:
        """What one stage takes, from its beginning."""
        points, known = self.left(stage, bucket(size), 0.0, 0.0, 0, 0.0, None)
        return self.told(points or [0.0] * POINTS, known)

    def told(self, points: list[float], known: float) -> Estimate:
        points.sort()
        low, middle, high = (min(MOST_MS, round(at(points, level))) for level in (self.lower, 0.5, self.upper))
        return Estimate(min(low, middle), middle, max(middle, high), known >= ENOUGH)

    def left(
        self,
        stage: str,
        sized: int,
        elapsed_ms: float,
        asked_ms: float,
        tokens: int,
        first_ms: float,
        mark: Mark | None,
    ) -> tuple[list[float] | None, float]:
        """Points of what is left of a stage, ascending, and how many observations stand behind them."""
        if stage in self.writing:
            length = self.length(stage, sized)
            points = None
            if tokens > 0:
                if mark is not None:
                    points = self.after(stage, sized, mark, length).points(POINTS, tokens)
                points = points or length.points(POINTS, tokens)
            if points is not None:
                pace = self.pace_so_far(stage, max(0.0, elapsed_ms - first_ms), tokens)
                return [(point - tokens) * pace for point in points], length.known
        elif asked_ms > 0 and (share := self.share(stage)) is not None:
            points = share.points(POINTS, elapsed_ms / asked_ms)
            return [point * asked_ms - elapsed_ms for point in points] if points else None, share.known
        spread = self.spread(stage, sized)
        points = spread.points(POINTS, elapsed_ms)
        return [point - elapsed_ms for point in points] if points else None, spread.known

    def after(self, stage: str, sized: int, mark: Mark, length: Distribution) -> Distribution:
        """How many tokens there are to write, seeing how many this mark has taken.

        As many as answers usually have, by Bayes' rule, weighed by how likely they then were at this mark.
        """
        part = tenth(mark.done)
        course = self.course(stage, part)
        if course is None or mark.tokens <= 0 or mark.done <= 0:
            return length
        shift = bin_of(mark.tokens / mark.done)
        key = (stage, sized, part, shift)
        if (found := self.revisions.get(key)) is None:
            wide = self.wide_lengths.get((stage, sized))
            if wide is None:
                wide = self.wide_lengths[stage, sized] = widened(length.by_bin())
            found = self.revisions[key] = revised(wide, course, shift, length.known)
        return found

    def course(self, stage: str, part: int) -> dict[int, float] | None:
        """How answers went on from this tenth; None where too few are known."""
        key = (stage, part)
        if key not in self.courses:
            _, _, model, pooled = (profile.courses.get(part, EMPTY) for profile in self.at_levels(stage, ANY_SIZE))
            known = blended({}, (pooled, 0.0), (model, STRENGTH)).by_bin() if pooled.total >= ENOUGH else None
            self.courses[key] = known and widened(known)
        return self.courses[key]

    def pace_so_far(self, stage: str, elapsed_ms: float, tokens: int) -> float:
        """Milliseconds for each token to come: as in this stage so far, but at its beginning rather as usual."""
        usual = (self.pace(stage).points(1) or [1.0])[0]
        own = tokens / (tokens + TOKENS_OF_PACE)
        return float((elapsed_ms / tokens) ** own * usual ** (1.0 - own)) if elapsed_ms > 0 else usual

    def rest(self, place: int, sized: int, asked: bool) -> Rest:
        """The stages after the one at `place`; `asked` where a model has written before them."""
        key = (place, sized, asked)
        if (found := self.rests.get(key)) is not None:
            return found
        fixed, part, known = [0.0] * POINTS, [0.0] * POINTS, math.inf
        writing: list[float] | None = None
        for lane, stage in enumerate(self.stages[place + 1 :], start=1):
            share = self.share(stage) if (asked or writing) and stage not in self.writing else None
            spread = share or self.spread(stage, sized)
            known = min(known, spread.known)
            points = spread.points(POINTS) or [0.0] * POINTS
            stride = pow(STRIDE, lane, POINTS)
            taken = [points[point * stride % POINTS] for point in range(POINTS)]
            if share is None:
                fixed = [sum(pair) for pair in zip(fixed, taken, strict=True)]
            if stage in self.writing:
                writing = taken if writing is None else [sum(pair) for pair in zip(writing, taken, strict=True)]
            if share is not None:
                part = [sum(pair) for pair in zip(part, taken, strict=True)] if asked else part
                fixed = [f + p * w for f, p, w in zip(fixed, taken, writing, strict=True)] if writing else fixed
        found = self.rests[key] = Rest(fixed, part, known)
        return found

    def pooled(self, stage: str) -> Profile:
        """The profile of a stage whatever its model and size."""
        return self.at_levels(stage, ANY_SIZE)[-1]

    def at_levels(self, stage: str, sized: int) -> list[Profile]:
        return [self.profiles.get(key, NONE) for key in levels(self.kind, stage, self.provider, self.model, sized)]

    def spread(self, stage: str, sized: int) -> Distribution:
        """What a stage takes in milliseconds."""
        key = (stage, sized)
        if (found := self.spreads.get(key)) is None:
            found = self.timed(stage, sized)
            if stage in self.writing:
                apart = self.at_levels(stage, ANY_SIZE)[2].apart.weight_after(IN_PARTS)
                found = mixed(found, self.written(stage, sized), apart)
            self.spreads[key] = found
        return found

    def timed(self, stage: str, sized: int) -> Distribution:
        exact, _, model, pooled = self.at_levels(stage, sized)
        prior = log_normal(*self.defaults.get(stage, self.defaults["*"]))
        long_run = blended(prior, (pooled.duration, DEFAULT_STRENGTH), (model.duration, STRENGTH))
        if exact is not model:
            long_run = blended(long_run.by_bin(), (exact.duration, STRENGTH))
        # Where there are paces, the last few are no durations.
        return long_run if model.pace.total > 0 else lately(long_run, model)

    def written(self, stage: str, sized: int) -> Distribution:
        length, pace = self.length(stage, sized), self.pace(stage)
        shares = product(length.by_bin(), pace.by_bin())
        if (ceiling := self.ceiling(stage)) is not None:
            beyond = [index for index in shares if index > ceiling]
            shares[ceiling] = shares.get(ceiling, 0.0) + sum(shares.pop(index) for index in beyond)
        return Distribution(shares, length.known)

    def ceiling(self, stage: str) -> int | None:
        """The bin in which a time-out cuts this model off, None if none is seen."""
        found = self.at_levels(stage, ANY_SIZE)[2].duration.shares()
        top = max(found, default=0)
        cut = found.get(top, 0.0) > max(CUT_OFF, 2 * found.get(top - 1, 0.0))
        return top if cut else None

    def length(self, stage: str, sized: int) -> Distribution:
        """How many tokens there are to write."""
        key = (stage, sized)
        if (found := self.lengths.get(key)) is None:
            exact, same, _, pooled = self.at_levels(stage, sized)
            found = blended(LENGTH, (pooled.tokens, DEFAULT_STRENGTH))
            if sized != ANY_SIZE:
                finer = blended(found.by_bin(), (same.tokens, STRENGTH), (exact.tokens, STRENGTH))
                found = mixed(found, finer, pooled.by_size.weight)
            self.lengths[key] = found
        return found

    def pace(self, stage: str) -> Distribution:
        """Milliseconds for a token."""
        if (found := self.paces.get(stage)) is None:
            _, _, model, pooled = self.at_levels(stage, ANY_SIZE)
            long_run = blended({}, (pooled.pace, 0.0), (model.pace, DEFAULT_STRENGTH))
            found = self.paces[stage] = lately(long_run, model if model.recent else pooled)
        return found

    def share(self, stage: str) -> Distribution | None:
        """What a stage takes as a part of what writing took; None where that is not known."""
        if stage not in self.shares:
            _, _, model, pooled = (profile.share for profile in self.at_levels(stage, ANY_SIZE))
            found = blended({}, (pooled, 0.0), (model, STRENGTH)) if pooled.total > 0 else None
            self.shares[stage] = found
        return self.shares[stage]


def lately(long_run: Distribution, profile: Profile) -> Distribution:
    """The long run together with the last few, as far as these tell more."""
    if not profile.recent:
        return long_run
    found: dict[int, float] = {}
    for index, weight in zip(reversed(profile.recent), RECENCY, strict=False):
        found[index] = found.get(index, 0.0) + weight
    return mixed(long_run, Distribution(found, long_run.known), profile.shifts.weight)
