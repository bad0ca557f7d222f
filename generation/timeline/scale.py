"""From milliseconds to a share of the width, with the ticks of an axis."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from generation.timeline.lanes import Span, Timeline
from generation.timeline.words import clock

SECOND, MINUTE, HOUR = 1_000, 60_000, 3_600_000
STEPS = (
    1, 2, 5, 10, 20, 50, 100, 200, 500,
    SECOND, 2 * SECOND, 5 * SECOND, 10 * SECOND, 15 * SECOND, 30 * SECOND,
    MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE,
    HOUR, 2 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR,
)  # fmt: skip
MOST_TICKS = 5
# Of the width of a drawing on a screen of 360 px, in percent: a character of a tick, and the space between two.
CHARACTER, SPACE = 2.2, 3.0
# An idle time longer than this many times all the rest is drawn as long as a share of the rest.
FOLDED_FROM, FOLDED_TO = 2.0, 0.25


class Tick(NamedTuple):
    x: float
    word: str
    anchor: str

    @property
    def reach(self) -> tuple[float, float]:
        """From where to where its word reaches on the smallest screen."""
        width = CHARACTER * len(self.word)
        began = self.x - {"start": 0.0, "middle": width / 2, "end": width}[self.anchor]
        return began, began + width


class Piece(NamedTuple):
    """A part of the time and the part of the width that shows it, in percent; `folded` where it is not to scale."""

    began_ms: int
    ended_ms: int
    x: float
    width: float
    folded: bool

    def at(self, ms: float) -> float:
        return self.x + self.width * (ms - self.began_ms) / max(1, self.ended_ms - self.began_ms)


class Scale:
    def __init__(self, length_ms: int, folded: Sequence[Span] = ()) -> None:
        self.length_ms = max(1, length_ms)
        rest = max(1, self.length_ms - sum(span.ended_ms - span.began_ms for span in folded))
        cuts: list[tuple[int, int, float, bool]] = []
        at_ms = 0
        for span in folded:
            cuts.append((at_ms, span.began_ms, span.began_ms - at_ms, False))
            cuts.append((span.began_ms, span.ended_ms, rest * FOLDED_TO, True))
            at_ms = span.ended_ms
        cuts.append((at_ms, self.length_ms, self.length_ms - at_ms, False))
        drawn = sum(weight for *_, weight, _ in cuts) or 1
        self.drawn_ms = drawn
        self.pieces: list[Piece] = []
        x = 0.0
        for began_ms, ended_ms, weight, is_folded in cuts:
            self.pieces.append(Piece(began_ms, ended_ms, x, 100 * weight / drawn, is_folded))
            x += 100 * weight / drawn

    def at(self, ms: float) -> float:
        """Percent of the width; times outside stand at the ends."""
        for piece in self.pieces:
            if ms <= piece.ended_ms:
                return round(max(0.0, piece.at(ms)), 3)
        return 100.0

    def ticks(self) -> Iterator[Tick]:
        step = next((step for step in STEPS if self.drawn_ms / step <= MOST_TICKS), STEPS[-1])
        free = 0.0
        for piece in self.pieces:
            if piece.folded:
                continue
            for ms in range(-(-piece.began_ms // step) * step, piece.ended_ms + 1, step):
                tick = tick_at(self.at(ms), clock(ms, step))
                began, ended = tick.reach
                if began >= free:
                    free = ended + SPACE
                    yield tick


def tick_at(x: float, word: str) -> Tick:
    return Tick(x, word, "start" if x < 4 else "end" if x > 92 else "middle")


def scale_of(timeline: Timeline) -> Scale:
    """A scale on which a night in the queue does not hide the seconds of the work."""
    idle = timeline.idle
    busy_ms = timeline.length_ms - sum(span.ended_ms - span.began_ms for span in idle)
    long = [span for span in idle if span.ended_ms - span.began_ms > FOLDED_FROM * busy_ms] if busy_ms > 0 else []
    return Scale(timeline.length_ms, long)
