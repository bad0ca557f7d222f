"""What a line claims of a person: a fact of the profile, or one that is not in it. Source: domain.md 4, V11 and V14."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from generation.clinical import redaction
from generation.clinical.constraints import constraints_for, label
from generation.clinical.data_files import phrases, read
from generation.clinical.dosing import pain_limit
from generation.clinical.profile import Profile
from generation.clinical.reasons import LABELS, subject, the_region
from generation.clinical.text import Scenario, pattern

_CLAIMS: dict[str, Any] = read("claims")
_CONDITIONS: dict[str, Any] = {entry["tag"]: entry for entry in read("conditions")}
_SURGERIES: dict[str, Any] = {entry["type"]: entry for entry in read("surgeries")}
_GOALS: dict[str, Any] = {entry["code"]: entry for entry in read("goals")}
_LABELLED = {name: read("terms")[name] for name in ("comorbidities", "restrictions", "equipment", "weight_bearing")}

_ADVICE = {
    name: pattern([*_CLAIMS[name]["en"], *_CLAIMS[name]["da"]]) for name in ("drug", "diagnosis", "manipulation")
}
# Whatever is true of a person, nobody may be told these.
_ORDERS = {name: pattern([*_CLAIMS[name]["en"], *_CLAIMS[name]["da"]]) for name in ("medicine", "dismissive")}
_OPERATION = pattern([*_CLAIMS["operation"]["en"], *_CLAIMS["operation"]["da"]])
_OPERATED = {type_: pattern([*entry["en"], *entry["da"]]) for type_, entry in _SURGERIES.items() if entry["en"]}
_DIAGNOSED = {tag: pattern([*entry["en"], *entry["da"]]) for tag, entry in _CONDITIONS.items() if entry["en"]}
_ANY = re.compile(
    "|".join(e.pattern for e in (*_ADVICE.values(), _OPERATION, *_OPERATED.values(), *_DIAGNOSED.values()))
)
_AGE = re.compile(
    r"\b(?:aged?|age of|at|alder(?:en)? af)\s+(\d{2,3})\b(?!\s*(?:/|out|af|of|degrees|grader|°|%|s\b|min|sec|sek))|"
    r"\b(\d{1,3})[- ]?(?:years?[- ]old|yo\b|y/o|år gammel|årig)|\ber (\d{1,3}) år\b",
    re.I,
)
_PAIN = re.compile(r"\b(\d{1,2})\s*(?:/|out of|of|ud af|af)\s*(?:10|ten|ti)\b", re.I)
_WEEK = re.compile(
    r"\b(?:week|uge)\s+(\d{1,3}(?:\.\d)?)\b|"
    r"\b(\d{1,3}(?:\.\d)?)\s+(?:weeks?|uger?)\s+(?:after|post|since|ago|out|efter|siden)",
    re.I,
)
_WORD = re.compile(r"[^\W\d_]{3,}")
_STEM = 5


class Claims:
    """What may be said of one person; asked for each reason, and answered once for the same line."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._told = sorted({fact.casefold() for fact in _facts(profile) if fact}, key=len, reverse=True)
        self._stems = {word[:_STEM] for fact in self._told for word in _words(fact)}
        self._known: dict[str, tuple[str, ...]] = {}

    def faults(self, text: str) -> tuple[str, ...]:
        """What a reason says that it must not, each as a clause; empty when all is well."""
        if text not in self._known:
            self._known[text] = tuple(self._faults(text))
        return self._known[text]

    def cites_a_fact(self, text: str) -> bool:
        """Whether any word or number of the profile stands in the text, in either language."""
        if self._stems & {word[:_STEM] for word in _words(text)}:
            return True
        numbers = (self.profile.age, self.profile.pain_now, self.profile.pain_worst)
        codes = {self.profile.wb_status, *(str(number) for number in numbers if number is not None)}
        return not codes.isdisjoint(re.findall(r"\w+", text))

    def _faults(self, text: str) -> Iterator[str]:
        if not self.cites_a_fact(text):
            yield "names no fact of the profile"
        yield from self._numbers(text)
        said = Scenario(text).text
        yield from (f"gives {kind} advice" for kind, expression in _ORDERS.items() if expression.search(said))
        rest = text.casefold()
        for fact in self._told:
            rest = rest.replace(fact, " ")
        scenario = Scenario(rest)
        if _ANY.search(scenario.text):
            yield from self._named(scenario)

    def _numbers(self, text: str) -> Iterator[str]:
        for number in _numbers(_AGE, text):
            if self.profile.age is None or float(number) != self.profile.age:
                yield f"states an age of {number} that the profile does not have"
        pains = {self.profile.pain_now, self.profile.pain_worst, pain_limit(self.profile)}
        for number in _numbers(_PAIN, text):
            if int(number) not in pains:
                yield f"states a pain of {number} that the profile does not have"
        weeks = self.profile.weeks
        for number in _numbers(_WEEK, text):
            if weeks is None or abs(float(number) - weeks) >= 1:
                yield f"states {number} weeks that the profile does not have"

    def _named(self, scenario: Scenario) -> Iterator[str]:
        """Advice that is not ours to give, and operations and conditions of somebody else."""
        for kind, expression in _ADVICE.items():
            if expression.search(scenario.text):
                yield "makes a diagnosis" if kind == "diagnosis" else f"gives {kind} advice"
        operated = (self.profile.surgery or {}).get("type")
        named = {type_ for type_, expression in _OPERATED.items() if expression.search(scenario.text)}
        if (named and operated not in named) or (operated is None and _OPERATION.search(scenario.text)):
            yield "names an operation that the profile does not have"
        for tag, expression in _DIAGNOSED.items():
            if self._is_foreign(tag) and expression.search(scenario.text):
                yield f"names {tag}, which the profile does not have"

    def _is_foreign(self, tag: str) -> bool:
        """Pain of the person's own region is no condition of its own."""
        entry, tags = _CONDITIONS[tag], self.profile.condition_tags
        general = bool(entry.get("nonspecific")) and not set(entry["regions"]).isdisjoint(self.profile.regions)
        return tag not in tags and not general


