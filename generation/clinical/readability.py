"""How hard a text is for a patient to read. Source: domain.md 4, V13.

English is measured by the Flesch-Kincaid grade (Kincaid 1975), Danish by LIX (Björnsson 1968).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MOST_WORDS = 20
MOST_GRADE = 7.0
MOST_LIX = 34.0

_LONG_WORD = 7
_END = re.compile(r"(?<=[.!?:])\s+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_PARTS = ("purpose_line", "setup", "steps", "feel", "easier", "harder", "safety")


def sentences(parts: Iterable[str]) -> list[str]:
    """The sentences of some paragraphs; the end of a paragraph ends a sentence."""
    return [sentence for part in parts for sentence in _END.split(part.strip()) if _WORD.search(sentence)]


def of_exercise(text: Mapping[str, Any]) -> list[str]:
    """The sentences a patient reads of an exercise's text (domain.md 2.2)."""
    values = [text[name] for name in _PARTS]
    return sentences(line for value in values for line in ([value] if isinstance(value, str) else value))


def flesch_kincaid(lines: Sequence[str]) -> float:
    """The US school grade of English sentences; at least one word is needed."""
    words = [word for line in lines for word in _WORD.findall(line.lower())]
    return 0.39 * len(words) / len(lines) + 11.8 * sum(map(_syllables, words)) / len(words) - 15.59


def lix(lines: Sequence[str]) -> float:
    """Words to a sentence, plus the percentage of words of seven letters or more."""
    words = [word for line in lines for word in _WORD.findall(line)]
    return len(words) / len(lines) + 100 * sum(len(word) >= _LONG_WORD for word in words) / len(words)


def problems(lines: Sequence[str], language: str) -> list[str]:
    """What makes sentences too hard for a patient, in words; empty when nothing does."""
    if not lines:
        return []
    measure, name, most = (lix, "LIX", MOST_LIX) if language == "da" else (flesch_kincaid, "grade", MOST_GRADE)
    value = measure(lines)
    found = [f"{name} {value:.1f} is over {most:g}"] if value > most else []
    return found + [
        f"{count} words in one sentence: {line}" for line in lines if (count := len(line.split())) > MOST_WORDS
    ]


def _syllables(word: str) -> int:
    """Groups of vowels without the silent endings; right for most English words, one too many for a few."""
    spoken = re.sub(r"(?<![aeiouyl])es$|(?<![aeioudty])ed$|(?<=[^l])e$", "", word)
    return max(1, len(re.findall(r"[aeiouy]+", spoken)))
