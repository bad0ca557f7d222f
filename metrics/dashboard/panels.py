"""A panel: one table, drawn as a chart, listed as a table and given as a CSV file."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from django.utils.formats import get_format
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext

from metrics.aggregates import LEAST

# More lines than this nobody tells apart; the table has the rest.
MOST_DRAWN = 8
MISSING = "–"
# What a spreadsheet would take for a formula when a cell begins with it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Value = float | None


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    digits: int = 0
    unit: str = ""
    draw: Literal["", "line", "bar"] = ""
    # A dashed line belongs to the one before it; an aim is what others are measured by.
    look: Literal["", "dashed", "aim"] = ""
    # Drawn on a scale of its own, on the right.
    right: bool = False

    @property
    def heading(self) -> str:
        return f"{self.label}, {self.unit}" if self.unit else self.label


@dataclass(frozen=True, slots=True)
class Panel:
    """`rows` are a day or a name each, with a value for each column; None where too few runs speak for it."""

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
        """Each row's name, and its cells as HTML, which holds numbers alone."""
        write = writer()
        for name, values in self.rows:
            told = (write(value, column.digits) for value, column in zip(values, self.columns, strict=True))
            yield name, mark_safe("".join(f"<td>{text}</td>" for text in told))  # noqa: S308

    @property
    def chart(self) -> dict[str, Any]:
        """What `dashboard.js` draws."""
        drawn = [number for number, column in enumerate(self.columns) if column.draw]
        return {
            "labels": [str(name) for name, _ in self.rows],
            "named": any(isinstance(name, str) for name, _ in self.rows),
            "unit": self.unit,
            "right": next((column.unit for column in self.columns if column.right), ""),
            "logarithmic": self.logarithmic,
            "stacked": self.stacked,
            "series": [
                {
                    "label": self.columns[number].label,
                    "draw": self.columns[number].draw,
                    "look": self.columns[number].look,
                    "right": self.columns[number].right,
                    "data": [values[number] for _, values in self.rows],
                }
                for number in drawn
            ],
        }

    @property
    def csv(self) -> str:
        lines: list[Sequence[object]] = [(self.of, *(column.heading for column in self.columns))]
        lines += [] if self.empty else [(name, *values) for name, values in self.rows]
        return written([*lines, (self.left_out_note,)] if self.left_out else lines)


def written(lines: Iterable[Sequence[object]]) -> str:
    """As CSV, with nothing in it that a spreadsheet would compute."""
    file = io.StringIO()
    csv.writer(file).writerows([harmless(cell) for cell in line] for line in lines)
    return file.getvalue()


def harmless(cell: object) -> object:
    """Text that might be a formula gets an apostrophe, with which spreadsheets mark text; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.lstrip().startswith(FORMULA) else cell


def writer() -> Any:
    """What writes a number in the reader's language, some thousand times faster than a filter of the template."""
    marks = str.maketrans({",": get_format("THOUSAND_SEPARATOR"), ".": get_format("DECIMAL_SEPARATOR")})
    return lambda value, digits: MISSING if value is None else f"{value:,.{digits}f}".translate(marks)


def day_heading() -> str:
    return gettext("Day")
