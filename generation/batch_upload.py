"""The rows of a batch as people bring them: a CSV file, or text pasted into the form.

What a case must be is not decided here; the values of a row are for `serializers.cleaned`.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext

COLUMNS = ("prompt", "mrn", "clinic", "clinic_id")
# Excel writes the first where the comma is the decimal sign, and the last into the clipboard.
DELIMITERS = (";", ",", "\t")
# A single column needs none, and a case may hold any of those above without quotation marks.
NO_DELIMITER = "\x1f"


class Unreadable(Exception):
    """The text can't be taken as rows at all; `str` of it is a sentence for the person."""


@dataclass(frozen=True, slots=True)
class Row:
    """One case: its filled columns by name, or what is wrong with the row as such.

    `number` is the one a spreadsheet shows: from 1, the header and empty rows counted.
    """

    number: int
    values: dict[str, str] = field(default_factory=dict)
    fault: str = ""


def from_file(content: bytes) -> list[Row]:
    """The rows of a CSV file with a header. Raises Unreadable."""
    try:
        return from_csv(unix(content.decode("utf-8-sig")))
    except UnicodeDecodeError:
        raise Unreadable(gettext("The file is not UTF-8 text. In Excel, save it as “CSV UTF-8”.")) from None


def from_pasted(text: str) -> list[Row]:
    """CSV where the first line names a column `prompt`, else one case a line. Raises Unreadable."""
    text = unix(text.removeprefix("\ufeff"))
    if "prompt" in names_in(first_line(text)):
        return from_csv(text)
    lines = enumerate(text.split("\n"), start=1)
    return [Row(number, {"prompt": line.strip()}) for number, line in lines if line.strip()]


def from_csv(text: str) -> list[Row]:
    """Raises Unreadable."""
    records = numbered_records(text)
    _, header = next(records, (0, []))
    columns = [column_name(cell) for cell in header]
    require_known(columns)
    return [row_of(number, columns, cells) for number, cells in records]


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def first_line(text: str) -> str:
    return next((line for line in text.split("\n") if line.strip()), "")


def delimiter_of(header: str) -> str:
    likely = max(DELIMITERS, key=header.count)
    return likely if likely in header else NO_DELIMITER


def column_name(cell: str) -> str:
    return cell.strip().casefold().replace(" ", "_")


def names_in(header: str) -> list[str]:
    return [column_name(cell).strip('"') for cell in header.split(delimiter_of(header))]


def numbered_records(text: str) -> Iterator[tuple[int, Sequence[str]]]:
    """The records that are not empty. Raises Unreadable."""
    lines = io.StringIO(text, newline="\n")
    # Lenient, an unclosed quotation mark would make one row of all that follow.
    reader = csv.reader(lines, delimiter=delimiter_of(first_line(text)), skipinitialspace=True, strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):
            if any(cell.strip() for cell in cells):
                yield number, cells
    except csv.Error:
        raise Unreadable(
            gettext("Row %(n)d can't be read: its quotation marks don't match.") % {"n": number + 1}
        ) from None


def require_known(columns: Sequence[str]) -> None:
    """Raises Unreadable unless the columns are ours, each once, with the case among them."""
    named = [name for name in columns if name]
    if "prompt" not in named:
        # Not repeated: without a header this is the first person's case.
        raise Unreadable(gettext("The first row must name the columns, and “prompt” must be one of them."))
    for name in named:
        if name not in COLUMNS:
            raise Unreadable(
                gettext("“%(name)s” is not a column; these are: %(known)s.")
                % {"name": name[:40], "known": ", ".join(COLUMNS)}
            )
        if named.count(name) > 1:
            raise Unreadable(gettext("The column “%(name)s” stands there twice.") % {"name": name})


def row_of(number: int, columns: Sequence[str], cells: Sequence[str]) -> Row:
    named = [*columns, *[""] * (len(cells) - len(columns))]
    values = {name: cell.strip() for name, cell in zip(named, cells, strict=False) if cell.strip()}
    if "" in values:
        return Row(number, fault=gettext("There are more cells than columns; text with commas needs quotation marks."))
    return Row(number, values)
