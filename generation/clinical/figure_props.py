"""The things around a line figure: floor, furniture, band, ball. Each is [kind, ...measures], as in figures.json."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from generation.clinical.figure_pose import Joints, Point
from generation.clinical.figure_strokes import BAND, PROP, circle, curve, line

FLOOR = 152.0
_BACK = 40.0


def draw(prop: Sequence[Any], joints: Joints) -> Iterable[str]:
    return _KINDS[prop[0]](prop[1:], joints)


def point(place: Sequence[Any], joints: Joints) -> Point:
    """[x, y], or [joint, dx, dy]: a place beside a joint."""
    if isinstance(place[0], str):
        x, y = joints[place[0]]
        return x + place[1], y + place[2]
    return float(place[0]), float(place[1])


def _floor(args: Sequence[Any], _: Joints) -> Iterable[str]:
    left, right, y = (*args, FLOOR)[:3]
    yield line([(left, y), (right, y)], PROP)


def _bed(args: Sequence[Any], _: Joints) -> Iterable[str]:
    left, right, y = args
    yield line([(left, y), (right, y), (right, y + 7), (left, y + 7), (left, y)], PROP)
    yield line([(left + 8, y + 7), (left + 8, FLOOR + 4)], PROP)
    yield line([(right - 8, y + 7), (right - 8, FLOOR + 4)], PROP)


def _box(args: Sequence[Any], _: Joints) -> Iterable[str]:
    left, top, right, bottom = args
    yield line([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], PROP)


def _stool(args: Sequence[Any], _: Joints) -> Iterable[str]:
    left, right, y = args
    yield line([(left, FLOOR), (left, y), (right, y), (right, FLOOR)], PROP)


def _chair(args: Sequence[Any], joints: Joints) -> Iterable[str]:
    left, _right, y = args
    yield from _stool(args, joints)
    yield line([(left, y), (left - 3, y - _BACK)], PROP)


def _wall(args: Sequence[Any], _: Joints) -> Iterable[str]:
    """x, and 1 or -1: on which side the wall is solid."""
    x, side = args
    yield line([(x, 8), (x, FLOOR)], PROP)
    for y in range(20, 150, 12):
        yield line([(x, y - 6), (x + 6 * side, y)], BAND)


def _table(args: Sequence[Any], _: Joints) -> Iterable[str]:
    left, right, y = args
    yield line([(left, y), (right, y)], 3)
    yield line([(left + 5, y), (left + 5, FLOOR)], PROP)
    yield line([(right - 5, y), (right - 5, FLOOR)], PROP)


def _ball(args: Sequence[Any], joints: Joints) -> Iterable[str]:
    yield circle(point(args[0], joints), args[1], PROP)


def _roll(args: Sequence[Any], joints: Joints) -> Iterable[str]:
    centre = point(args[0], joints)
    yield circle(centre, args[1], PROP)
    yield circle(centre, args[1] / 2.5, BAND)


def _pillow(args: Sequence[Any], _: Joints) -> Iterable[str]:
    left, right, top, bottom = args
    middle = (left + right) / 2
    yield curve((left, bottom), (middle, top), (right, bottom), PROP)
    yield line([(left, bottom), (right, bottom)], PROP)


def _stick(args: Sequence[Any], joints: Joints) -> Iterable[str]:
    yield line([point(place, joints) for place in args], 3)


def _strap(args: Sequence[Any], joints: Joints) -> Iterable[str]:
    yield line([point(place, joints) for place in args], 1.6)


def _band(args: Sequence[Any], joints: Joints) -> Iterable[str]:
    (x, y), (u, v) = (point(place, joints) for place in args)
    length = ((u - x) ** 2 + (v - y) ** 2) ** 0.5 or 1.0
    dx, dy = 1.6 * (v - y) / length, 1.6 * (x - u) / length
    yield line([(x + dx, y + dy), (u + dx, v + dy)], BAND)
    yield line([(x - dx, y - dy), (u - dx, v - dy)], BAND)


def _lines(args: Sequence[Any], joints: Joints) -> Iterable[str]:
    yield line([point(place, joints) for place in args], PROP)


def _weight(args: Sequence[Any], joints: Joints) -> Iterable[str]:
    x, y = point(args[0], joints)
    yield line([(x, y - 5), (x, y + 5)], 5)


def _sole(args: Sequence[Any], _: Joints) -> Iterable[str]:
    """A footprint with its heel at the left, at x, y."""
    x, y = args
    side = [(0, 0), (1, 2.5), (4, 3.5), (10, 2.5), (16, 4.5), (21, 4), (24, 0)]
    outline = side + [(dx, -dy) for dx, dy in reversed(side)]
    yield line([(x + dx, y + dy) for dx, dy in outline], PROP)


_KINDS: dict[str, Callable[[Sequence[Any], Joints], Iterable[str]]] = {
    "floor": _floor,
    "bed": _bed,
    "box": _box,
    "stool": _stool,
    "chair": _chair,
    "wall": _wall,
    "table": _table,
    "ball": _ball,
    "roll": _roll,
    "pillow": _pillow,
    "stick": _stick,
    "strap": _strap,
    "band": _band,
    "lines": _lines,
    "weight": _weight,
    "sole": _sole,
}
