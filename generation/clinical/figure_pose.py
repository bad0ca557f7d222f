"""Where the joints of a line figure are: its pose in, points out.

Angles are degrees, 0 to the right and 90 up; points are units of the drawing, y down. In a side view the body faces
right and the limbs named with a 2 are the far ones; in a front view they are those on the left of the drawing.
"""

from collections.abc import Mapping, Sequence
from math import cos, dist, hypot, radians, sin, sqrt
from typing import Any

Point = tuple[float, float]
Joints = dict[str, Point]
Pose = Mapping[str, Any]

TRUNK, NECK, HEAD = 40.0, 14.0, 8.5
ARM, LEG = ("elbow", "hand"), ("knee", "ankle", "toe")
_LENGTHS = {"elbow": 20.0, "hand": 20.0, "knee": 31.0, "ankle": 31.0, "toe": 10.0}
_HALF_SHOULDERS, _HALF_HIPS = 12.0, 6.0
_LIMBS = {"arm": ("shoulder", ARM, "hand"), "leg": ("hip", LEG, "ankle")}


def step(start: Point, angle: float, length: float) -> Point:
    return start[0] + length * cos(radians(angle)), start[1] - length * sin(radians(angle))


def joints(pose: Pose) -> Joints:
    """hip, waist, shoulder, head, and with a 2 or without shoulder, elbow, hand, hip, knee, ankle and toe.

    `root` is [joint, x, y] and holds the body in place; `trunk` one angle or those of its two halves. A limb (`arm`,
    `arm2`, `leg`, `leg2`) is a list of angles or of points from the body outwards. `hand` or `ankle` is instead
    [x, y] or [x, y, bend]: the limb reaches for that point, and bend 1 or -1 says to which side its middle goes.
    """
    name, x, y = pose["root"]
    free = _body(pose, (0.0, 0.0), reaching=False)
    shift = (x - free[name][0], y - free[name][1])
    return _body(pose, shift, reaching=True)


def reach(start: Point, end: Point, upper: float, lower: float, bend: int) -> tuple[Point, Point]:
    """The middle and the end of a limb of two bones that stretches from start toward end."""
    away = min(max(dist(start, end), abs(upper - lower) + 0.01), upper + lower)
    gap = dist(start, end) or 1.0
    ux, uy = (end[0] - start[0]) / gap, (end[1] - start[1]) / gap
    along = (upper**2 - lower**2 + away**2) / (2 * away)
    side = bend * sqrt(max(upper**2 - along**2, 0.0))
    middle = start[0] + along * ux + side * uy, start[1] + along * uy - side * ux
    return middle, (start[0] + away * ux, start[1] + away * uy)


def _body(pose: Pose, hip: Point, *, reaching: bool) -> Joints:
    trunk = pose.get("trunk", 90)
    lower, upper = trunk if isinstance(trunk, list) else (trunk, trunk)
    waist = step(hip, lower, TRUNK / 2)
    shoulder = step(waist, upper, TRUNK / 2)
    found = {"hip": hip, "waist": waist, "shoulder": shoulder}
    found["head"] = step(shoulder, pose.get("neck", upper), NECK)
    front = pose.get("view") == "front"
    for suffix, sign in (("", 1), ("2", -1)):
        found[f"shoulder{suffix or 1}"] = step(shoulder, upper - 90, sign * _HALF_SHOULDERS * front)
        found[f"hip{suffix or 1}"] = step(hip, lower - 90, sign * _HALF_HIPS * front)
    for limb in _LIMBS:
        for suffix in ("", "2"):
            found |= _limb(pose, found, limb, suffix, (lower, upper), reaching=reaching)
    return found


def _limb(
    pose: Pose, found: Joints, limb: str, suffix: str, trunk: tuple[float, float], *, reaching: bool
) -> dict[str, Point]:
    top, names, grip = _LIMBS[limb]
    start = found[f"{top}{suffix or 1}"]
    keys = [f"{name}{suffix}" for name in names]
    front = pose.get("view") == "front"
    target: Any = pose.get(grip + suffix)
    course: Any = pose.get(limb + suffix)
    if suffix and target is None and course is None and not front:
        return {f"{name}2": found[name] for name in names if name in found}
    if target is not None:
        if not reaching:
            return {}
        bend = target[2] if len(target) > 2 else -1 if limb == "arm" else 1
        ends = reach(start, (target[0], target[1]), _LENGTHS[names[0]], _LENGTHS[names[1]], bend)
        return dict(zip(keys, [*ends, _toe(pose, ends[0], ends[1], suffix, front=front)], strict=False))
    if course is None:
        course = _other_side(pose.get(limb) if suffix else None, trunk[1 if limb == "arm" else 0])
    if isinstance(course[0], list):
        points = [(float(px), float(py)) for px, py in course]
        if limb == "leg" and len(points) == 2:
            points.append(_toe(pose, points[0], points[1], suffix, front=front))
        return dict(zip(keys, points, strict=False))
    return _by_angles(pose, start, keys, course, suffix, front=front)


def _other_side(course: Sequence[Any] | None, trunk: float) -> list[float]:
    """The mirror image of a limb given by angles, else a limb that hangs straight."""
    if course is None or isinstance(course[0], list):
        return [trunk + 180] * 2
    return [2 * trunk - angle for angle in course]


def _by_angles(
    pose: Pose, start: Point, keys: Sequence[str], angles: Sequence[float], suffix: str, *, front: bool
) -> dict[str, Point]:
    points: list[Point] = [start]
    for key, angle in zip(keys, angles, strict=False):
        points.append(step(points[-1], angle, _LENGTHS[key.rstrip("2")]))
    if len(keys) > len(angles):
        points.append(_toe(pose, points[-2], points[-1], suffix, front=front))
    return dict(zip(keys, points[1:], strict=True))


def _toe(pose: Pose, knee: Point, ankle: Point, suffix: str, *, front: bool) -> Point:
    """The foot lies at a right angle to the shank unless `foot` says its angle; seen from the front it is short."""
    angle = pose.get(f"foot{suffix}")
    if front:
        return step(ankle, angle if angle is not None else 200 if suffix else -20, 6)
    if angle is not None:
        return step(ankle, angle, _LENGTHS["toe"])
    length = hypot(ankle[0] - knee[0], ankle[1] - knee[1]) or 1.0
    scale = _LENGTHS["toe"] / length
    return ankle[0] + (ankle[1] - knee[1]) * scale, ankle[1] - (ankle[0] - knee[0]) * scale
