"""Numbers read from a scenario: age, pain, limits, weight bearing, blood pressure. Source: domain.md 3.1."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from generation.clinical.numerals import NUMBER, WORDS, number
from generation.clinical.text import Mention, Scenario

_AGE = re.compile(
    rf"({NUMBER})[ -]?"
    r"(?:yo\b|y/o|y\.o\.?|yrs? old|years?[ -]old|years? of age|year[ -]olds?|aar gammel|-?aarig\w*|aars\b)|"
    r"\b(\d{1,3}) ?y\b|\b(?:age[d:]?|alder:?) ?(\d{1,3})\b|"
    r"(?<!walk )(?<!walks )(?<!run )(?<!runs )(?<!for )(?<!to )(?<!swim )\b(\d{2})[mfk]\b(?!/)|^\W*(\d{2})[ -][mfk]\b|"
    r"(?<!i )(?<!for )(?<!in )(?<!past )(?<!last )(?<!over )\b(\d{2,3}) (?:aar|years?)"
    r"(?=,|\.|$| (?:woman|man|female|male|lady|gentleman|kvinde|mand|dame|herre|with|med))|"
    r"\b(?:child|boy|girl|barn|dreng|pige)(?: is| of| aged?| er| paa)? (\d{1,2}) (?:years?|yrs?|aar)\b(?! ago| siden)|"
    r"(?:^|[.;\n]\s*)(?:my|our|min|vores) (?:son|daughter|boy|girl|soen|datter) (?:is|er) (\d{1,2})\b"
    r"(?! ?(?:weeks?|wks?|months?|days?|uger?|maaned|mdr|dage?))"
)
_INFANT = re.compile(r"\b\d{1,2}[ -](?:week|month|uge|maaned)s?[ -](?:old (?:baby|infant|boy|girl|child)|gammel)")
_BELONGS = re.compile(
    r"\b(?:mother|father|parent|mum|dad|mor|far) (?:of|to|til)(?: an?| en| et)? $|"
    r"\b(?:has|have|caring for|cares for|looks? after|lifts?|lifting|carr(?:y|ies|ying)|har|passer|loefter) "
    r"(?:an?|her|his|their|en|et|sin|sit)? ?$|\b(?:her|his|their|sin|hendes|hans) $"
)
_CHILD = 16

_TEN = r"(?:/ ?10\b|(?:out of|of|ud af|af) (?:10|ten|ti)\b)"
_DIGIT = rf"(?:\d{{1,2}}(?:[.,]\d)?|{WORDS})"
_WHEN = "(?:at rest|now|currently|today|at worst|worst|on movement|with activity|i hvile|nu|vaerst|ved aktivitet)"
_SCORE = re.compile(
    rf"(?<![\d/.<>a-z])(?:({_DIGIT}) ?(?:-|to|til) ?)?({_DIGIT}) ?{_TEN}|"
    r"\b(?:nprs|nrs|vas|pain|smerter?)(?: score)?"
    rf"(?: {_WHEN})?"
    r"(?: of| is| at| er| paa|:|=)? ?(?:(\d{1,2}) ?- ?)?(\d{1,2})\b"
    r"(?! ?(?:/|-|\d|days?|weeks?|wks?|months?|years?|yrs?|dage|uger|mdr|maaned|aar|min|hours?|timer|x|%|cm|km|"
    r"times|gange))"
)
_OTHER_SCALE = re.compile(
    r"\b(?:psfs|function\w*|confidence|rpe|borg|sleep|soevn|funktion\w*|stress|motivation|fatigue|energy|mood)\W{0,3}"
    r"(?:(?:is|score|of|er) )?$"
)
_NEXT_SCORE = re.compile(r"(?: at| is| of|:|=)? ?\d{1,2} ?(?:/|-|ud af|out of)")
_AIM = re.compile(r"(?:goal|aim|target|maal|reduce|below|under|less than|<)[^,.;]{0,16}$")
_BEFORE_NOW = re.compile(r"\b(?:was|were|previously|initially|var|tidligere|foerst|from|fra)(?: \w+)? ?$")
_NONE = re.compile(
    r"\b(?:pain[- ]free|smertefri|no (?:current )?pain(?=\s*(?:now|today|$|[,.;]))|"
    r"ingen smerter(?=\s*(?:nu|i dag|$|[,.;])))"
)
_PREGNANT = re.compile(
    r"\b(?:(\d{1,2}) ?(?:weeks?|wks?|/40|w)?[ -]?(?:pregnant|gestation)|pregnant(?:,? (\d{1,2}) ?(?:weeks?|wks?|/40))?|"
    r"pregnancy(?:,? (?:week )?(\d{1,2})(?: ?(?:weeks?|wks?|/40))?)?|gravid(?:itet)?(?:,? (?:i )?(?:uge )?(\d{1,2}))?|"
    r"(\d{1,2}) uger (?:henne|gravid)|g\d ?p\d[ ,]*(\d{1,2})(?:/40|\+\d))"
)
_POSTPARTUM = re.compile(r"^[- ]?(?:related )?(?:\w+ )?(?:ended|ago|in \d{4})|^ (?:test|planned)")
_PERCENT = re.compile(
    r"\b(\d{1,2}) ?(?:%|percent|procent)[ -]?(?:pwb|weight|of body|belastning|stoette|vaegt)|"
    r"pwb ?(?:of |at |max )?(\d{1,2}) ?%|"
    r"(?:weight[- ]?bear\w*|belastning|stoette)[^.\d]{0,16}(\d{1,2}) ?(?:%|percent|procent)"
)
_STATED = (
    r"(?:\bno\b|\bavoid\w*|\bnot\b|limit\w*|max\w*|restrict\w*|only|<|up to|"
    r"ingen|undgaa|ikke|begraens\w*|kun|op til|til)"
)
_DEGREES = r"(\d{1,3})(?! ?(?:/|kg|%|min|weeks?|uger|days?|dage|reps?|x))"
_BENDING = r"(?:flexion|bend\w*|fleksion|boej\w*|flex)"
_FLEXION = re.compile(
    rf"{_STATED} (?:\w+ ){{0,3}}?{_BENDING}[^.\d]{{0,24}}{_DEGREES}|{_BENDING} ?{_STATED}[^.\d]{{0,16}}{_DEGREES}|"
    rf"{_STATED} (?:to )?{_DEGREES} ?(?:degrees|deg|grader|°)?(?: of| i)? {_BENDING}|"
    r"(?:brace|orthosis|skinne|bandage)[^.;,]{0,30}?\b0 ?- ?(\d{2,3})\b"
)
_OUTWARD = r"(?:er|external rotation|udadrotation|ekstern rotation)"
_EXTERNAL = re.compile(
    rf"{_STATED} (?:\w+ )?{_OUTWARD}\b[^.\d]{{0,14}}{_DEGREES}|\b{_OUTWARD} ?{_STATED}[^.\d]{{0,12}}{_DEGREES}"
)
_NEUTRAL = re.compile(rf"{_STATED} (?:\w+ )?{_OUTWARD} (?:past|beyond|over|forbi|ud over) neutral")
_LIFTING = re.compile(
    rf"{_STATED} (?:\w+ ){{0,2}}?(?:lift\w*|carr\w*|loeft\w*|baer\w*)[^.\d]{{0,20}}(\d{{1,2}}) ?(?:kg|kilo)|"
    rf"{_STATED} (\d{{1,2}}) ?(?:kg|kilo) (?:lift|loeft)"
)
_BUDGET = re.compile(
    rf"({NUMBER}) ?(?:min\w*)(?: of exercises?| til traening)? ?(?:a |per |each |/ ?|om |hver |pr\.? |every )?"
    r"(?:daily|dagligt|dagen|day|dag|session|gang)\b|"
    rf"(?:only has|only have|max\w*|has|har|har kun|har hoejst|only) (?:about |ca\.? )?({NUMBER}) ?min\w*"
    r"(?= (?:for exercis|to exercis|til traening|til oevels|available))"
)
_PRESSURE = re.compile(r"\b(?:bp|blood pressure|bt|rr|blodtryk\w*)\D{0,20}?(\d{2,3}) ?/ ?(\d{2,3})\b(?! ?/)")
_SYSTOLIC = re.compile(r"\b(?:sbp|systol\w*)(?: (?:bp|blood pressure|blodtryk|bt))?\D{0,8}(\d{3})\b")
_DIASTOLIC = re.compile(r"\b(?:dbp|diastol\w*)(?: (?:bp|blood pressure|blodtryk|bt))?\D{0,8}(\d{2,3})\b")


@dataclass(frozen=True, slots=True)
class Pain:
    """Scores 0-10, and the words each was read from."""

    now: int | None = None
    worst: int | None = None
    said_now: str = ""
    said_worst: str = ""


def age(scenario: Scenario) -> tuple[int, str] | None:
    """Years, and the words; a child that the person has or lifts is somebody else."""
    infant = scenario.first(_INFANT)
    if infant:
        return 0, infant.matched
    for mention, years in _ages(scenario):
        someone_else = years < _CHILD and _BELONGS.search(scenario.text[max(0, mention.start - 30) : mention.start])
        if years <= 120 and mention.status != "listed" and not someone_else:
            return years, mention.matched
    return None


def age_places(scenario: Scenario) -> list[tuple[int, int]]:
    """Where numbers of years are ages, and so no durations."""
    return [(mention.start, mention.end) for mention, _ in _ages(scenario)]


def _ages(scenario: Scenario) -> Iterator[tuple[Mention, int]]:
    for mention in scenario.find(_AGE):
        yield mention, int(number(next(group for group in mention.groups if group)))


def pain(scenario: Scenario, words: Mapping[str, re.Pattern[str]]) -> Pain:
    """Pain now and at worst; in words, mild is 2, moderate 5 and severe 7."""
    now: tuple[int, str] | None = None
    worst: tuple[int, str] | None = None
    labelled, taken = False, 0
    for mention in scenario.find(_SCORE):
        low, high, bare_low, bare = mention.groups
        score, least = round(number(high or bare or "0")), low or bare_low
        before = scenario.text[max(0, mention.start - 24) : mention.start]
        if score > 10 or _OTHER_SCALE.search(before) or _AIM.search(before) or mention.status == "listed":
            continue
        label = scenario.text[max(taken, mention.start - 14) : mention.end].rpartition(",")[2]
        tail = scenario.text[mention.end : mention.end + 14].partition(",")[0]
        after = words["worst"].search(tail) or words["now"].search(tail)
        if after and _NEXT_SCORE.match(scenario.text[mention.end + after.end() :][:12]):
            tail, after = "", None
        taken = mention.end + (after.end() if after else 0)
        if words["worst"].search(label) or words["worst"].search(tail):
            worst = score, mention.matched
        elif words["now"].search(label) or after:
            now, labelled = (score, mention.matched), True
        elif now is None and not _BEFORE_NOW.search(before):
            now = round(number(least)) if least else score, mention.matched
            worst = (score, mention.matched) if least else worst
        elif not labelled and now and score > now[0] and worst is None and not _BEFORE_NOW.search(before):
            worst = score, mention.matched
    if now is None and worst is None:
        return _pain_in_words(scenario, words)
    return Pain(now[0] if now else None, worst[0] if worst else None, now[1] if now else "", worst[1] if worst else "")


def _pain_in_words(scenario: Scenario, words: Mapping[str, re.Pattern[str]]) -> Pain:
    for word, score in (("severe", 7), ("moderate", 5), ("mild", 2)):
        mention = scenario.first(words[word])
        if mention:
            return Pain(score, said_now=mention.matched)
    none = _NONE.search(scenario.text)
    return Pain(0, said_now=scenario.original(*none.span())) if none else Pain()


def pregnancy(scenario: Scenario) -> tuple[int | None, str] | None:
    for mention in scenario.find(_PREGNANT):
        if mention.status == "affirmed" and not _POSTPARTUM.search(scenario.text[mention.end :][:20]):
            weeks = next((group for group in mention.groups if group), None)
            return (int(weeks) if weeks else None), mention.matched
    return None


def weight_bearing_percent(scenario: Scenario) -> tuple[int, str] | None:
    for mention in scenario.find(_PERCENT):
        return int(next(group for group in mention.groups if group)), mention.matched
    return None


def limits(scenario: Scenario) -> list[dict[str, Any]]:
    """Numeric restrictions: degrees of flexion and rotation, kilograms, minutes a day, high blood pressure."""
    found = []
    for code, expression in (
        ("flexion_limit", _FLEXION), ("er_limit", _EXTERNAL), ("lift_limit", _LIFTING), ("time_budget", _BUDGET),
    ):  # fmt: skip
        mention = next(scenario.find(expression), None)
        if mention:
            value = int(number(next(group for group in mention.groups if group)))
            found.append({"code": code, "value": value, "source_text": mention.matched})
    neutral = next(scenario.find(_NEUTRAL), None)
    if neutral and not any(entry["code"] == "er_limit" for entry in found):
        found.append({"code": "er_limit", "value": 0, "source_text": neutral.matched})
    pressure = blood_pressure(scenario)
    if pressure and (pressure[0] >= 180 or pressure[1] >= 100):
        found.append({"code": "bp_high", "value": pressure[0] or pressure[1], "source_text": pressure[2]})
    return found


def blood_pressure(scenario: Scenario) -> tuple[int, int, str] | None:
    """The highest reading, systolic and diastolic; 0 for the one not given; past ones only if no other is given."""
    readings = [*_readings(scenario)]
    current = [reading for status, reading in readings if status == "affirmed"] or [r for _, r in readings]
    return max(current, key=_height, default=None)


def _height(reading: tuple[int, int, str]) -> tuple[bool, int, int]:
    """Above 200 or 110 outweighs any other reading, then the systolic counts. Source: domain.md 3.2, row "bp"."""
    systolic, diastolic, _ = reading
    return systolic > 200 or diastolic > 110, systolic, diastolic


def _readings(scenario: Scenario) -> Iterator[tuple[str, tuple[int, int, str]]]:
    for mention in scenario.find(_PRESSURE):
        yield mention.status, (int(mention.groups[0] or 0), int(mention.groups[1] or 0), mention.matched)
    for mention in scenario.find(_SYSTOLIC):
        yield mention.status, (int(mention.groups[0] or 0), 0, mention.matched)
    for mention in scenario.find(_DIASTOLIC):
        yield mention.status, (0, int(mention.groups[0] or 0), mention.matched)
