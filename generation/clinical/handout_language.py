"""What a stored program says, in the other language: its texts again from the library and the phrases.

What neither of them knows stays as it was written, and says in which language that is. Source: domain.md 6 (i18n).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from generation.clinical import dosing
from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile
from generation.clinical.program import localised, subject

Item = Mapping[str, Any]
# Whose lines for the patient stand in programs.
NOTES = ("packs", "constraints", "advice")


class Line(NamedTuple):
    """A text for the patient; `language` is its code where it is not that of the hand-out."""

    text: str
    language: str | None = None


class Words(NamedTuple):
    """The name, preparation, steps and precaution of an item, all in one language."""

    name: str
    setup: str
    steps: Sequence[str]
    precaution: str
    language: str | None = None


def item_words(item: Item, exercise: Mapping[str, Any] | None, written: str, wanted: str) -> Words:
    """`exercise` is the library's entry of the item's slug, as far as there is one."""
    if written != wanted and exercise is not None and exercise["text"].get(wanted):
        text = localised(exercise, wanted)
        return Words(text["name"], text["setup"], text["steps"], text["safety"])
    # Before items had it, what to get ready stood in the library alone.
    kept = Words(item["name"], item.get("setup", ""), item["steps"], item["precaution"])
    return kept if written == wanted else kept._replace(language=written)


def dose_words(item: Item, written: str, wanted: str) -> str:
    return str(item["dose_text"]) if written == wanted else dosing.dose_text(item["dose"], wanted)


def summary(content: Mapping[str, Any], written: str, wanted: str) -> str:
    if written == wanted:
        return str(content["summary_for_patient"])
    facts = {"count": len(content["items"]), "minutes": content["total_minutes"]}
    what = subject(Profile.from_dict(content["profile"]), wanted)
    return str(phrases(wanted)["summary"].format(what=what, **facts))


def lines(texts: Sequence[str], written: str, wanted: str) -> list[Line]:
    return [Line(text) if written == wanted else line(text, written, wanted) for text in texts]


def line(text: str, written: str, wanted: str) -> Line:
    """The line again in the other language, with the numbers that stand in it."""
    for pattern, there in _pairs(written, wanted):
        if found := pattern.fullmatch(text):
            return Line(there.format(**found.groupdict()))
    return Line(text, written)


@cache
def _pairs(written: str, wanted: str) -> list[tuple[re.Pattern[str], str]]:
    """Every line that a program may hold, as a pattern, and the template of the same in the other language."""
    here, there = phrases(written), phrases(wanted)
    pairs = [*zip(here["stop_rules"], there["stop_rules"], strict=True)]
    for name in ("pain_rule", "pain_rule_nemex"):
        pairs += [(text, there[name][limit]) for limit, text in here.get(name, {}).items()]
    pairs += [(here[name], there[name]) for name in ("regress", "general_education", "walking")]
    pairs += [(note[written], note[wanted]) for source in NOTES for note in _notes(read(source))]
    return [(_pattern(one), other) for one, other in pairs]


def _notes(data: Any) -> Iterator[Mapping[str, str]]:
    """The texts in both languages that lie anywhere in a data file."""
    if isinstance(data, Mapping):
        if set(data) == {"en", "da"} and all(isinstance(text, str) for text in data.values()):
            yield data
        else:
            yield from (note for inner in data.values() for note in _notes(inner))
    elif isinstance(data, list):
        yield from (note for inner in data for note in _notes(inner))


def _pattern(template: str) -> re.Pattern[str]:
    """What the template becomes, its fields being words and numbers without a full stop."""
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^.]+)", re.escape(template)))
