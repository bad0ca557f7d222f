"""The marks a line figure is drawn with: SVG elements that need no style sheet, id or marker."""

from collections.abc import Iterable, Sequence
from math import atan2, degrees

from generation.clinical.figure_pose import Point, step

BODY, GHOST, PROP, ARROW, BAND = 4.0, 2.6, 2.0, 2.2, 1.2
_DASH = "0.1 4.6"


def line(points: Sequence[Point], width: float = BODY, *, faint: bool = False, dashed: bool = False) -> str:
    at = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{at}" {_look(width, faint=faint, dashed=dashed)}/>'


def circle(centre: Point, radius: float, width: float = BODY, *, faint: bool = False, dashed: bool = False) -> str:
    x, y = centre
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" {_look(width, faint=faint, dashed=dashed)}/>'


def curve(
    start: Point, through: Point, end: Point, width: float = BODY, *, faint: bool = False, dashed: bool = False
) -> str:
    """A bow from start to end that passes the point in between at its middle."""
    cx, cy = _control(start, through, end)
    way = f"M{start[0]:.1f} {start[1]:.1f}Q{cx:.1f} {cy:.1f} {end[0]:.1f} {end[1]:.1f}"
    return f'<path d="{way}" {_look(width, faint=faint, dashed=dashed)}/>'


def arrow(start: Point, end: Point, bow: float = 0.0, *, both: bool = False) -> Iterable[str]:
    """`bow` is how far the shaft bulges to the left of its way, in units."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx**2 + dy**2) ** 0.5 or 1.0
    through = (start[0] + dx / 2 + bow * dy / length, start[1] + dy / 2 - bow * dx / length)
    control = _control(start, through, end)
    yield curve(start, through, end, ARROW)
    yield _tip(control, end)
    if both:
        yield _tip(control, start)


def _control(start: Point, through: Point, end: Point) -> Point:
    return 2 * through[0] - (start[0] + end[0]) / 2, 2 * through[1] - (start[1] + end[1]) / 2


def _tip(behind: Point, end: Point) -> str:
    angle = degrees(atan2(behind[1] - end[1], end[0] - behind[0]))
    return line([step(end, angle + 180 - 32, 7), end, step(end, angle + 180 + 32, 7)], ARROW)


def _look(width: float, *, faint: bool, dashed: bool) -> str:
    look = f'fill="none" stroke="currentColor" stroke-width="{width:g}" stroke-linecap="round" stroke-linejoin="round"'
    look += ' stroke-opacity="0.4"' if faint else ""
    return look + (f' stroke-dasharray="{_DASH}"' if dashed else "")
