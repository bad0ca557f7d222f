"""A panel: one table, drawn as a chart, listed as a table and given as a CSV file.

No figure rests on fewer than LEAST runs: a smaller group (a day, a kind, a model, …) is left out and only counted. Of
a group that is large enough it is said how its runs ended, however few ended one way; but within one clinic, where
somebody might know them, such counts below LEAST are FEW in table and file and are not drawn.
"""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.utils.formats import get_format
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from metrics.aggregates import LEAST

# More colours than these nobody tells apart.
MOST_COLORS = 7
MISSING = "–"
FEW = f"<{LEAST}"
# What a spreadsheet would take for a formula when a cell begins with it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Value = float | str | None


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    digits: int = 0
    unit: str = ""
    draw: Literal["", "line", "bar"] = ""
    # A dashed line belongs to the one of its colour; an aim is what others are measured by; the rest has no colour.
    look: Literal["", "dashed", "aim", "wait", "rest"] = ""
    # Its place in the palette, from 0; None for the first that is free.
    color: int | None = None
    # Drawn on a scale of its own, on the right.
    right: bool = False

    @property
    def heading(self) -> str:
        return f"{self.label}, {self.unit}" if self.unit else self.label


@dataclass(frozen=True, slots=True)
class Panel:
    """`rows` are a day or a name each, with a value for each column; None where too few runs speak for it.

    FEW stands for a count that is kept secret.
    """

    slug: str
    title: str
    note: str
    # Heads the first column.
    of: str
    columns: Sequence[Column]
    rows: Sequence[tuple[date | str, Sequence[Value]]]
    left_out: int = 0
    # Of the scale on the left.
    unit: str = ""
    logarithmic: bool = False
    # Said instead of a chart in which everything would be zero.
    idle: str = ""
    stacked: bool = False
    # Which list has the metrics behind it.
    behind: Literal["generationmetric", "runmetric", "forecast"] = "runmetric"

    @property
    def script(self) -> str:
        """The id of the chart's data in the page."""
        return f"{self.slug}-data"

    @property
    def empty(self) -> bool:
        return all(value is None for _, values in self.rows for value in values)

    @property
    def blank(self) -> str:
        """Why there is no chart; empty if there is one."""
        if self.empty:
            return gettext("There is nothing to show.")
        if any(map(any, self.numbers.values())):
            return ""
        few = any(value == FEW for _, values in self.rows for value in values)
        return gettext("All numbers are too small to be drawn.") if few else self.idle

    @property
    def numbers(self) -> dict[int, list[float | None]]:
        """What is drawn, by the number of the column. A scale on the right is drawn for more than zeros."""
        found: dict[int, list[float | None]] = {}
        for place, column in enumerate(self.columns):
            numbers = [None if isinstance(values[place], str) else values[place] for _, values in self.rows]
            if column.draw and (any(numbers) or not column.right):
                found[place] = numbers  # type: ignore[assignment]
        return found

    @property
    def left_out_note(self) -> str:
        if not self.left_out:
            return ""
        told = ngettext(
            "%(count)d group of fewer than %(least)d runs is left out.",
            "%(count)d groups of fewer than %(least)d runs are left out.",
            self.left_out,
        )
        return told % {"count": self.left_out, "least": LEAST}

    @property
    def cells(self) -> Iterable[tuple[date | str, SafeString]]:
        """Each row's name, and its cells as HTML."""
        write = writer()
        for name, values in self.rows:
            told = (write(value, column.digits) for value, column in zip(values, self.columns, strict=True))
            yield name, mark_safe("".join(f"<td>{text}</td>" for text in told))  # noqa: S308

    @property
    def chart(self) -> dict[str, Any]:
        """What `dashboard.js` draws."""
        drawn = self.numbers
        colors = {place: self.columns[place].color for place in drawn}
        free = iter(sorted(set(range(MOST_COLORS)) - set(colors.values())))
        for place in drawn:
            if colors[place] is None and not self.columns[place].look:
                colors[place] = next(free)
        return {
            "labels": [str(name) for name, _ in self.rows],
            "named": any(isinstance(name, str) for name, _ in self.rows),
            "unit": self.unit,
            "axis": gettext("%(unit)s, logarithmic scale") % {"unit": self.unit} if self.logarithmic else self.unit,
            "right": next((self.columns[place].unit for place in drawn if self.columns[place].right), ""),
            "logarithmic": self.logarithmic,
            "stacked": self.stacked,
            "series": [
                {
                    "label": self.columns[place].label,
                    "draw": self.columns[place].draw,
                    "look": self.columns[place].look,
                    "color": colors[place],
                    "right": self.columns[place].right,
                    "data": numbers,
                }
                for place, numbers in drawn.items()
            ],
        }

    @property
    def csv(self) -> str:
        lines: list[Sequence[object]] = [(self.of, *(column.heading for column in self.columns))]
        lines += [] if self.empty else [(name, *values) for name, values in self.rows]
        return written(lines)


def written(lines: Iterable[Sequence[object]]) -> str:
    """As CSV, with nothing in it that a spreadsheet would compute."""
    file = io.StringIO()
    csv.writer(file).writerows([harmless(cell) for cell in line] for line in lines)
    return file.getvalue()


def harmless(cell: object) -> object:
    """Text that might be a formula gets an apostrophe, with which spreadsheets mark text; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(FORMULA) else cell


def writer() -> Callable[[Value, int], str]:
    """What writes a value as HTML in the reader's language, some thousand times faster than a template's filter."""
    marks = str.maketrans({",": get_format("THOUSAND_SEPARATOR"), ".": get_format("DECIMAL_SEPARATOR")})

    def write(value: Value, digits: int) -> str:
        if value is None:
            return MISSING
        return escape(value) if isinstance(value, str) else f"{value:,.{digits}f}".translate(marks)

    return write


def day_heading() -> str:
    return gettext("Day")