def wrong_language(text: str, language: str) -> bool:
    """Whether the text is plainly in the other language."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    other = "en" if language == "da" else "da"
    own, theirs = (sum(word in _CLAIMS["language"][code] for word in words) for code in (language, other))
    letters = sum(letter in "æøå" for letter in text.lower())
    own, theirs = (own + letters, theirs) if language == "da" else (own, theirs + letters)
    return theirs >= 2 and theirs > own


def identifies(text: str, language: str) -> list[str]:
    """The kinds of identifier in the text, as the redaction knows them."""
    return sorted(redaction.redact(text, date.max, language).counts)


def _numbers(expression: re.Pattern[str], text: str) -> list[str]:
    return [next(group for group in match.groups() if group) for match in expression.finditer(text)]


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text.casefold()) if word not in _CLAIMS["stop_words"]}


def _facts(profile: Profile) -> Iterator[str]:
    """Everything the profile says of a person, in the words of both languages."""
    yield from profile.evidence.values()
    for language in ("en", "da"):
        words = phrases(language)
        yield subject(profile, language)
        yield words["phase"][profile.phase]
        if profile.side != "unknown":
            yield words["side"][profile.side]
        for region in profile.regions:
            yield from (the_region(region, language), words["region"].get(region, ""))
        yield from (LABELS[tag][language] for tag in profile.condition_tags if tag in LABELS)
        yield from (_GOALS[code]["label"][language] for code in profile.goals if code in _GOALS)
        if profile.surgery:
            yield _SURGERIES[profile.surgery["type"]]["label"][language]
        yield from _labels(profile, language)
        yield from (label(constraint.code, language) for constraint in constraints_for(profile))
        if profile.irritability == "high":
            yield {"en": "irritable", "da": "irritabel"}[language]


def _labels(profile: Profile, language: str) -> Iterator[str]:
    codes: Mapping[str, tuple[str, ...]] = {
        "comorbidities": profile.comorbidities,
        "restrictions": tuple(restriction["code"] for restriction in profile.restrictions),
        "equipment": profile.equipment_available,
        "weight_bearing": (profile.wb_status,) if profile.wb_status else (),
    }
    for table, present in codes.items():
        for code in present:
            entry = _LABELLED[table].get(code, {})
            yield entry.get("label", {}).get(language, code.replace("_", " "))
