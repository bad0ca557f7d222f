"""Phone numbers, told from rows of loads, repetitions and measures. Source: domain.md 7."""

import re
from collections import Counter
from itertools import pairwise

from generation.clinical.redaction_lists import measures

_LABELLED = re.compile(
    r"\b(?:tlf|tel|telefon|telephone|phone|mobil|mobile|mob|cell|fax|sms)(?:nr|nummer)?\b\.?(?: ?(?:no|nr|"
    r"number|nummer)\b\.?)?"
    r"\s{0,2}:?\s{0,2}\+?\(?\d[\d ().\u00a0-]{4,18}\d",
    re.I,
)
_DIGITS = re.compile(
    r"(?<![\w/.,+-])(?:(?P<abroad>(?:\+|00)\d{1,3})[ .\u00a0-]?)?(?P<area>\(\d{1,5}\)[ -]?)?"
    r"\d(?:[ .\u00a0-]?\d){5,14}(?![\w/%]|[.,-]\d)"
)
_SHAPES = {
    (2, 2, 2, 2), (4, 4), (2, 3, 3), (2, 6), (3, 2, 3), (3, 3, 2), (2, 2, 4), (4, 2, 2), (3, 4), (3, 2, 2), (3, 3, 3),
}  # fmt: skip


def phones(text: str, counts: Counter[str]) -> str:
    def labelled(_match: re.Match[str]) -> str:
        counts["phone"] += 1
        return "[phone]"

    def phone(match: re.Match[str]) -> str:
        if not _is_phone(match):
            return match.group()
        counts["phone"] += 1
        return "[phone]"

    return _DIGITS.sub(phone, _LABELLED.sub(labelled, text))


def _is_phone(match: re.Match[str]) -> bool:
    groups = re.findall(r"\d+", match.group())
    digits = sum(map(len, groups))
    if match["abroad"] or match["area"]:
        return digits >= 7
    if measures(match):
        return False
    if len(groups) == 1:
        return digits >= 6
    if digits < 7:
        return False
    if groups[0].startswith("0") and len(groups[0]) > 1:
        return digits >= 8
    if match.group().count(".") == len(groups) - 1 and all(len(group) == 2 for group in groups):
        return True
    sizes = tuple(map(len, groups))
    shaped = sizes in _SHAPES or (digits >= 9 and (max(sizes) >= 4 or set(sizes) == {2}))
    return shaped and not _measured([int(group) for group in groups], sizes)


def _measured(values: list[int], sizes: tuple[int, ...]) -> bool:
    """Whether the numbers look like loads, heart rates, distances or years."""
    if max(sizes) >= 5:
        return False
    round_ones = all(value % (50 if value > 999 else 5) == 0 for value in values)
    years = all(1900 <= value <= 2100 for value in values)
    steps = [after - before for before, after in pairwise(values)]
    even = all(0 <= step <= 10 for step in steps) or all(-10 <= step <= 0 for step in steps)
    return (
        round_ones
        or years
        or (max(sizes) == 2 and (even or max(values) <= 20))
        or (set(sizes) == {3} and max(values) <= 260)
    )
