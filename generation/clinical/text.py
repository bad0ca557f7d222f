"""Scenario text made searchable, without losing where each word stood. Source: domain.md 3.1."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from generation.clinical import negation
from generation.clinical.spacing import any_gap

_LETTERS = {"æ": "ae", "ø": "oe", "å": "aa", "é": "e", "è": "e", "ö": "oe", "ä": "ae", "ü": "u", "’": "'", "–": "-"}
_SENTENCE = re.compile(r"(?<!\b[a-z])[.!](?=\s|$)|(?<=\w)\?(?=\s|$)|[\n;]")


def fold(text: str) -> str:
    """Lower case with Danish letters spelled out, so that `knæ` and `knae` are one word."""
    return "".join(_LETTERS.get(letter, letter) for letter in text.casefold())


def pattern(terms: Iterable[str]) -> re.Pattern[str]:
    """One expression for whole-word alternatives; a term that starts or ends outside a word keeps its own edge."""
    return re.compile("|".join(f"(?<!\\w)(?:{fold_term(term)})(?!\\w)" for term in terms))


def fold_term(term: str) -> str:
    """Fold a regular expression: letters only, since `\\W` and `\\w` differ; its spaces match any gap."""
    return any_gap("".join(_LETTERS.get(letter, letter) for letter in term))


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a term stands, what the writer meant by it, and the sentence it stands in."""

    start: int
    end: int
    matched: str
    status: negation.Status
    sentence: int
    groups: tuple[str | None, ...] = ()

    @property
    def affirmed(self) -> bool:
        return self.status in ("affirmed", "history")


class Scenario:
    """A scenario, folded and cut into sentences."""

    def __init__(self, source: str) -> None:
        self.source = source
        pieces = [fold(letter) for letter in source]
        self.text = "".join(pieces)
        self._origin = [index for index, piece in enumerate(pieces) for _ in piece]
        self._ends = [match.end() for match in _SENTENCE.finditer(self.text)] + [len(self.text)]

    @cached_property
    def masked(self) -> str:
        return negation.mask(self.text)

    def original(self, start: int, end: int) -> str:
        if start >= end:
            return ""
        return self.source[self._origin[start] : self._origin[end - 1] + 1].strip()

    def sentence_of(self, position: int) -> tuple[int, int, int]:
        """The index, start and end of the sentence that holds `position`."""
        start = 0
        for index, end in enumerate(self._ends):
            if position < end:
                return index, start, end
            start = end
        return len(self._ends) - 1, start, len(self.text)

    def find(self, expression: re.Pattern[str]) -> Iterator[Mention]:
        return self._mentions(expression, self.text)

    def find_masked(self, expression: re.Pattern[str]) -> Iterator[Mention]:
        """As `find`, blind to phrases such as "not excluded" that only look like negations."""
        return self._mentions(expression, self.masked)

    def _mentions(self, expression: re.Pattern[str], text: str) -> Iterator[Mention]:
        for match in expression.finditer(text):
            index, start, end = self.sentence_of(match.start())
            status = negation.status(self.masked[start:end], match.start() - start, max(match.end() - start, 0))
            yield Mention(
                match.start(),
                match.end(),
                self.original(match.start(), match.end()),
                status,
                index,
                match.groups(),
            )

    def first(self, expression: re.Pattern[str]) -> Mention | None:
        """The first mention that is meant as said: neither negated nor about somebody else."""
        return next((mention for mention in self.find(expression) if mention.affirmed), None)
