"""Scenario text made searchable, without losing where each word stood. Source: domain.md 3.1."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from generation.clinical import negation, spelling
from generation.clinical.letters import SPELLED, pieces
from generation.clinical.spacing import any_gap

_SENTENCE = re.compile(r"(?<!\b[a-z])[.!](?=\s|$)|(?<=\w)\?(?=\s|$)|[\n;]")


def pattern(terms: Iterable[str]) -> re.Pattern[str]:
    """One expression for whole-word alternatives; a term that starts or ends outside a word keeps its own edge."""
    return re.compile(rf"(?<!\w)(?:{'|'.join(fold_term(term) for term in terms)})(?!\w)")


_EARSHOT = 400


def fold_term(term: str) -> str:
    """Fold a regular expression: letters only, since `\\W` and `\\w` differ; its spaces match any gap."""
    return any_gap("".join(SPELLED.get(letter, letter) for letter in term))


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
    """A scenario: folded, typing slips mended, cut into sentences; `source` is what was written."""

    def __init__(self, source: str) -> None:
        self.source = source
        self._places: list[tuple[int, int]] = []
        letters: list[str] = []
        for piece, start, end in pieces(source):
            letters.append(piece)
            self._places += [(start, end)] * len(piece)
        self.text = self._mended("".join(letters))
        self._found: dict[re.Pattern[str], tuple[Mention, ...]] = {}
        self._ends = [match.end() for match in _SENTENCE.finditer(self.text)] + [len(self.text)]

    def _mended(self, text: str) -> str:
        """The text with slips mended; each letter of a mended word stands for the place of the slip."""
        parts, places, done = [], [], 0
        for start, end, meant in spelling.slips(text):
            parts += [text[done:start], meant]
            places += self._places[done:start]
            places += [self._places[min(start + i, end - 1)] for i in range(len(meant) - 1)] + [self._places[end - 1]]
            done = end
        self._places = places + self._places[done:]
        return "".join(parts) + text[done:]

    @cached_property
    def masked(self) -> str:
        return negation.mask(self.text)

    def original(self, start: int, end: int) -> str:
        if start >= end:
            return ""
        return self.source[self._places[start][0] : self._places[end - 1][1]].strip()

    def sentence_of(self, position: int) -> tuple[int, int, int]:
        """The index, start and end of the sentence that holds `position`."""
        start = 0
        for index, end in enumerate(self._ends):
            if position < end:
                return index, start, end
            start = end
        return len(self._ends) - 1, start, len(self.text)

    def find(self, expression: re.Pattern[str]) -> Iterator[Mention]:
        """Every mention, in the order of the text; a second search costs nothing."""
        if expression not in self._found:
            self._found[expression] = tuple(self._mentions(expression, self.text))
        return iter(self._found[expression])

    def find_masked(self, expression: re.Pattern[str]) -> Iterator[Mention]:
        """As `find`, blind to phrases such as "not excluded" that only look like negations."""
        return self._mentions(expression, self.masked)

    def _mentions(self, expression: re.Pattern[str], text: str) -> Iterator[Mention]:
        for match in expression.finditer(text):
            index, start, end = self.sentence_of(match.start())
            # What is further off in a sentence without an end says nothing of this term, and would be read for each.
            start, end = max(start, match.start() - _EARSHOT), min(end, match.end() + _EARSHOT)
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
