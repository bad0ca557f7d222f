"""What a run's log foretold of its end, held against the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from generation.timeline.lanes import State, Timeline
from generation.timeline.log import Log
from generation.timeline.scale import Scale, Tick
from generation.timeline.words import basis_word, precise, span_of_time

# The drawing's own units, stretched to its place.
UNITS = 1_000
SCALE_OF_Y = 1.1


@dataclass(frozen=True, slots=True)
class Foretold:
    """A forecast as it was told: when, and between which times the run would end; in milliseconds since the request.

    From `until_ms` on another was told, or that there is none, or the run had ended.
    """

    at_ms: int
    until_ms: int
    stage: str
    low_ms: int
    ms: int
    high_ms: int
    basis: str


@dataclass(frozen=True, slots=True)
class Forecasts:
    told: Sequence[Foretold]
    end_ms: int

    def held(self, one: Foretold) -> bool:
        return one.low_ms <= self.end_ms <= one.high_ms

    @property
    def held_count(self) -> int:
        return sum(map(self.held, self.told))


def forecasts_of(log: Log, timeline: Timeline) -> Forecasts | None:
    """None unless the run succeeded and was foretold at all: only then is there an end that was foretold.

    Pauses are left out of the clock: no forecast can know of them.
    """
    if not log.told or log.told[-1].name != "complete":
        return None
    pauses = [(span.began_ms, span.ended_ms) for span in timeline.idle if span.state == State.PAUSED]

    def unpaused(at_ms: int) -> int:
        since_ms = at_ms - timeline.zero_ms
        return since_ms - sum(min(since_ms, ended) - began for began, ended in pauses if began < since_ms)

    end_ms = unpaused(log.told[-1].at_ms)
    telling = [entry for entry in log.told if "eta" in entry.facts]
    untils = [*(unpaused(entry.at_ms) for entry in telling[1:]), end_ms]
    told = []
    for entry, until_ms in zip(telling, untils, strict=False):
        eta = entry.facts["eta"]
        if eta and all(isinstance(eta.get(name), int | float) for name in ("low_ms", "ms", "high_ms")):
            at_ms, stage = unpaused(entry.at_ms), str(entry.facts.get("stage", ""))
            low_ms, ms, high_ms = (at_ms + round(eta[name]) for name in ("low_ms", "ms", "high_ms"))
            told.append(Foretold(at_ms, until_ms, stage, low_ms, ms, high_ms, str(eta.get("basis", ""))))
    return Forecasts(told, end_ms) if told else None


@dataclass(frozen=True, slots=True)
class Chart:
    """`band` and `line` are paths in a square of UNITS; the rest is percent from the left and from the top."""

    units: int
    band: str
    line: str
    end_y: float
    end_word: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]


def chart_of(forecasts: Forecasts) -> Chart:
    """A forecast holds until the next one, so both are drawn in steps; neither goes on past what it foretold itself."""
    across = Scale(forecasts.end_ms)
    up = Scale(round(max(forecasts.end_ms, *(one.high_ms for one in forecasts.told)) * SCALE_OF_Y))

    def point(at_ms: int, value_ms: int) -> str:
        return f"{across.at(at_ms) * UNITS / 100:.1f},{(100 - up.at(value_ms)) * UNITS / 100:.1f}"

    def corners(part: Sequence[Foretold], name: str, last: str) -> list[str]:
        return [
            point(at_ms, getattr(one, name))
            for one in part
            for at_ms in (one.at_ms, min(one.until_ms, getattr(one, last)))
        ]

    bands = [
        [*corners(part, "high_ms", "high_ms"), *reversed(corners(part, "low_ms", "high_ms"))]
        for part in unbroken(forecasts.told, "high_ms")
    ]
    lines = [corners(part, "ms", "ms") for part in unbroken(forecasts.told, "ms")]
    return Chart(
        UNITS,
        " ".join(f"M{' L'.join(band)} Z" for band in bands),
        " ".join(f"M{' L'.join(line)}" for line in lines),
        round(100 - up.at(forecasts.end_ms), 2),
        span_of_time(forecasts.end_ms),
        list(across.ticks()),
        [Tick(round(100 - tick.x, 2), tick.word, "start") for tick in up.ticks() if tick.x > 0],
    )


def unbroken(told: Sequence[Foretold], last: str) -> Iterator[list[Foretold]]:
    """Parts in which each forecast held until the next one was told, its time called `last` not yet past."""
    part: list[Foretold] = []
    for one in told:
        if part and one.at_ms > min(part[-1].until_ms, getattr(part[-1], last)):
            yield part
            part = []
        part.append(one)
    if part:
        yield part


def table_of(forecasts: Forecasts) -> list[tuple[str, str, str, str, str, str, bool]]:
    """Told at, stage, the foretold end as low, middle and high, its basis, and whether the end lay in the range."""
    return [
        (
            precise(one.at_ms),
            one.stage,
            precise(one.low_ms),
            precise(one.ms),
            precise(one.high_ms),
            basis_word(one.basis),
            forecasts.held(one),
        )
        for one in forecasts.told
    ]
