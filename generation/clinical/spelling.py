"""Typing slips in the names of body parts, conditions and warning signs.

Bounded on purpose: a word of six letters or more, one slip, its first letter right, and only one known word
it can have been meant for. Words of negation are not in the list, so a slip never turns a "not" around; real
words that stand one letter from a listed one ("lumber") are left as they are.
"""

import re
from collections.abc import Iterator
from functools import cache

from generation.clinical.data_files import read
from generation.clinical.letters import fold

SHORTEST = 6
_WORD = re.compile(r"(?<![a-z0-9])[a-z]{6,24}(?![a-z0-9])")
_SUFFIXES = ("", "s", "n", "en", "et", "e", "r", "er", "ene", "erne", "ens", "ets")


def slips(text: str) -> Iterator[tuple[int, int, str]]:
    """Where a folded text has a slip, and the word that was meant."""
    for match in _WORD.finditer(text):
        meant = mended(match.group())
        if meant:
            yield match.start(), match.end(), meant


@cache
def _known() -> tuple[frozenset[str], frozenset[str], dict[str, frozenset[str]]]:
    """The listed words; those to leave alone; and the listed words by each form with one letter less."""
    data = read("spelling")
    words = frozenset(fold(word) for word in data["words"])
    leave = frozenset(fold(word) for word in data["leave"]) | {w + s for w in words for s in _SUFFIXES}
    shortened: dict[str, set[str]] = {}
    for word in words:
        for form in {word, *_one_less(word)}:
            shortened.setdefault(form, set()).add(word)
    return words, leave, {form: frozenset(meant) for form, meant in shortened.items()}


def mended(word: str) -> str | None:
    """The one listed word that is a single slip away from a folded `word`; None if there is none or several."""
    words, leave, shortened = _known()
    if len(word) < SHORTEST or word in leave:
        return None
    near = set().union(*(shortened.get(form, frozenset()) for form in (word, *_one_less(word))))
    meant = [other for other in near if other[0] == word[0] and _one_slip(word, other)]
    return meant[0] if len(meant) == 1 and meant[0] in words else None


def _one_less(word: str) -> Iterator[str]:
    return (word[:i] + word[i + 1 :] for i in range(len(word)))


def _one_slip(one: str, other: str) -> bool:
    """A letter too many, too few, wrong, or two neighbours swapped."""
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    rest, meant = one[at:], other[at:]
    if len(one) != len(other):
        return rest[1:] == meant or rest == meant[1:]
    return rest[1:] == meant[1:] or (rest[:2] == meant[1::-1] and rest[2:] == meant[2:])
