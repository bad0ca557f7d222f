"""Streets, post codes, towns and hospitals. Source: domain.md 7."""

import re
from collections import Counter

from generation.clinical.redaction_lists import COUNTED, after_an_eponym, listed, vocabulary

_WORD = r"[A-ZÀ-ÞŁŠŽŚŞİ][\w'’.-]{0,30}"
_NUMBER = rf"\d{{1,3}}(?:\s?[A-Za-z])?\b(?![/.,]?\d|{COUNTED}|\s?[-–]\s?\d)"
_FLOOR = r"(?:,?\s(?:st|kl|\d{1,2})\.?\s?(?:sal)?,?\s?(?:tv|th|mf|sal)\b\.?)?"
_TOWN = rf"(?:,?\s(?:DK-?)?\d{{4}}\s{_WORD}(?:\s[A-ZÆØÅ]{{1,2}}\b)?)?"
_STREETS = (
    "vejen|vej|gaden|gade|alléen|allé|alleen|alle|stræde|strædet|vænget|vænge|parken|torvet|torv|boulevarden|boulevard|pladsen|plads|"
    "bakken|toften|marken|løkken|kæret|lunden|stien|vangen|krogen|kajen|havnen|engen|svinget|passagen|promenaden|kvarteret|"
    "haven|højen|dalen|gården|vangs|ager|ageren|skoven|mosen"
)
_DANISH = re.compile(
    rf"\b(?:{_WORD}[ ]){{1,3}}[\w.]{{0,30}}?(?i:{_STREETS})\s+{_NUMBER}{_FLOOR}{_TOWN}|"
    rf"\b(?P<one>[A-ZÆØÅÄÖÜ][\w.]{{0,30}}?(?:{_STREETS}))\s+{_NUMBER}{_FLOOR}{_TOWN}|"
    rf"\bVed (?P<by>{_WORD})\s+{_NUMBER}{_FLOOR}{_TOWN}"
)
_ENGLISH = re.compile(
    rf"(?:\b(?:Flat|Apt|Apartment|Unit)\.?\s\w{{1,4}},?\s)?"
    rf"\b\d{{1,4}}[A-Z]?\s(?:{_WORD} ){{1,3}}(?P<sort>Street|St|Road|Rd|Lane|Ln|Avenue|Ave|Drive|Close|Court|Ct|"
    rf"Crescent|Gardens|"
    rf"Grove|Terrace|Square|Mews|Boulevard|Blvd|Place|Way|Hill|Park)\b\.?(?:,?\s(?:Flat|Apt|Apartment|"
    rf"Unit)\.?\s\w{{1,4}}\b)?"
)
_SURE = {"street", "road", "rd", "lane", "ln", "avenue", "ave", "crescent", "mews", "boulevard", "blvd"}
_HOME = re.compile(
    rf"\b(?P<cue>(?:bor|boende|bosat|flyttet|lives|living|resides|address|adresse|bopæl)(?: (?:på|i|ved|til|in|"
    rf"at|on|near))?:?\s)"
    rf"(?P<place>{_WORD}(?:[ ]{_WORD}){{0,2}}(?:[ ]{_NUMBER}{_FLOOR}{_TOWN})?)"
)
_BRITISH_CODE = re.compile(
    r"(?<![\w-])(?:(?P<town>[A-Z][a-z]{2,20}),?\s)?(?:[A-Z]{1,2}\d[A-Z\d]?\s?\d(?!ST\b|ND\b|RD\b|TH\b|YR\b|HR\b|"
    r"WB\b|WU\b|PT\b)[ABD-HJLNP-UW-Z]{2})(?![\w-])"
)
_DANISH_CODE = re.compile(
    r"\b(?:DK-?)?(?P<code>[1-9]\d{3})\s(?P<town>[A-ZÆØÅ][a-zæøå]{1,20})(?!\w)(?:\s[A-ZÆØÅ]{1,2}\b)?"
)
_HOUSE = re.compile(
    rf"\b(?P<named>(?:{_WORD} ){{1,3}})(?:Hospital|Infirmary|Hospice|Universitetshospital|Sygehus|"
    rf"Sundhedscenter|Plejehjem|Plejecenter|"
    rf"Universitetssygehus|Lægehus|Nursing Home|Care Home|Health Centre|Medical Centre|Medical Center)\b|"
    rf"\b(?:Plejecenter|Plejehjemmet|Plejehjem|Ældrecenter|Lægehuset|Sundhedscenter|Sundhedshuset|Hospital|"
    rf"Sygehus|Bosted)\s(?P<after>{_WORD})|"
    rf"\b(?:Rigshospitalet|Riget|Hvidovre Hospital)\b|\bSt\.? [A-Z][a-z]{{2,20}}['’]s?\s(?i:hospital)\b"
)
_LONE = re.compile(r"(?<![\w-])[A-ZÆØÅ][a-zæøå]{2,20}(?![\w-])")


def places(text: str, counts: Counter[str]) -> str:
    def away(match: re.Match[str]) -> str:
        if not _is_place(match):
            return match.group()
        counts["address"] += 1
        return f"{_before(match)}[address]"

    for expression in (_HOME, _DANISH, _ENGLISH, _BRITISH_CODE, _DANISH_CODE, _HOUSE, _LONE):
        text = expression.sub(away, text)
    return text


def _before(match: re.Match[str]) -> str:
    """What of the match is no part of the address: the words that led to it."""
    if match.re is not _DANISH or match["one"] or match["by"]:
        return match.groupdict().get("cue") or ""
    kept = ""
    for word in match.group().split(" ")[:-2]:
        if not _ordinary(word):
            break
        kept += f"{word} "
    return kept


def _is_place(match: re.Match[str]) -> bool:
    found = match.groupdict()
    if found.get("cue"):
        return not _ordinary(found["place"].split()[0])
    if match.re is _DANISH:
        return not _ordinary(found["one"] or found["by"] or match.group().split()[0]) or _proper(match.group())
    if match.re is _ENGLISH:
        return found["sort"].lower() in _SURE or _proper(match.group().rsplit(found["sort"], 1)[0])
    if match.re is _DANISH_CODE:
        town = found["town"].casefold()
        year = 1900 <= int(found["code"]) <= 2100
        return town in listed("places") or not (year or _ordinary(town) or re.match(COUNTED, f" {town}", re.I))
    if match.re is _HOUSE:
        named = found["named"] or found["after"]
        return named is None or _proper(named)
    if match.re is _LONE:
        clinical = after_an_eponym().match(match.string, match.end())
        return match.group().casefold() in listed("places") and not clinical
    return True


def _proper(words: str) -> bool:
    """Whether one of the words is no word of either language, or a given name."""
    return any(
        not _ordinary(word) or word.casefold() in listed("given_names") for word in re.findall(r"[^\W\d_]{2,}", words)
    )


def _ordinary(word: str) -> bool:
    folded = word.strip(".,").casefold()
    return folded in vocabulary() or folded in listed("words") or folded in listed("eponyms")
