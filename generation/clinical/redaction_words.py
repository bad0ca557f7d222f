"""The words of a note, each with its sort. Source: domain.md 7."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto

from generation.clinical.redaction_lists import listed, phrases, vocabulary


class Sort(Enum):
    GIVEN = auto()
    GIVEN_OR_WORD = auto()
    SURNAME = auto()
    SURNAME_OR_WORD = auto()
    EPONYM = auto()
    INITIAL = auto()
    PARTICLE = auto()
    UNKNOWN = auto()
    # By its ending: "Tendinosis", "Mobilising".
    LIKELY_WORD = auto()
    WORD = auto()


@dataclass(frozen=True, slots=True)
class Token:
    start: int
    end: int
    word: str
    sort: Sort

    @property
    def capital(self) -> bool:
        return self.word[0].isupper()


_TOKEN = re.compile(r"[^\W\d_][\w'’]*(?:[-‐‑][^\W\d_][\w'’]*)*")
_PARTICLES = set("van der den de la le von af av al el bin ibn ter ten di da dos du zu zur y".split())
_ENDING = re.compile(
    r"(?:itis|[oi]osis|rosis|nosis|pathy|pathic|plasty|ectomy|otomy|algia|oscopy|desis|trophy|plegia|paresis|"
    r"malacia|lysis|listhesis|"
    r"edema|ødem|penia|sclerosis|ology|ometry|ography|[ts]ion|ness|ment|ing|ed|[iou]ly|ically|[ao]tic|"
    r"ates|izes|ises|ibes|plastik|(?:tr|kl|art|yph|fibr|nekr|skoli|par)ose|lidelse|skade|smerter?|træning|øvelser?|"
    r"operation|test|brud|pati|ektomi|tomi|skopi|logi|terapi|erer|erede|eret|isk|iske|hed|heden|ende|ninger|"
    r"ningen|aktig)$"
)
_JOINS = {" ", "\t", "  ", "\u00a0"}


def tokens_of(text: str) -> Iterator[Token]:
    covered = [match.span() for match in phrases().finditer(text)]
    place = 0
    for match in _TOKEN.finditer(text):
        start, end = match.span()
        word = re.sub(r"['’]s?$", "", match.group())
        end = start + len(word)
        while place < len(covered) and covered[place][1] <= start:
            place += 1
        if place < len(covered) and covered[place][0] <= start:
            yield Token(start, end, word, Sort.WORD)
        elif not (start and text[start - 1] == "[" and text[match.end() : match.end() + 1] == "]"):
            yield Token(start, end, word, _sort(word))


def _sort(word: str) -> Sort:
    folded = word.casefold()
    if len(word) == 1:
        return Sort.INITIAL if word.isupper() else Sort.WORD
    if any(sign.isdigit() for sign in word):
        return Sort.WORD
    short = word.isupper() and len(word) <= 3
    for name, sort in (
        ("given_names_that_are_words", Sort.GIVEN_OR_WORD),
        ("given_names", Sort.GIVEN_OR_WORD if short else Sort.GIVEN),
        ("surnames", Sort.SURNAME), ("surnames_that_are_words", Sort.SURNAME_OR_WORD), ("eponyms", Sort.EPONYM),
    ):  # fmt: skip
        if folded in listed(name):
            return sort
    if folded in _PARTICLES and word.islower():
        return Sort.PARTICLE
    if folded in vocabulary() or folded in listed("words") or (word.isupper() and len(word) <= 4):
        return Sort.WORD
    if re.match(r"(?:al|el)-[A-Z]", word):
        return Sort.SURNAME
    if re.search("[-‐‑]", word):
        if not all(part[:1].isupper() for part in re.split("[-‐‑]", word)):
            return Sort.WORD
        parts = [_sort(part) for part in re.split("[-‐‑]", word)]
        if parts[0] is Sort.GIVEN or Sort.SURNAME in parts:
            return Sort.GIVEN if parts[0] is Sort.GIVEN else Sort.SURNAME
        if {Sort.WORD, Sort.LIKELY_WORD} & set(parts):
            return Sort.WORD
        return Sort.EPONYM if Sort.EPONYM in parts else Sort.UNKNOWN
    return Sort.LIKELY_WORD if len(word) > 4 and _ENDING.search(folded) else Sort.UNKNOWN


def joined(text: str, before: Token, after: Token) -> bool:
    gap = text[before.end : after.start]
    return gap in _JOINS or (before.sort is Sort.INITIAL and gap in (".", ". ", ".  "))
