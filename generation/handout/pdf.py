"""A sheet as a PDF: tagged, in its language, with the fonts in it, the same on every machine.

The template gets the sheet as JSON. Sync, and some tens of milliseconds of one core: never call it on the event loop.
"""

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import typst

TEMPLATE = Path(__file__).parent / "data" / "handout.typ"
STANDARD = "ua-1"
# Point size of the body text, and whether the steps stand in two columns. The first that fits the pages is taken, else
# the last. Source: domain.md 6 (body text >= 12 pt, aim 14; large print 18; one to two pages for six exercises).
LAYOUTS = {"standard": ((14, False), (13, False), (13, True), (12, False), (12, True)), "large": ((18, False),)}
MOST_PAGES = 2
# Control characters have no glyph, and those of direction would turn the words around them.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
# Longer than any word of the library. The space between the pieces has no width.
_OVERLONG, _PIECE, BREAK = re.compile(r"\S{25,}"), re.compile(r"\S{1,12}"), "\u200b"
NOT_PROSE = ("figure", "qr", "url")


@cache
def fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, font_paths=[str(files("font_source_sans_pro") / "files")])


def render(
    sheet: dict[str, Any], size: str = "standard", first_name: str = "", link: dict[str, str] | None = None
) -> bytes:
    """The PDF of a sheet. `link` is `{url, until, qr}`, the last an SVG."""
    whole = printable(sheet | {"size": size, "first_name": first_name, "link": link})
    inputs = fitting(orjson.dumps(whole).decode(), size)
    try:
        return compiled(inputs, [STANDARD])
    except typst.TypstError as error:
        if not str(error.message).startswith("PDF/UA"):
            raise
        # The standard forbids a character that no font here has, such as an emoji. It is shown as an empty box then.
        return compiled(inputs, [])


def compiled(inputs: dict[str, str], standards: list[Any]) -> bytes:
    made = typst.compile(TEMPLATE, font_paths=fonts(), sys_inputs=inputs, format="pdf", pdf_standards=standards)
    assert isinstance(made, bytes)
    return made


def fitting(sheet: str, size: str) -> dict[str, str]:
    """What the template is given: the sheet, and the first layout with which it fits its pages, else the last."""
    layouts = [
        {"sheet": sheet, "points": str(points), "compact": "yes" if compact else "no"}
        for points, compact in LAYOUTS[size]
    ]
    return next((inputs for inputs in layouts[:-1] if pages(inputs) <= MOST_PAGES), layouts[-1])


def pages(inputs: dict[str, str]) -> int:
    found = typst.query(TEMPLATE, "<pages>", field="value", one=True, font_paths=fonts(), sys_inputs=inputs)
    return int(found)


def printable(value: Any) -> Any:
    """The same without the characters that can't be printed, and with places to break words that no line would hold."""
    if isinstance(value, str):
        return _OVERLONG.sub(lambda word: BREAK.join(_PIECE.findall(word[0])), _UNPRINTABLE.sub("", value))
    if isinstance(value, dict):
        return {name: inner if name in NOT_PROSE else printable(inner) for name, inner in value.items()}
    return [printable(inner) for inner in value] if isinstance(value, list) else value
