"""Which side a region is on, when a text speaks of more than one. Source: domain.md 3.1, row "Side"."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from generation.clinical.text import Mention, Scenario

# A side that stands behind its body part ("knee pain (R)") is a little further away than one in front of it.
_BEHIND = 4
_APART = 30
# Each letter is compared with each place, so their number is bounded.
_MOST = 40
# A letter for a side, English and Danish: not of "L4/5", "R/O", "L-spine", "vs" or "2 h".
_LETTER = re.compile(r"(?<![\w/&'+<>-])(?:[lr]t?|ve?|(?<!\d )h(?:oe)?)\.?(?![\w/&'+<>-])(?! ?\d)")
_WORDS_BETWEEN = re.compile(r"[\])]? (?:[\w-]+ ){0,2}")
_NOTHING_BETWEEN = re.compile(r" ")
_BEFORE_LETTER = re.compile(r"[ ,:-]{1,3}[\[(]?")


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place where a region is spoken of, by its name, a diagnosis or an operation."""

    region: str
    mention: Mention


def side_of(
    region: str | None, found: Mapping[str, Sequence[Mention]], anchors: Sequence[Anchor], scenario: Scenario
) -> tuple[str, Mention] | None:
    """The side of a region and where it is said. Each side belongs to the nearest place a region is spoken of.

    The first stated of two is taken ("right knee, had the left one replaced"); "both" wins over either.
    """
    mine = [
        (side, mention)
        for side, mentions in found.items()
        for mention in mentions
        if owner(mention, anchors, scenario) in (region, None)
    ]
    return min(mine or _shared(region, found, anchors, scenario), key=_first, default=None)


def _first(stated: tuple[str, Mention]) -> tuple[bool, int]:
    return stated[0] != "both", stated[1].start


def _shared(
    region: str | None, found: Mapping[str, Sequence[Mention]], anchors: Sequence[Anchor], scenario: Scenario
) -> list[tuple[str, Mention]]:
    """A side said of two regions at once, as in "hip and knee pain on the left": no comma stands between."""
    places = [anchor.mention for anchor in anchors if anchor.region == region]
    return [
        (side, mention)
        for side, mentions in found.items()
        for mention in mentions
        if any(_distance(mention, place, scenario) < _APART for place in places)
    ]


def owner(side: Mention, anchors: Sequence[Anchor], scenario: Scenario) -> str | None:
    """The region that a side, or a finding, belongs to."""
    nearest = min(anchors, key=lambda anchor: _distance(side, anchor.mention, scenario), default=None)
    return nearest.region if nearest else None


def nearest_to(
    found: Mapping[str, Sequence[Mention]], place: Mention, others: Sequence[Mention], scenario: Scenario
) -> dict[str, list[Mention]]:
    """The sides that stand no nearer to another of several places than to this one."""
    return {
        side: near
        for side, mentions in found.items()
        if (near := [m for m in mentions if all(_nearer(m, place, other, scenario) for other in others)])
    }


def _nearer(side: Mention, place: Mention, other: Mention, scenario: Scenario) -> bool:
    return _distance(side, place, scenario) <= _distance(side, other, scenario)


def _distance(side: Mention, other: Mention, scenario: Scenario) -> int:
    if side.start < other.end and other.start < side.end:
        return 0
    behind = other.end <= side.start
    between = scenario.text[other.end : side.start] if behind else scenario.text[side.end : other.start]
    apart = _APART * sum(between.count(mark) for mark in ",;.\n")
    return len(between) + apart + (_BEHIND if behind else 0)


def lettered(scenario: Scenario, anchors: Sequence[Anchor]) -> list[tuple[str, Mention]]:
    """Sides given by a letter right before or after what they are of, as "L tennis elbow" and "TKA R".

    A small letter counts only right before it: "l tennis elbow", and not the "r" of a word cut short.
    """
    found = []
    for letter in islice(scenario.find(_LETTER), _MOST):
        name = letter.matched.rstrip(".")
        marked = name != name.lower() or len(name) > 1
        ahead = _WORDS_BETWEEN if marked else _NOTHING_BETWEEN
        for anchor in anchors:
            leads = ahead.fullmatch(scenario.text, letter.end, max(letter.end, anchor.mention.start))
            follows = _BEFORE_LETTER.fullmatch(scenario.text, anchor.mention.end, max(0, letter.start))
            if (leads and letter.end <= anchor.mention.start) or (marked and follows):
                found.append(("left" if scenario.text[letter.start] in "lv" else "right", letter))
                break
    return found
