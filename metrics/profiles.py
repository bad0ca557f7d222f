"""What each stage's past looks like, at four levels from "this model, this size" up to "any model, any size".

A stage in which a model writes is taken apart: how much there is to write depends on the size of the request and hardly
on the model, how fast it is written on the model and hardly on the request. So a new model profits from all that was
written before, and a change of its speed is seen after a few runs. A later stage that may ask the model again takes a
share of the time that the writing took.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from metrics.evidence import Evidence
from metrics.histogram import Histogram, bin_of

# The last durations, or paces where a model writes, are kept one by one, for the speed may change at once.
RECENT = 8
# Each counts so much of the one after it: half after two.
OLDER = 0.5**0.5
RECENCY = [OLDER**age for age in range(RECENT)]
ALL_RECENT = [math.fsum(RECENCY[:count]) for count in range(RECENT + 1)]
# Each number that comes lets those before it count half after so many.
HALF_LIFE = 300
HALF_LIFE_OF_PACE = 100
GROWTH = 2 ** (1 / HALF_LIFE)
GROWTH_OF_PACE = 2 ** (1 / HALF_LIFE_OF_PACE)
ANY_SIZE = -1
# How many observations a coarser level counts as for a finer one.
STRENGTH = 10.0

# The provider that asks no model, and in place of provider and model what stands for all that do.
BY_RULE = "composer"
ANY_MODEL = "*"

# Kind, stage, provider, model, bucket of the size.
Key = tuple[str, str, str, str, int]


class Mark(NamedTuple):
    """How much of a stage was done, from 0 to 1, after so many milliseconds of it and so many tokens written in it."""

    done: float
    ms: float
    tokens: int


class Observation(NamedTuple):
    """One stage that ended: milliseconds and tokens. `finished` is False where it was cut off."""

    kind: str
    stage: str
    provider: str
    model: str
    size: int
    duration_ms: int
    finished: bool
    output_tokens: int = 0
    asked_ms: int = 0
    marks: Sequence[Sequence[float]] = ()


def bucket(size: int) -> int:
    """A quarter of a doubling of the input's tokens; ANY_SIZE where they are not known."""
    return ANY_SIZE if size <= 0 else bin_of(size) // 2


def tenth(done: float) -> int:
    """The tenth of the work that is reached: 0 to 10."""
    return min(10, max(0, int(done * 10 + 1e-9)))


class Profile:
    """The distributions of one stage at one level; those that were never fed are empty.

    `duration` is in milliseconds, `tokens` are those written, `pace` is milliseconds per token, `share` is the duration
    as a part of the time that earlier stages spent writing. `recent` are the bins of the last paces, or of the last
    durations where there are none. `by_size` weighs whether the size tells how much there is to write, `shifts` whether
    the last few tell more of the next one than the long run does, and `apart` whether tokens and pace tell more of a
    duration than earlier durations do: they don't of a model that takes most of its time to read. `courses` tell for
    each tenth of the work how many times as long the whole answer became as it would have, had the rest gone on like
    the part that was done.
    """

    __slots__ = ("apart", "by_size", "courses", "duration", "pace", "recent", "share", "shifts", "tokens")
    MEASURES = ("duration", "tokens", "pace", "share")
    EVIDENCE = ("apart", "by_size", "shifts")

    def __init__(self) -> None:
        self.duration = Histogram()
        self.tokens = Histogram()
        self.pace = Histogram()
        self.share = Histogram()
        self.recent: list[int] = []
        self.apart = Evidence()
        self.by_size = Evidence()
        self.shifts = Evidence()
        self.courses: dict[int, Histogram] = {}

    def take_tokens(self, tokens: int, sized: "Profile") -> None:
        """Weigh what those of this size and all of this profile expected."""
        alike, every = sized.tokens, self.tokens
        if every.mass > 0:
            coarse, told = every.near(tokens), alike.total / (alike.total + STRENGTH)
            self.by_size.weigh(told * alike.near(tokens) + (1.0 - told) * coarse, coarse)

    def take_speed(self, index: int, long_run: Histogram) -> None:
        """Weigh what the last ones and the long run expected of this pace or duration."""
        recent = self.recent
        if not recent:
            return
        near, weight, lowest, highest = 0.0, 1.0, index - 2, index + 2
        for past in reversed(recent):
            if lowest <= past <= highest:
                near += weight
            weight *= OLDER
        self.shifts.weigh(near / ALL_RECENT[len(recent)], long_run.near(index))

    def take_duration(self, duration: int, exact: "Profile", sized: "Profile", every: "Profile") -> None:
        """Weigh what tokens at the last paces and what whole durations made expect, in and out of their size."""
        recent = self.recent
        # The longest that was seen may be a time-out, of which tokens know nothing.
        if not recent or self.duration.mass <= 0 or duration >= max(self.duration.weights):
            return
        alike = sized.tokens.total / (sized.tokens.total + STRENGTH) * every.by_size.weight
        parts, weight = 0.0, 1.0
        for past in reversed(recent):
            tokens = duration - past
            parts += weight * (alike * sized.tokens.near(tokens) + (1.0 - alike) * every.tokens.near(tokens))
            weight *= OLDER
        same = exact.duration.total / (exact.duration.total + STRENGTH)
        whole = same * exact.duration.near(duration) + (1.0 - same) * self.duration.near(duration)
        self.apart.weigh(parts / ALL_RECENT[len(recent)], whole)

    def take_pace(self, index: int) -> None:
        """What went before, if the model told no tokens then, are durations; from now on `recent` are paces."""
        if self.pace.mass <= 0:
            self.recent, self.shifts = [], Evidence()
        self.take_speed(index, self.pace)

    def remember(self, index: int) -> None:
        self.recent.append(index)
        if len(self.recent) > RECENT:
            del self.recent[0]

    def take_marks(self, marks: Sequence[Sequence[float]], tokens: int) -> None:
        for done, _, written in marks:
            if written > 0:
                self.courses.setdefault(tenth(done), Histogram()).add_fading(bin_of(tokens * done / written), GROWTH)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = {
            name: getattr(self, name).state() for name in self.MEASURES if getattr(self, name).mass > 0
        }
        if self.recent:
            found["recent"] = self.recent
        if self.courses:
            found["courses"] = {str(part): course.state() for part, course in sorted(self.courses.items())}
        return found | {name: nats for name in self.EVIDENCE if (nats := getattr(self, name).nats)}

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> "Profile":
        found = cls()
        for name in cls.MEASURES:
            if name in state:
                setattr(found, name, Histogram.of(state[name]))
        for name in cls.EVIDENCE:
            if name in state:
                setattr(found, name, Evidence(state[name]))
        found.recent = list(state.get("recent", ()))
        found.courses = {int(part): Histogram.of(course) for part, course in state.get("courses", {}).items()}
        return found


