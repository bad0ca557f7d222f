"""The line figures: each is a small drawing that may stand inline in a page, on paper and in a PDF."""

import re
from xml.etree import ElementTree

import pytest

from generation.clinical import figures, library
from generation.clinical.data_files import read

NAMESPACE = "{http://www.w3.org/2000/svg}"
SLUGS = sorted(figures.slugs())
each = pytest.mark.parametrize("slug", SLUGS)


def drawing(slug: str, language: str = "en") -> ElementTree.Element:
    text = figures.svg(slug, language)
    assert text is not None
    return ElementTree.fromstring(text)  # noqa: S314 - our own text


def points(mark: ElementTree.Element) -> list[tuple[float, float]]:
    """The points of a mark; of a circle, its two outer corners."""
    if mark.tag == f"{NAMESPACE}circle":
        x, y, r = (float(mark.attrib[name]) for name in ("cx", "cy", "r"))
        return [(x - r, y - r), (x + r, y + r)]
    numbers = [float(n) for n in re.findall(r"-?\d+(?:\.\d+)?", mark.attrib.get("points") or mark.attrib["d"])]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_the_common_exercises_have_a_figure():
    assert len(SLUGS) >= 45


def test_every_figure_is_of_an_exercise_in_the_library():
    assert figures.slugs() <= {exercise["slug"] for exercise in library.load().exercises}


@each
def test_a_figure_is_one_image_with_its_words(slug):
    for language in ("en", "da"):
        root = drawing(slug, language)
        assert (root.tag, root.attrib["role"]) == (f"{NAMESPACE}svg", "img")
        assert root[0].tag == f"{NAMESPACE}title"
        assert root[0].text == figures.alt(slug, language) == read("figures")[slug]["alt"][language]
    assert figures.alt(slug, "en") != figures.alt(slug, "da")


@each
def test_a_figure_needs_nothing_from_its_page(slug):
    for mark in drawing(slug)[1:]:
        assert mark.tag.removeprefix(NAMESPACE) in {"path", "line", "circle", "polyline"}
        assert (mark.attrib["stroke"], mark.attrib["fill"]) == ("currentColor", "none")
        assert not {"id", "class", "style"} & set(mark.attrib)


@each
def test_a_figure_stays_inside_its_frame(slug):
    root = drawing(slug)
    left, top, width, height = map(float, root.attrib["viewBox"].split())
    for mark in root[1:]:
        half = float(mark.attrib["stroke-width"]) / 2
        for x, y in points(mark):
            assert left + half <= x <= left + width - half
            assert top + half <= y <= top + height - half


def test_no_two_figures_are_the_same_drawing():
    drawings = [figures.svg(slug, "en").partition("</title>")[2] for slug in SLUGS]
    assert len(set(drawings)) == len(SLUGS)


def test_no_two_figures_are_described_alike():
    for language in ("en", "da"):
        assert len({figures.alt(slug, language) for slug in SLUGS}) == len(SLUGS)


def test_an_exercise_without_a_figure_has_none():
    assert figures.svg("no-such-exercise", "en") is None
    assert figures.alt("no-such-exercise", "da") is None


def test_an_unknown_language_is_told_in_english():
    assert figures.svg("bridge", "xx") == figures.svg("bridge", "en")
