"""A timeline as the template draws it: shares of the width, and pixels downwards."""

from dataclasses import dataclass

from generation.timeline.lanes import Lane, Mark, Span, Timeline
from generation.timeline.scale import Piece, Scale, Tick, scale_of
from generation.timeline.words import amount, outcomes, span_of_time, span_words

AXIS, LANE, BAR, ABOVE = 22, 46, 16, 20
# So narrow a bar is still seen.
NARROWEST = 0.4
# Characters above a bar that a screen of 360 px has room for.
LONGEST_LINE = 42


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    state: str
    title: str


@dataclass(frozen=True, slots=True)
class Stroke:
    x: float
    title: str


@dataclass(frozen=True, slots=True)
class Row:
    """A lane; `y` is its upper edge, `bar` that of its bars. What is `long` has no room for `how` on a telephone."""

    name: str
    code: str
    how: str
    summary: str
    long: bool
    y: int
    bar: int
    bars: list[Bar]
    strokes: list[Stroke]


@dataclass(frozen=True, slots=True)
class Fold:
    x: float
    width: float
    word: str


@dataclass(frozen=True, slots=True)
class Drawing:
    height: int
    bar: int
    ticks: list[Tick]
    folds: list[Fold]
    rows: list[Row]


def drawing_of(timeline: Timeline) -> Drawing:
    scale = scale_of(timeline)
    rows = [row_of(lane, AXIS + number * LANE, scale) for number, lane in enumerate(timeline.lanes)]
    folds = [fold_of(piece) for piece in scale.pieces if piece.folded]
    return Drawing(AXIS + len(rows) * LANE, BAR, list(scale.ticks()), folds, rows)


def row_of(lane: Lane, y: int, scale: Scale) -> Row:
    bars = [bar_of(span, scale) for span in lane.spans]
    strokes = [stroke_of(mark, scale) for mark in lane.marks]
    how, much = outcomes(lane), amount(lane)
    long = len(lane.name) + len(how) + len(much) > LONGEST_LINE
    return Row(lane.name, lane.code, how, much, long, y, y + ABOVE, bars, strokes)


def bar_of(span: Span, scale: Scale) -> Bar:
    x = scale.at(span.began_ms)
    width = max(NARROWEST, scale.at(span.ended_ms) - x)
    return Bar(min(x, 100 - width), round(width, 3), span.state.value, span_words(span))


def stroke_of(mark: Mark, scale: Scale) -> Stroke:
    return Stroke(scale.at(mark.at_ms), f"{mark.what}, {span_of_time(mark.at_ms)}")


def fold_of(piece: Piece) -> Fold:
    return Fold(round(piece.x, 3), round(piece.width, 3), span_of_time(piece.ended_ms - piece.began_ms))
