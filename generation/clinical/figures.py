"""Line drawings of exercises, made from the poses of data/figures.json.

A drawing has no colour of its own, no id, style or script, so that any number of them may stand inline in a page.
Solid is the position to find or hold, dotted is where the moving part comes from or goes to, pale is the far side.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from html import escape
from typing import Any

from generation.clinical.data_files import read
from generation.clinical.figure_pose import ARM, HEAD, LEG, Joints, joints, step
from generation.clinical.figure_props import draw, point
from generation.clinical.figure_strokes import BODY, GHOST, PROP, arrow, circle, curve, line

WIDTH, HEIGHT = 200, 160
_PARTS = ("trunk", "head", "arm", "arm2", "leg", "leg2")
_INSTEAD = {"hand": "arm", "hand2": "arm2", "ankle": "leg", "ankle2": "leg2"}


def slugs() -> frozenset[str]:
    """The exercises that have a drawing."""
    return frozenset(read("figures"))


def alt(slug: str, language: str) -> str | None:
    """What the drawing shows, in words; English when the language is not known."""
    figure = read("figures").get(slug)
    return str(figure["alt"].get(language) or figure["alt"]["en"]) if figure else None


def svg(slug: str, language: str) -> str | None:
    """One self-contained `<svg>` element of 200 by 160 units, or None when the exercise has no drawing."""
    title = alt(slug, language)
    if title is None:
        return None
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">'
        f"<title>{escape(title, quote=False)}</title>{_marks(slug)}</svg>"
    )


@cache
def _marks(slug: str) -> str:
    figure = read("figures")[slug]
    pose = figure["pose"]
    found = joints(pose)
    marks = [mark for prop in figure.get("props", ()) for mark in draw(prop, found)]
    marks += [mark for other in figure.get("ghosts", ()) for mark in _ghost(pose, other)]
    marks += _person(pose, found)
    for start, end, *bow in figure.get("arrows", ()):
        size, both = (*bow, 0, 0)[:2]
        marks += arrow(point(start, found), point(end, found), size, both=bool(both))
    return "".join(marks)


def _person(pose: Mapping[str, Any], found: Joints) -> Iterable[str]:
    front = pose.get("view") == "front"
    for part in ("arm2", "leg2"):
        if front or _limb(part, found)[1:] != _limb(part[:-1], found)[1:]:
            yield line(_limb(part, found), faint=not front)
    yield from _part("trunk", pose, found, width=BODY)
    yield from _part("head", pose, found, width=BODY)
    yield from _face(pose, found)
    yield line(_limb("leg", found))
    yield line(_limb("arm", found))


def _ghost(pose: Mapping[str, Any], other: Mapping[str, Any]) -> Iterable[str]:
    """The parts a second pose changes: its own keys on top of the first pose's, drawn as dots."""
    replaced = {name for pair in _INSTEAD.items() if set(pair) & set(other) for name in pair}
    merged = {key: value for key, value in pose.items() if key not in replaced} | dict(other)
    changed = {_INSTEAD.get(key, key) for key in other} | ({"head"} if "neck" in other else set())
    found = joints(merged)
    for part in other.get("parts", [name for name in _PARTS if name in changed]):
        yield from _part(part, merged, found, width=GHOST, dashed=True)


def _part(name: str, pose: Mapping[str, Any], found: Joints, *, width: float, dashed: bool = False) -> Iterable[str]:
    if name == "trunk" and pose.get("view") == "front":
        corners = ("shoulder1", "shoulder2", "hip2", "hip1", "shoulder1")
        yield line([found[corner] for corner in corners], width, dashed=dashed)
    elif name == "trunk":
        yield curve(found["hip"], found["waist"], found["shoulder"], width, dashed=dashed)
    elif name == "head":
        yield circle(found["head"], HEAD, width if dashed else PROP + 1, dashed=dashed)
        (x, y), (u, v) = found["shoulder"], found["head"]
        reach = 1 - HEAD / (((u - x) ** 2 + (v - y) ** 2) ** 0.5)
        yield line([(x, y), (x + (u - x) * reach, y + (v - y) * reach)], width, dashed=dashed)
    else:
        yield line(_limb(name, found), width, dashed=dashed)


def _face(pose: Mapping[str, Any], found: Joints) -> Iterable[str]:
    """A nose in a side view; two eyes and a mouth in a front view, moved to one side by `look`."""
    look, head = pose.get("look", 0), found["head"]
    if look == "away":
        return
    trunk = pose.get("trunk", 90)
    neck = pose.get("neck", trunk[1] if isinstance(trunk, list) else trunk)
    if pose.get("view") != "front":
        nose = neck - 90 + look
        yield line([step(head, nose, HEAD), step(head, nose, HEAD + 3.5)], PROP + 1)
        return
    for side in (-1, 1):
        eye = step(step(head, neck, 1.5), neck - 90, 3 * side + 3.5 * look)
        yield line([eye, step(eye, neck, 0.3)], PROP)
    mouth = step(step(head, neck, -4), neck - 90, 3.5 * look)
    yield line([step(mouth, neck + 90, 1.5), step(mouth, neck - 90, 1.5)], 1.4)


def _limb(name: str, found: Joints) -> list[tuple[float, float]]:
    suffix = "2" if name.endswith("2") else ""
    names = ARM if name.startswith("arm") else LEG
    top = "shoulder" if names is ARM else "hip"
    return [found[f"{top}{suffix or 1}"], *(found[joint + suffix] for joint in names if joint + suffix in found)]
