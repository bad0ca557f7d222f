"""Dates become the time since then; a date of birth goes. Source: domain.md 7."""

import re
from collections import Counter
from datetime import date

from generation.clinical.redaction_lists import COUNTED, measures

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january januar", "feb february februar", "mar march marts", "apr april", "may maj", "jun june juni",
         "jul july juli", "aug august", "sep sept september", "oct okt october oktober", "nov november",
         "dec december"), 1,
    )
    for name in names.split()
}  # fmt: skip
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_YEAR = r"(?:19|20)\d\d"
_BIRTH = (
    r"\b(?P<birth>(?:born|dob|d\.o\.b\.?|date of birth|birthday|birth date|birthdate|f\.|fdt\.?|født|foedt|"
    r"fødselsdato|fødselsdag)"
    r"\s{0,3}:?\s{0,3}(?:(?:on|in|is|er|den|d\.|i|år|the)\s{0,3}){0,2})"
)
_DATE = re.compile(
    # "10 days ago on 10.05.2026" says it twice.
    rf"(?P<again>(?<=\bago)[ ,]{{1,3}}|(?<=\bsiden)[ ,]{{1,3}}(?=den|d\.|\d))?"
    rf"(?:{_BIRTH}|(?P<cue>\b(?:den|d\.|pr\.|dato:?|dated?:?)\s{{0,2}})|(?P<on>\b(?:on|in|i|op|since|surgery|"
    rf"opereret|operated|fra|from)\.?:?\s{{1,2}}))?"
    rf"(?<![\d/])(?<!\d[.-])(?:(?P<iso>{_YEAR}[./-]\d{{1,2}}[./-]\d{{1,2}}|{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|"
    rf"[12]\d|3[01]))|"
    rf"(?P<numeric>\d{{1,2}}(?:[./-]|\. )\d{{1,2}}(?:[./-]|\. )(?:{_YEAR}|\d{{2}}))|"
    rf"(?P<short>\d{{1,2}}[./]\d{{1,2}}(?!\d|[./]\d))|"
    rf"(?P<day>\d{{1,2}})(?:\.|st|nd|rd|th)?[ .-]{{0,3}}(?:of )?(?P<month>{_MONTH})\b"
    rf"(?:\.?,?[ .-]{{0,3}}(?P<year>{_YEAR}|['’]?\d{{2}}(?!\d|[ ,]?{COUNTED}|[:/.%]\d)))?|"
    rf"(?P<glued>\d{{1,2}}(?:{_MONTH}){_YEAR})|"
    rf"\b(?P<month2>{_MONTH})\.?\s(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?!\d)(?:,?\s(?P<year2>{_YEAR}))?|"
    rf"\b(?P<month3>{_MONTH})\.?,?[ -](?P<year3>{_YEAR})|(?P<only>{_YEAR}))(?![\d/])(?!-\d)",
    re.I,
)
_AGO = {
    "en": {"past": "{n} {unit} ago", "future": "in {n} {unit}", "today": "today", "month now": "this month",
           "day": ("day", "days"), "week": ("week", "weeks"), "month": ("month", "months"), "year": ("year", "years")},
    "da": {"past": "for {n} {unit} siden", "future": "om {n} {unit}", "today": "i dag", "month now": "denne måned",
           "day": ("dag", "dage"), "week": ("uge", "uger"), "month": ("måned", "måneder"), "year": ("år", "år")},
}  # fmt: skip
_SPAN = re.compile(r"\d\s?(?:d\w{0,4}|w\w{0,4}|u\w{0,4}|m\w{0,6}|mdr\.|y\w{0,4}|år)\s(?:ago|siden)$")
# Also a verb or a modal: in small letters no month, unless a year or "on" says so.
_DOUBTFUL = {"may", "mar", "march"}


def dates(text: str, today: date, language: str, counts: Counter[str]) -> str:
    def dated(match: re.Match[str]) -> str:
        told = _told(match, today, language)
        if told is None:
            return match.group()
        counts["date"] += 1
        if match["birth"]:
            return "[date of birth]"
        return (
            ""
            if match["again"] and _SPAN.search(text, max(0, match.start() - 24), match.start())
            else f"{match['again'] or ''}{told}"
        )

    return _DATE.sub(dated, text)