class Levels(NamedTuple):
    """The profiles that a stage is learned in; some are one where nobody says who wrote, or how much was read."""

    exact: Profile
    sized: Profile
    model: Profile
    every: Profile


class Profiles:
    """Profiles by key. `changed` are the keys of those that have learned something since it was last cleared."""

    def __init__(self, found: Mapping[Key, Profile] | None = None) -> None:
        self.found: dict[Key, Profile] = dict(found or {})
        self.changed: set[Key] = set()
        self.places: dict[tuple[str, str, str, str, int], Levels] = {}

    def place(self, seen: Observation) -> Levels:
        keys = levels(seen.kind, seen.stage, seen.provider, seen.model, bucket(seen.size))
        for key in keys:
            self.found.setdefault(key, Profile())
        self.changed.update(keys)
        return Levels(*(self.found[key] for key in keys))

    def settled(self) -> None:
        """What was learned so far is kept: begin to note anew what changes."""
        self.changed.clear()
        self.places.clear()

    def observe(self, observations: Iterable[Observation]) -> None:
        """Learn from stages in the order in which they ended. A cut-off one tells that it would have taken longer."""
        places = self.places
        for seen in observations:
            # A rebuild goes through this a million times.
            where = seen[:5]
            found = places.get(where)
            if found is None:
                found = places[where] = self.place(seen)
            exact, sized, model, every = found
            duration = bin_of(seen.duration_ms)
            if not seen.finished:
                self.censored(seen, duration, found)
                continue
            if seen.output_tokens > 0:
                tokens, pace = bin_of(seen.output_tokens), bin_of(seen.duration_ms / seen.output_tokens)
                model.take_pace(pace)
                model.take_duration(duration, exact, sized, every)
                if every is not model and every.pace.mass <= 0:
                    every.recent = []
                if sized is not every:
                    every.take_tokens(tokens, sized)
                    sized.tokens.add_fading(tokens, GROWTH)
                    exact.tokens.add_fading(tokens, GROWTH)
                every.tokens.add_fading(tokens, GROWTH)
                every.pace.add_fading(pace, GROWTH_OF_PACE)
                every.remember(pace)
                if model is not every:
                    model.pace.add_fading(pace, GROWTH_OF_PACE)
                    model.remember(pace)
            else:
                if model.pace.mass <= 0:
                    model.take_speed(duration, model.duration)
                    model.remember(duration)
                if seen.asked_ms > 0:
                    share = bin_of(seen.duration_ms / seen.asked_ms)
                    every.share.add_fading(share, GROWTH)
                    if model is not every:
                        model.share.add_fading(share, GROWTH)
            every.duration.add_fading(duration, GROWTH)
            if model is not every:
                model.duration.add_fading(duration, GROWTH)
            if exact is not model:
                exact.duration.add_fading(duration, GROWTH)
            if seen.marks:
                for profile in {model, every}:
                    profile.take_marks(seen.marks, seen.output_tokens)

    def censored(self, seen: Observation, duration: int, found: Levels) -> None:
        for profile in {found.exact, found.model, found.every}:
            profile.duration.add_censored(duration, GROWTH)
        written = seen.output_tokens or self.usual_tokens(seen)
        if written > 0:
            for profile in {found.exact, found.sized, found.every}:
                profile.tokens.add_censored(bin_of(written), GROWTH)

    def usual_tokens(self, seen: Observation) -> float:
        """What the model would have written in the time, at its median pace; 0 where none is known."""
        profile = self.found.get((seen.kind, seen.stage, seen.provider, seen.model, ANY_SIZE))
        pace = profile.pace.quantile(0.5) if profile is not None else None
        return seen.duration_ms / pace if pace else 0.0


def levels(kind: str, stage: str, provider: str, model: str, sized: int) -> tuple[Key, Key, Key, Key]:
    """The keys of a stage: this model and size, any model of this size, this model, and any.

    What writes by rule and what asks a model are never taken together: a thousandfold lies between them.
    """
    every = BY_RULE if provider == BY_RULE else ANY_MODEL
    return (
        (kind, stage, provider, model, sized),
        (kind, stage, every, "", sized),
        (kind, stage, provider, model, ANY_SIZE),
        (kind, stage, every, "", ANY_SIZE),
    )
