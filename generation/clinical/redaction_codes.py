"""Links, civil and record numbers, and high ages. Source: domain.md 7."""

import re
from collections import Counter
from collections.abc import Callable

from generation.clinical.redaction_lists import COUNTED, vocabulary

_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_URL = re.compile(
    r"\b(?:https?://|www\.)[^\s<>]+|(?<![\w.@-])[\w-]{1,63}(?:\.[\w-]{1,63}){0,3}\.(?:com|org|net|dk|eu|co\.uk|"
    r"nhs\.uk)\b(?:/[^\s<>]*)?",
    re.I,
)
_HANDLE = re.compile(r"(?<![\w@.])@([^\W\d_][\w.]*\w)")
_ACCOUNT = re.compile(
    r"\b((?:facebook|instagram|insta|twitter|tiktok|snapchat|skype|linkedin|"
    r"messenger)[: ]{1,2})@?(?=[\w.-]*[\d._])\w[\w.-]*\w",
    re.I,
)
_HOST = re.compile(
    r"(?<![\w.])(?!(?:\d\d\.){3}\d\d(?!\d))(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|"
    r"1?\d?\d)(?![\w.]\d|\w)|"
    r"(?<![\w:])(?:[0-9a-f]{1,4}:){5,7}[0-9a-f]{1,4}(?![\w:])",
    re.I,
)
# Without its check digit: since 2007 numbers are issued that fail it. 61-91 is the day of a replacement number.
_CPR = re.compile(
    r"(?<!\d)(?:[0-3]\d|[6-9]\d)[ .\u00a0/-]?(?:0[1-9]|1[0-2])[ .\u00a0/-]?(?:19|20)?\d\d[\s_.‐-―-]{0,3}\d{4}(?!\d)"
)
# American and British numbers of insurance, by their shape.
_INSURED = re.compile(
    r"(?<![\w-])(?:\d{3}-\d{2}-\d{4}|[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]|"
    r"[1-9][A-Z][A-Z0-9]\d[- ]?[A-Z][A-Z0-9]\d[- ]?[A-Z]{2}\d{2})(?![\w-])",
    re.I,
)
_NUMBERED = r"[- ]?(?:nr|no|id|number|nummer|num)\b\.?"
_RECORD = re.compile(
    # Named as a number: whatever follows is one.
    rf"\b(?:(?:mrn|hrn|ptid|nhs|cpr|ssn|hicn|passport|pas|policy|insurance|police|journal|patient|record|"
    rf"hospital|case|sag)s?"
    rf"(?:{_NUMBERED}|(?<=mrn|hrn|ssn|cpr)|(?<=ptid|hicn)|(?<=passport))|(?:journal|patient|record|case)s?(?=[:#=]))"
    rf"\s?[:#=]?\s{{0,3}}(?:is |er )?(?=[\w/-]*\d)[A-Z0-9][\w/-]{{2,}}|"
    # Beside a word that also means something else: only what can be nothing but a number.
    rf"\b(?:nhs|journal|patient|pt|record|hospital|case|sag|ref)[:#=]?\s"
    rf"(?:[A-Z]{{1,4}}-?\d{{3,}}\b|(?=(?:[/-]?\d){{6,}})\d[\d/-]*\d\b|[A-Z]{{0,4}}\d{{4,}}[A-Z]{{1,3}}\b|"
    rf"\d{{4,}}-[A-Z]{{1,3}}\b)(?!{COUNTED})",
    re.I,
)
# No measure has five letters and digits of these shapes.
_LOOSE = re.compile(r"(?<![\w.,/+-])[A-Z]{1,4}-?\d{5,}[A-Z]{0,2}(?![\w-])", re.I)
_NINETY = (
    r"(?:ninety(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))?(?=[ -]year)|"
    r"(?:(?:en|et|to|tre|fire|fem|seks|syv|otte|ni)og)?halvfems(?=[ -]?årig|\s+år))"
)
_OLD = r"(?:9\d|1[0-2]\d)"
_OLD_AGE = re.compile(
    rf"(?<![\w./,+-])(?!90\+){_OLD}\+?(?=[ -]?(?:yo|y/o|y\.o\.?|y|years?|yrs?|år|aar|å)\b|-?[ -]?(?:årig|aarig))|"
    rf"(?<![\w./,+-]){_OLD}(?=(?-i:[MF])\b)|"
    rf"(?<=\baged )(?!90\+){_OLD}\+?(?!\w|{COUNTED})|(?<=\bage )(?!90\+){_OLD}\+?(?!\w)|"
    rf"(?<=\bage: )(?!90\+){_OLD}\+?(?!\w)|"
    rf"(?<=\bturned )(?!90\+){_OLD}\+?(?![\w%°/.+-]|{COUNTED})|"
    rf"(?:(?<=\bkvinde på )|(?<=\bmand på )|(?<=\bdame på )){_OLD}(?![\w%°/+-]|{COUNTED})|"
    rf"(?<=\balder )(?!90\+){_OLD}\+?(?!\w)|(?<=\balder: )(?!90\+){_OLD}\+?(?!\w)|"
    rf"(?<=\[name\], ){_OLD}(?![\w%°/.+-]|{COUNTED})|(?<=\[name\] ){_OLD}(?![\w%°/.+-]|{COUNTED})|"
    rf"(?<=\b(?-i:[MF])){_OLD}(?![\w%°/.+-])|\b{_NINETY}|"
    rf"(?<=\bman, ){_OLD}(?=,)|(?<=\bwoman, ){_OLD}(?=,)|(?<=\bmand, ){_OLD}(?=,)|(?<=\bkvinde, ){_OLD}(?=,)|"
    rf"(?<=\bmale, ){_OLD}(?=,)",
    re.I,
)


def links(text: str, counts: Counter[str]) -> str:
    """Addresses of mail, pages, accounts and machines."""
    text = _EMAIL.sub(_away("e-mail", counts), text)
    for expression in (_URL, _HOST):
        text = expression.sub(_away("link", counts), text)

    def handle(match: re.Match[str]) -> str:
        # "@rest" and "@EOR" are notes of a measure.
        if match[1].casefold() in vocabulary() or (match[1].isupper() and len(match[1]) < 5):
            return match.group()
        counts["link"] += 1
        return "[link]"

    def account(match: re.Match[str]) -> str:
        counts["link"] += 1
        return f"{match[1]}[link]"

    return _HANDLE.sub(handle, _ACCOUNT.sub(account, text))


def numbers(text: str, counts: Counter[str]) -> str:
    text = _CPR.sub(_away("civil number", counts), text)
    text = _INSURED.sub(_away("civil number", counts), text)
    for expression in (_RECORD, _LOOSE):
        text = expression.sub(_away("record number", counts), text)
    return text


def ages(text: str, counts: Counter[str]) -> str:
    """Source: HIPAA Safe Harbor by domain.md 7: ages of 90 and more are told as 90+."""

    def old(_match: re.Match[str]) -> str:
        counts["age"] += 1
        return "90+"

    return _OLD_AGE.sub(old, text)


def _away(kind: str, counts: Counter[str]) -> Callable[[re.Match[str]], str]:
    def replace(_match: re.Match[str]) -> str:
        counts[kind] += 1
        return f"[{kind}]"

    return replace
