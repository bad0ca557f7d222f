"""The words by which the redaction tells a name from the words of a case. Source: domain.md 7."""

import json
import re
from functools import cache

from generation.clinical.data_files import DATA, read

# A number before one of these is a load, a count or a time, no part of a date, a phone or an address.
COUNTED = (
    r"(?:[ \t]?[x×%°]|\s?(?:reps?|repetitions?|gentagelser|times|gange|sets?|sæt|series|kg|g|lbs?|km|m|cm|mm|"
    r"min|mins|minut\w*|"
    r"sek|secs?|s|hours?|hrs?|timer?|days?|dage?|weeks?|wks?|uger?|months?|måneder|mdr|years?|yrs?|år|steps?|"
    r"skridt|trin|"
    r"deg|degrees?|grader|bpm|watts?|w|kcal|ml|met(?:er|re)s?|stairs|mmhg|points?|breaths?|pounds?)\b)"
)
_CLINICAL_CUE = re.compile(
    r"\b(?:HR|BP|BT|puls|pulse|RR|ROM|AROM|PROM|reps?|sets?|sæt|weights?|vægte?|loads?|pyramid\w*|protocol|"
    r"protokol|steps|"
    r"skridt|x|flex\w*|fleks\w*|ext\w*|abd\w*|add\w*|MMT|strength|kraft|styrke|gentagelser|kg|scores?|series|tempo|"
    r"intervals?|interval\w*|1RM|RM|watt)\b[ :.=-]{0,3}$",
    re.I,
)


def measures(match: re.Match[str]) -> bool:
    """Whether the words around a row of numbers say that it was measured or is to be done."""
    before = match.string[max(0, match.start() - 24) : match.start()]
    after = match.string[match.end() : match.end() + 16]
    return bool(_CLINICAL_CUE.search(before) or re.match(COUNTED, after, re.I))


@cache
def listed(name: str) -> frozenset[str]:
    """The words of one list, folded."""
    return frozenset(word.casefold() for line in read("redaction")[name] for word in line.split())


@cache
def vocabulary() -> frozenset[str]:
    """Words of the clinical data in both languages."""
    words: set[str] = set()
    for path in DATA.rglob("*.json"):
        if path.name == "redaction.json":
            continue
        # As text: the expressions of the dictionaries are lists of words with a few signs between them.
        content = json.dumps(json.loads(path.read_text(encoding="utf-8")), ensure_ascii=False)
        words.update(word.casefold() for word in re.findall(r"[^\W\d_]+", content) if len(word) > 1)
    return frozenset(words)


@cache
def phrases() -> re.Pattern[str]:
    """Tests, diseases and tools that are named after people, in more words than one."""
    told = sorted(read("redaction")["clinical_phrases"], key=len, reverse=True)
    return re.compile(
        rf"\b(?:{'|'.join(re.sub(r'[ -]', '[ -]', re.escape(p).replace(chr(92), '')) for p in told)})\b", re.I
    )


@cache
def after_an_eponym() -> re.Pattern[str]:
    """What follows where a name stands for a test or a disease, as in "Thomas and Ober tests"."""
    nouns = "|".join(map(re.escape, sorted(listed("after_an_eponym"))))
    return re.compile(
        rf"(?:['’]?s)?(?:\s{{0,2}}(?:[/,&]|and|og)\s{{0,2}}[\w'’]{{1,20}}){{0,2}}[ -](?:(?:{nouns})\b|\+|\([+-]|-ve)",
        re.I,
    )
