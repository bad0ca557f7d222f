"""How long ago something began or was operated on. Source: domain.md 3.1, rows "Acuity" and "Post-op".

Read are spans ("8 months", "three weeks ago", "halvandet år"), the notation `3/7`, `3/52`, `3/12`, places on a
calendar ("since March", "siden mandag", "on 3 March") and, after an operation, "week 3" and "day 10".
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from generation.clinical import measures
from generation.clinical.numerals import ARTICLES, NUMBER, WORDS, number
from generation.clinical.profile import onset_weeks
from generation.clinical.text import Mention, Scenario

UNIT = (
    r"hours?|hrs?|timer?|days?|dage?|dgr?|d|weeks?|wks?|w|uger?|months?|mths?|mos?|maaneder?|maaned|mdr|mnd|md|"
    r"years?|yrs?|aar"
)
_UNITS = {"h": "hour", "t": "hour", "d": "day", "w": "week", "u": "week", "m": "month", "y": "year", "a": "year"}
_SLASH = {"7": "day", "52": "week", "12": "month"}
_LOW = r"(?:\d{1,3}|" + WORDS + r")"
_SPAN = re.compile(rf"(?:(?<![\w.,/]){_LOW} ?(?:-|to|til|or|eller) ?)?({NUMBER})[ -]?({UNIT})\b")
_SLASH_SPAN = re.compile(r"(?<![\d/.,])(\d{1,3})/(7|52|12)(?![\d/])")
_NAMED = re.compile(
    rf"\b(day|week|wk|dag|uge|month|pod|pow) ?\.?#? ?({NUMBER})\b|"
    rf"\b({_LOW})(?:\.|st|nd|rd|th)? (?:post[- ]?op\w* )?(dag|uge|day|week)\b"
)
_NOT_AFTER = re.compile(
    r"^(?:[ -]?old|[ -]?(?:of age)|[ -]gammel|[ -]?pregnan|[ -]?gestation|[ -]?gravid| (?:a|per|each|om|hver) |/|"
    r"'? time\b| from now| later| senere| (?:course|holiday|programme|program|trip|round)\b)"
)
_NOT_BEFORE = re.compile(
    r"\b(?:times|x|gange|pregnan\w+|gravid|gravid uge|pregnancy|per|in|within|every|each|"
    r"hver|paa|inden for|indenfor|om|(?:over|for|the|de) (?:next|coming|naeste|kommende)|lasts?(?: for)?|varer|"
    r"flares? (?:up )?for|settles? (?:in|after|over|within)|"
    r"(?:walk|sit|stand|run|ride|drive|cycl|gaa|sidde|staa|koer)\w*(?: for| i)?|up to) ?$"
)
_ARTICLE_NEEDS_AFTER = re.compile(r"^ (?:ago|after|post|since|history|hx|siden|efter|out|or so)\b")
_ARTICLE_NEEDS_BEFORE = re.compile(r"\b(?:for|about|over|nearly|almost|i|ca\.?|gennem|past|last|the|since) $")

_MONTHS = {name: n for n, names in enumerate(
    ("jan january januar", "feb february februar", "mar march marts", "apr april", "may maj", "jun june juni",
     "jul july juli", "aug august", "sep sept september", "oct october okt oktober", "nov november",
     "dec december"), 1) for name in names.split()}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DAYS = {name: n for n, names in enumerate(
    ("monday mandag", "tuesday tirsdag", "wednesday onsdag", "thursday torsdag", "friday fredag", "saturday loerdag",
     "sunday soendag")) for name in names.split()}  # fmt: skip
_FROM = (
    r"\b(?:since|from|siden|fra)(?: about| around| early| mid| late| the| last| ca\.?| omkring| sidste| starten af|"
    r" midten af| slutningen af){0,3}[ -]"
)
_YEAR = r"(?:,? '?((?:19|20)\d\d))?"
_SINCE_DATE = re.compile(rf"{_FROM}(?:(?:the )?(\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? )?({_MONTH})\b\.?{_YEAR}")
_ON_DATE = re.compile(rf"\b(?:(\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? ({_MONTH})|(?:in|i) ({_MONTH}))\b\.?{_YEAR}")
_FULL_DATE = re.compile(r"(?<![\d.-])(?:((?:19|20)\d\d)-(\d\d)-(\d\d)|(\d{1,2})\.(\d{1,2})\.((?:19|20)\d\d))(?![\d-])")
_SINCE_YEAR = re.compile(rf"{_FROM}((?:19|20)\d\d)\b")
_SINCE_DAY = re.compile(rf"{_FROM}({'|'.join(_DAYS)})\b|\b(?:last|i) ({'|'.join(_DAYS)})\b(?! morning)")
_FEAST = re.compile(rf"{_FROM}(christmas|xmas|jul|juleaften|new year|nytaar)\b")
_RECENT = {
    re.compile(
        r"\b(?:yesterday|this morning|today|last night|tonight|i gaar|i dag|i morges|i nat|i aftes|i forgaars)\b"
    ): (1, "day"),
    re.compile(r"\b(?:last week|a week back|sidste uge|i sidste uge)\b"): (1, "week"),
    re.compile(r"\b(?:last month|sidste maaned|i sidste maaned)\b"): (1, "month"),
    re.compile(r"\b(?:last year|sidste aar|i fjor)\b"): (1, "year"),
}  # fmt: skip

_FILLER = re.compile(
    r"(?: |\b(?:left|right|both|l|r|hoejre|venstre|hoe|ve|side|sided|"
    r"for|about|ca|done|performed|on|the|in|i|paa)\b\.?)*"
)
_LINK = re.compile(r"^[ ,-]*(?:ago[ ,]*)?(?:post|after|efter|since|following|out|s/p|p/o|status post)")
_LINKED_BEFORE = re.compile(
    r"(?:post[- ]?op\w*|s/p|surgery|operation\w*|operated|opereret|opr\.|post)[^.;\n]{0,14}$"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Duration:
    value: float
    unit: str
    matched: str
    start: int
    end: int

    @property
    def weeks(self) -> float:
        return onset_weeks(self.as_dict()) or 0.0

    def as_dict(self) -> dict[str, Any]:
        return {"value": self.value, "unit": self.unit}


def onset(scenario: Scenario, today: date) -> Duration | None:
    """Time since onset; a span that is a plan, an age or how long a bout lasts is none.

    Of several the shortest counts: the latest trouble sets what is safe.
    """
    return min(_spans(scenario, today), key=lambda span: span.weeks, default=None)


def since_operation(scenario: Scenario, operation: Mention, today: date) -> Duration | None:
    """Time since an operation: what is tied to it by a word ("3 weeks after"), else what stands nearest."""
    found = [*_spans(scenario, today), *_named(scenario), *_dates(scenario, operation, today)]
    return min(found, key=lambda span: (_distance(scenario, span, operation), span.start), default=None)


def latest(scenario: Scenario, operations: Sequence[Mention], today: date) -> Mention:
    """Of the places an operation is spoken of, the one with the shortest time tied to it; else the first."""
    times = [(since.weeks, each) for each in operations if (since := tied(scenario, each, today))]
    return min(times, key=lambda entry: entry[0])[1] if times else operations[0]


def tied(scenario: Scenario, operation: Mention, today: date) -> Duration | None:
    """Time since an operation where it is said of this operation, and not only somewhere in the text."""
    since = since_operation(scenario, operation, today)
    if since and _distance(scenario, since, operation)[0] <= 1 and _owned(scenario, since, operation):
        return since
    return None


def _owned(scenario: Scenario, span: Duration, operation: Mention) -> bool:
    """Whether nothing else is spoken of between, as in "TKA, flare 2 days"."""
    _, *further = scenario.text[operation.end : max(operation.end, span.start)].split(",")
    return all(_FILLER.fullmatch(piece) for piece in further)


def _distance(scenario: Scenario, span: Duration, operation: Mention) -> tuple[int, int]:
    before, after = span.end <= operation.start, span.start >= operation.end
    between = scenario.text[span.end : operation.start] if before else scenario.text[operation.end : span.start]
    if _LINK.match(scenario.text[span.end : span.end + 24]):
        return 0, len(between)
    if _LINKED_BEFORE.search(scenario.text[max(0, span.start - 30) : span.start]):
        return 0, len(between)
    if not before and not after:
        return 0, 0
    near = len(between) <= 40 and not re.search(r"[.;\n]", between)
    return (1 if after and near else 2 if near else 3), len(between)


def _spans(scenario: Scenario, today: date) -> list[Duration]:
    found = [*_counted(scenario), *_notated(scenario), *_on_calendar(scenario, today), *_recent(scenario)]
    return sorted(found, key=lambda span: (span.start, -span.end))


def _counted(scenario: Scenario) -> Iterator[Duration]:
    ages = measures.age_places(scenario)
    for mention in scenario.find(_SPAN):
        before, after = scenario.text[max(0, mention.start - 30) : mention.start], scenario.text[mention.end :][:24]
        if _NOT_AFTER.search(after) or _NOT_BEFORE.search(before):
            continue
        if any(start <= mention.start < end or start < mention.end <= end for start, end in ages):
            continue
        value, unit = mention.groups[0] or "0", _UNITS[(mention.groups[1] or "d")[0]]
        if value in ARTICLES and not (_ARTICLE_NEEDS_AFTER.search(after) or _ARTICLE_NEEDS_BEFORE.search(before)):
            continue
        if unit == "hour" and not re.match(r" (?:ago|siden|post|after|efter)", after):
            continue
        if mention.groups[1] in ("w", "d") and not value[0].isdigit():
            continue
        yield _duration(number(value), unit, mention)


def _notated(scenario: Scenario) -> Iterator[Duration]:
    for mention in scenario.find(_SLASH_SPAN):
        if not _NOT_BEFORE.search(scenario.text[max(0, mention.start - 30) : mention.start]):
            yield _duration(number(mention.groups[0] or "0"), _SLASH[mention.groups[1] or "7"], mention)


def _named(scenario: Scenario) -> Iterator[Duration]:
    for mention in scenario.find(_NAMED):
        name, count, ordinal, other = mention.groups
        unit = {"pod": "day", "pow": "week"}.get(name or "") or _UNITS[(name or other or "d")[0]]
        yield _duration(number(count or ordinal or "0"), unit, mention)


def _recent(scenario: Scenario) -> Iterator[Duration]:
    for expression, (value, unit) in _RECENT.items():
        for mention in scenario.find(expression):
            yield _duration(value, unit, mention)


def _on_calendar(scenario: Scenario, today: date) -> Iterator[Duration]:
    """Times that begin with "since"; a month without its year is the latest one that is past."""
    for mention in scenario.find(_SINCE_DATE):
        day, month, year = mention.groups
        yield from _since(_past(int(day or 1), _MONTHS[month or "jan"], year, today), today, mention)
    for mention in scenario.find(_SINCE_YEAR):
        years = today.year - int(mention.groups[0] or 0)
        if years > 0:
            yield _duration(years, "year", mention)
    for mention in scenario.find(_SINCE_DAY):
        weekday = _DAYS[next(group for group in mention.groups if group)]
        yield _duration((today.weekday() - weekday) % 7 or 7, "day", mention)
    for mention in scenario.find(_FEAST):
        feast = (1, 1) if mention.groups[0] in ("new year", "nytaar") else (24, 12)
        yield from _since(_past(*feast, None, today), today, mention)


def _dates(scenario: Scenario, operation: Mention, today: date) -> Iterator[Duration]:
    """Dates in the sentence of the operation."""
    for mention in scenario.find(_ON_DATE):
        day, month, bare, year = mention.groups
        if mention.sentence == operation.sentence:
            yield from _since(_past(int(day or 1), _MONTHS[month or bare or "jan"], year, today), today, mention)
    for mention in scenario.find(_FULL_DATE):
        parts = [int(part) for part in mention.groups if part]
        year_first = mention.groups[0] is not None
        if mention.sentence == operation.sentence:
            year_then, month_then, day_then = parts if year_first else parts[::-1]
            yield from _since(_past(day_then, month_then, str(year_then), today), today, mention)


def _past(day: int, month: int, year: str | None, today: date) -> date | None:
    try:
        if year:
            return date(int(year), month, day)
        latest = date(today.year, month, day)
        return latest if latest <= today else latest.replace(year=today.year - 1)
    except ValueError:
        return None


def _since(then: date | None, today: date, mention: Mention) -> Iterator[Duration]:
    """Days up to two weeks, weeks up to half a year, months beyond."""
    if then is None or then > today:
        return
    days = (today - then).days
    if days < 14:
        yield _duration(max(days, 1), "day", mention)
    elif days < 182:
        yield _duration(round(days / 7), "week", mention)
    else:
        yield _duration(round(days / 30.4), "month", mention)


def _duration(value: float, unit: str, mention: Mention) -> Duration:
    """Hours count as days, at least one."""
    found = Duration(float(value), unit, mention.matched, mention.start, mention.end)
    return found if unit != "hour" else replace(found, value=float(max(1, round(value / 24))), unit="day")
