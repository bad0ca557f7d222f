"""Takes what identifies a person out of a case before anybody else may see it. Source: domain.md 7.

Redaction lowers the risk; it does not make a text anonymous. Where it is in doubt it takes the words out: a model can
do without a place name, and a name that has left the server can't be called back. What it must not take are the
facts of the case: a `denies` or a `no` that goes turns its meaning round.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from generation.clinical import redaction_codes, redaction_dates, redaction_names, redaction_phones, redaction_places
from generation.clinical.redaction_dates import relative

__all__ = ["Redacted", "redact", "relative"]

# A shorter value is a number like any other: without it `4/10` would go for the record number 10.
_KNOWN_FROM = 4


@dataclass(frozen=True, slots=True)
class Redacted:
    """`text` with a placeholder such as `[name]` for what was taken out; `counts` says how often, by kind."""

    text: str
    counts: dict[str, int]


def redact(text: str, today: date, language: str = "en", known: Iterable[str] = ()) -> Redacted:
    """Replace civil and record numbers, addresses, phones, names and dates; `known` values go wherever they stand.

    A date becomes the time since then, a date of birth goes, and an age of 90 or more becomes 90+.
    """
    counts: Counter[str] = Counter()
    text = unicodedata.normalize("NFC", text)
    for expression in sorted(map(_wherever, _long_enough(known)), key=len, reverse=True):
        text, n = re.subn(expression, "[record number]", text, flags=re.I)
        counts["record number"] += n
    # Links before names, civil numbers before dates, dates before phones: the longer form holds the shorter one.
    text = redaction_codes.links(text, counts)
    text = redaction_codes.numbers(text, counts)
    text = redaction_dates.dates(text, today, language, counts)
    text = redaction_phones.phones(text, counts)
    text = redaction_places.places(text, counts)
    text = redaction_names.names(text, counts)
    text = redaction_codes.ages(text, counts)
    return Redacted(text, {kind: n for kind, n in counts.items() if n})


def _long_enough(known: Iterable[str]) -> set[str]:
    values = {unicodedata.normalize("NFC", value).strip() for value in known}
    return {value for value in values if sum(sign.isalnum() for sign in value) >= _KNOWN_FROM}


def _wherever(value: str) -> str:
    """An expression for the value with or without the separators that people put between its letters and digits."""
    pieces = re.findall(r"\d+|[^\W\d_]+", value)
    apart = r"[\s_./-]{0,2}"
    if len(pieces) == 1 and len(value) > 6 and value.isdigit():
        pieces = list(value)
        apart = r"[ .-]?"
    elif sum(map(len, pieces)) <= _KNOWN_FROM or not pieces:
        return rf"(?<!\w){re.escape(value)}(?!\w)"
    return rf"(?<!\w){apart.join(map(re.escape, pieces))}(?!\w)"