def relative(moment: date, today: date, language: str) -> str:
    """How long ago, or how soon, in the largest unit that loses little."""
    words = _AGO.get(language, _AGO["en"])
    days = abs((today - moment).days)
    if days == 0:
        return str(words["today"])
    unit, n = next(
        (unit, round(days / length))
        for unit, length, most in (("day", 1, 14), ("week", 7, 84), ("month", 30.4, 730), ("year", 365.25, 10**7))
        if days < most
    )
    return _in_words(unit, n, moment < today, language)


def _in_words(unit: str, n: int, past: bool, language: str) -> str:
    words = _AGO.get(language, _AGO["en"])
    return str(words["past" if past else "future"]).format(n=n, unit=words[unit][n != 1])


def _told(match: re.Match[str], today: date, language: str) -> str | None:
    """What stands for the date; None where none is meant or there is no such date."""
    if match["only"]:
        return "" if match["birth"] else None
    cued = bool(match["birth"] or match["cue"])
    try:
        if match["short"]:
            return _short(match, today, language)
        if match["month3"]:
            return _month(match, today, language)
        moment = _moment(match, today, cued)
    except ValueError:
        return None
    return None if moment is None else _lead(match) + relative(moment, today, language)


def _lead(match: re.Match[str]) -> str:
    """ "on" and "in" go with their date; a word that says more stays."""
    on = match["on"] or ""
    return "" if on.strip().lower() in ("on", "in", "i") else on


def _short(match: re.Match[str], today: date, language: str) -> str | None:
    """A day and a month in figures: `4/10` is a pain, unless a word or a day beyond 12 says otherwise."""
    day, month = (int(part) for part in re.split(r"[./]", match["short"]))
    sure = match["birth"] or match["cue"] or (match["on"] and day > 12 and "/" in match["short"])
    if not sure or re.match(COUNTED, match.string[match.end() : match.end() + 16], re.I):
        return None
    return _lead(match) + relative(_latest(day, month, today), today, language)


def _month(match: re.Match[str], today: date, language: str) -> str:
    year, month = int(match["year3"]), _MONTHS[match["month3"].lower()]
    months = (today.year - year) * 12 + today.month - month
    if months == 0:
        return _lead(match) + str(_AGO.get(language, _AGO["en"])["month now"])
    unit, n = ("month", abs(months)) if abs(months) < 24 else ("year", round(abs(months) / 12))
    return _lead(match) + _in_words(unit, n, months > 0, language)


def _moment(match: re.Match[str], today: date, cued: bool) -> date | None:
    """The date that is meant, day before month."""
    if match["iso"]:
        year, month, day = re.match(r"(\d{4})\D?(\d{1,2})\D?(\d{1,2})", match["iso"]).groups()  # type: ignore[union-attr]
        return date(int(year), int(month), int(day))
    if match["numeric"]:
        if not cued and len(match["numeric"]) <= 8 and measures(match):
            return None
        day_, month_, year_ = (int(part) for part in re.split(r"[./-] ?", match["numeric"]))
        if month_ > 12:
            day_, month_ = month_, day_
        return date(_full(year_, today), month_, day_)
    if match["glued"]:
        day, name, year = re.match(r"(\d+)(\D+)(\d+)", match["glued"]).groups()  # type: ignore[union-attr]
        return date(int(year), _MONTHS[name.lower()], int(day))
    written = match["month"] or match["month2"]
    year = (match["year"] or match["year2"] or "").strip("'’")
    if not year and not _meant(match, written, cued):
        return None
    day, month_ = int(match["day"] or match["day2"]), _MONTHS[written.lower()]
    return date(_full(int(year), today), month_, day) if year else _latest(day, month_, today)


def _meant(match: re.Match[str], written: str, cued: bool) -> bool:
    """Whether "may 10" and "Maj 2" stand for a day: neither before "times", nor in small letters without "on"."""
    if match["month2"] and re.match(COUNTED, match.string[match.end() : match.end() + 16], re.I):
        return False
    return cued or bool(match["on"]) or written[0].isupper() or written not in _DOUBTFUL or "th" in match.group()


def _latest(day: int, month: int, today: date) -> date:
    this_year = date(today.year, month, day)
    return this_year if this_year <= today else date(today.year - 1, month, day)


def _full(year: int, today: date) -> int:
    if year > 99:
        return year
    return year + (2000 if year <= today.year % 100 + 1 else 1900)
