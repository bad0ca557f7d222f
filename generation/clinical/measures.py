"""Numbers read from a scenario: ages, durations, pain scores, limits, blood pressure. Source: domain.md 3.1."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.clinical.profile import onset_weeks
from generation.clinical.text import Mention, Scenario

_WORDS = {word: n for n, word in enumerate("one two three four five six seven eight nine ten eleven twelve".split(), 1)}
_WORDS |= {"a": 1, "en": 1, "et": 1, "to": 2, "tre": 3, "fire": 4, "fem": 5, "seks": 6, "syv": 7, "otte": 8, "ni": 9}
_UNITS = {"d": "day", "w": "week", "u": "week", "m": "month", "y": "year", "a": "year"}
_SLASH = {"7": "day", "52": "week", "12": "month"}
_NUMBER = rf"\d{{1,3}}|{'|'.join(_WORDS)}"
_UNIT = r"days?|dage?|weeks?|wks?|uger?|months?|mths?|mo|maaneder?|maaned|years?|yrs?|aar"
_SPAN = re.compile(rf"\b(?:(?:\d+|{'|'.join(_WORDS)}) ?(?:-|to|til) ?)?({_NUMBER})[ -]?({_UNIT})\b")
_NOT_ONSET = re.compile(
    r"^(?:[ -]?old|[ -]?(?:of age)|[ -]gammel|[ -]?pregnant|[ -]?gestation|[ -]?gravid| (?:a|per|om) )"
)
_NOT_BEFORE = re.compile(r"\b(?:times|x|gange|pregnan\w+|gravid|gravid uge|per|in|within|for the next|om) ?$")
_NAMED_SPAN = re.compile(r"\b(day|week|wk|dag|uge|month)\.? ?(\d{1,3})\b")
_POST_OP_SPAN = re.compile(
    rf"({_NUMBER})[ -]?({_UNIT})\b[ -]*(?:post|after|efter|since|out|s/p)|"
    rf"(?:post[- ]?op\w*|s/p|after|efter)[^.;]{{0,40}}?({_NUMBER})[ -]?({_UNIT})\b"
)
_SLASH_SPAN = re.compile(r"(?<![\d/])(\d{1,3})/(7|52|12)(?![\d/])")
_SINCE_MONTH = re.compile(r"since yesterday|since this morning|siden i gaar|yesterday|i gaar|today|i dag")

_AGE = re.compile(
    r"\b(\d{1,3})[ -]?(?:yo|y/o|y\.o\.|yrs? old|years?[ -]old|year[ -]olds?|aar gammel|-?aarig\w*|aars)\b|"
    r"\b(\d{1,3}) ?y\b|\bage[d:]? ?(\d{1,3})\b|\b(\d{2})[ -]?(?:m|f)\b(?!/)|"
    r"(?<!i )(?<!for )(?<!in )(?<!past )(?<!last )\b(\d{2,3}) (?:aar|years?)"
    r"(?=,|\.|$| (?:woman|man|female|male|kvinde|mand))"
)
_BELONGS = re.compile(r"\b(?:mother|father|parent|mum|dad|mor|far) (?:of|to|til)(?: an?| en)? $|\b(?:her|his|their) $")
_SCORE = re.compile(
    r"(?<![\d/])(?:(\d{1,2}) ?- ?)?(\d{1,2})(?:[.,]\d)? ?/ ?10\b|"
    r"\b(?:nprs|nrs|vas|pain|smerter?)(?: score)?(?: of| is| at|:|=)? ?(\d{1,2})\b"
    r"(?! ?(?:/|-|days?|weeks?|months?|years?|dage|uger|min|x))"
)
_PREGNANT = re.compile(
    r"\b(?:(\d{1,2}) ?(?:weeks?|wks?|/40)?[ -]?(?:pregnant|gestation)|pregnant(?:,? (\d{1,2}) ?(?:weeks?|wks?))?|"
    r"pregnancy(?:,? (\d{1,2}) ?(?:weeks?|wks?))?|gravid(?:,? (?:uge )?(\d{1,2}))?)"
)
_PERCENT = re.compile(
    r"\b(\d{1,2}) ?%? ?(?:%|percent|procent)[ -]?(?:pwb|weight|of body|belastning|stoette)|pwb ?(\d{1,2}) ?%"
)
_FLEXION = re.compile(r"(?:no|avoid|limit\w*|max\w*|ingen) (?:\w+ )?(?:flexion|bend\w*|fleksion)[^.\d]{0,20}(\d{2,3})")
_EXTERNAL = re.compile(r"(?:no|avoid|limit\w*|max\w*) (?:er|external rotation)[^.\d]{0,12}(\d{1,3})")
_BUDGET = re.compile(r"(\d{1,2}) ?(?:min\w*)(?: of exercises?)? ?(?:a|per|each|/|om) ?(?:day|dagen)")
_PRESSURE = re.compile(r"\b(?:bp|blood pressure|bt|blodtryk\w*)\D{0,15}?(\d{2,3}) ?/ ?(\d{2,3})\b")


@dataclass(frozen=True, slots=True)
class Duration:
    value: float
    unit: str
    matched: str

    @property
    def weeks(self) -> float:
        return onset_weeks(self.as_dict()) or 0.0

    def as_dict(self) -> dict[str, Any]:
        return {"value": self.value, "unit": self.unit}


def duration(scenario: Scenario, after_surgery: bool) -> Duration | None:
    """Time since onset or operation, from "8 months", "3/52", "day 10 post op", "three weeks after"."""
    for mention in scenario.find(_POST_OP_SPAN) if after_surgery else ():
        value, unit = [group for group in mention.groups if group][:2]
        return _duration(value, unit, mention)
    for mention in scenario.find(_SLASH_SPAN):
        return Duration(float(mention.groups[0] or 0), _SLASH[mention.groups[1] or "7"], mention.matched)
    for mention in scenario.find(_NAMED_SPAN) if after_surgery else ():
        return _duration(mention.groups[1] or "0", mention.groups[0] or "d", mention)
    for mention in scenario.find(_SPAN):
        before, after = scenario.text[: mention.start], scenario.text[mention.end :]
        if not _NOT_ONSET.search(after) and not _NOT_BEFORE.search(before[-14:]) and not _is_age(scenario, mention):
            return _duration(mention.groups[0] or "0", mention.groups[1] or "d", mention)
    recent = scenario.first(_SINCE_MONTH)
    return Duration(1, "day", recent.matched) if recent and not after_surgery else None


def _duration(value: str, unit: str, mention: Mention) -> Duration:
    return Duration(float(_WORDS.get(value) or value), _UNITS[unit[0]], mention.matched)


def _is_age(scenario: Scenario, mention: Mention) -> bool:
    return any(other.start <= mention.start < other.end for other in scenario.find(_AGE))


def age(scenario: Scenario) -> tuple[int, str] | None:
    for mention in scenario.find(_AGE):
        years = int(next(group for group in mention.groups if group))
        someone_else = years < 16 and _BELONGS.search(scenario.text[: mention.start])
        if years <= 120 and mention.status != "listed" and not someone_else:
            return years, mention.matched
    return None


def pain(scenario: Scenario, words: Mapping[str, re.Pattern[str]]) -> tuple[int | None, int | None, str]:
    """Pain now and at worst, 0-10; in words, mild is 2, moderate 5 and severe 7."""
    now: int | None = None
    worst: int | None = None
    evidence: list[str] = []
    for mention in scenario.find(_SCORE):
        low, high, bare = mention.groups
        score = int(high or bare or 0)
        if score > 10:
            continue
        evidence.append(mention.matched)
        around = scenario.text[max(0, mention.start - 14) : mention.start].rpartition(",")[2]
        tail = scenario.text[mention.end : mention.end + 12].partition(",")[0]
        if words["worst"].search(around) or words["worst"].search(tail):
            worst = score
        elif now is None:
            now = int(low) if low else score
            worst = score if low else worst
    if not evidence:
        return _pain_in_words(scenario, words)
    return now, worst, ", ".join(evidence)


def _pain_in_words(scenario: Scenario, words: Mapping[str, re.Pattern[str]]) -> tuple[int | None, int | None, str]:
    for word, score in (("severe", 7), ("moderate", 5), ("mild", 2)):
        mention = scenario.first(words[word])
        if mention:
            return score, None, mention.matched
    return None, None, ""


def pregnancy(scenario: Scenario) -> tuple[int | None, str] | None:
    mention = scenario.first(_PREGNANT)
    if mention is None:
        return None
    weeks = next((group for group in mention.groups if group), None)
    return (int(weeks) if weeks else None), mention.matched


def weight_bearing_percent(scenario: Scenario) -> tuple[int, str] | None:
    for mention in scenario.find(_PERCENT):
        return int(next(group for group in mention.groups if group)), mention.matched
    return None


def limits(scenario: Scenario) -> list[dict[str, Any]]:
    """Numeric restrictions: flexion and rotation limits in degrees, minutes a day, high blood pressure."""
    found = []
    for code, expression in (("flexion_limit", _FLEXION), ("er_limit", _EXTERNAL), ("time_budget", _BUDGET)):
        mention = next(scenario.find(expression), None)
        if mention:
            value = int(mention.groups[0] or 0)
            found.append({"code": code, "value": value, "source_text": mention.matched})
    pressure = blood_pressure(scenario)
    if pressure and (pressure[0] >= 180 or pressure[1] >= 100):
        found.append({"code": "bp_high", "value": pressure[0], "source_text": pressure[2]})
    return found


def blood_pressure(scenario: Scenario) -> tuple[int, int, str] | None:
    for mention in scenario.find(_PRESSURE):
        return int(mention.groups[0] or 0), int(mention.groups[1] or 0), mention.matched
    return None
