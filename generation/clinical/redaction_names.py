"""Names of people, told from the capitals of a clinical note. Source: domain.md 7.

Every word has a sort by the lists of `data/redaction.json`. A stretch of capitalised words that no ordinary word
interrupts is a name when it holds a given name, a surname or two words that nothing knows.
"""

import re
from collections import Counter

from generation.clinical.redaction_lists import after_an_eponym, listed
from generation.clinical.redaction_words import Sort, Token, joined, tokens_of

_RELATIVES = (
    "husband|wife|partner|son|daughter|mother|father|mum|mom|dad|sister|brother|friend|carer|neighbour|granddaughter|"
    "grandson|mand|manden|kone|konen|datter|datteren|søn|sønnen|mor|far|søster|bror|ven|veninde|ægtefælle|ægtefællen|"
    "kæreste|kæresten|hustru|samlever|samleveren|nabo|naboen"
)
_CUES = re.compile(
    r"\b(?:(?P<named>(?:name|navn)(?: is| er)?\s?[:=]?\s{0,2}(?:is |er )?|(?:named|called|hedder|navnet|kaldes|"
    r"kaldet)\s)|"
    r"(?P<labelled>(?:patient|pt|gp|physio|physiotherapist|surgeon|consultant|therapist|clinician|læge|fysioterapeut|"
    rf"kontaktperson|pårørende|nok|next of kin|kirurg|operatør|signed|sign|contact|kontakt|referrer|{_RELATIVES})"
    r"\s?[:=]\s{0,2}|(?:seen by|referred by|henvist af|opereret af|contact|kontakt)\s)|"
    rf"(?P<related>(?:{_RELATIVES}),?\s)|"
    r"(?P<bare>(?:patient|pt|patienten|client|klient)\b\.?\s))",
    re.I,
)
_TITLE = re.compile(
    r"(?<![\w.])(?<!\d )(?P<title>mr|mrs|ms|miss|mx|dr|prof|sir|hr|fru|frk|læge|overlæge|doctor|professor|"
    r"sister|nurse|"
    r"sygeplejerske)\b"
    r"\.?(?:[ ]med\.)?[ \t\u00a0]{1,2}",
    re.I,
)
_STRICT = {"mr", "mrs", "miss", "mx", "sir", "hr", "fru", "frk"}
_AGE_NEXT = re.compile(
    r",?\s(?:\d{1,3}\s?(?:-?årig|år\b|yo\b|y/o|y\.o|years?[ -]old|[MF]\b)(?!\s(?:ago|siden))|\d{2},)"
)
_ACTS = re.compile(
    r"['’]s\b|\s(?:is|has|was|had|reports|reported|denies|says|said|states|feels|complains|walks|lives|works|er|"
    r"har|var|kan|går|"
    r"fik|får|oplyser|angiver|klager|bor|arbejder)\b"
)
_ENDS = re.compile(r"\s*(?:$|[.,;:()\n])")
_NAME = (
    Sort.GIVEN,
    Sort.GIVEN_OR_WORD,
    Sort.SURNAME,
    Sort.SURNAME_OR_WORD,
    Sort.EPONYM,
    Sort.INITIAL,
    Sort.UNKNOWN,
    Sort.PARTICLE,
)


def names(text: str, counts: Counter[str]) -> str:
    tokens = list(tokens_of(text))
    found = _titled(text, tokens) + _cued(text, tokens) + _runs(text, tokens) + _small(text, tokens)
    spans = _merged(found)
    if spans:
        spans = _merged(found + _again(text, tokens, spans))
    pieces, last = [], 0
    for start, end in spans:
        counts["name"] += 1
        pieces += [text[last:start], "[name]"]
        last = end
    return "".join([*pieces, text[last:]])


def _stretch(text: str, tokens: list[Token], first: int) -> int:
    """The index after the last word that may belong to a name beginning with `first`."""
    last = first + 1
    while last < len(tokens) and last - first < 6:
        token = tokens[last]
        if token.sort not in _NAME or not (token.capital or token.sort is Sort.PARTICLE):
            break
        if not joined(text, tokens[last - 1], token):
            break
        last += 1
    while last > first + 1 and tokens[last - 1].sort in (Sort.PARTICLE, Sort.INITIAL):
        last -= 1
    return last


def _clinical(text: str, token: Token) -> bool:
    return after_an_eponym().match(text, token.end) is not None


def _titled(text: str, tokens: list[Token]) -> list[tuple[int, int]]:
    """A title takes the next word with it, if only because "Mr Hill" can be nothing else."""
    starts = {token.start: index for index, token in enumerate(tokens)}
    found = []
    for match in _TITLE.finditer(text):
        first = index = starts.get(match.end(), -1)
        while 0 <= index < len(tokens) - 1 and tokens[index].sort in (Sort.INITIAL, Sort.PARTICLE):
            index += 1
        if first < 0 or index - first > 4 or not _fits(match["title"], tokens[index], text[match.end() - 2] == "."):
            continue
        last = _stretch(text, tokens, index)
        while last < len(tokens) and not tokens[last].capital and tokens[last].sort is Sort.SURNAME:
            last += 1
        found.append((match.start(), tokens[_trimmed(text, tokens, index, last) - 1].end))
    return found


def _fits(title: str, token: Token, stop: bool) -> bool:
    """Whether a title goes with the word: MR is also a scan, and MS a disease."""
    named = token.sort in (Sort.GIVEN, Sort.SURNAME)
    if token.word.casefold() in listed("not_after_a_title"):
        return False
    if title.islower() and not stop or title.isupper() and title != "HR":
        man = title.casefold() in {"mr", "mrs", "miss", "fru"}
        return named or (man and token.sort is Sort.UNKNOWN) or (token.capital and token.sort is Sort.SURNAME_OR_WORD)
    if not any(part[:1].isupper() for part in re.split("[-‐‑]", token.word)):
        return named
    if title.casefold() in _STRICT:
        return token.sort is not Sort.WORD or token.word.casefold() not in listed("words")
    return token.sort not in (Sort.WORD, Sort.LIKELY_WORD)


def _cued(text: str, tokens: list[Token]) -> list[tuple[int, int]]:
    """Names after "name:", "hedder", "husband" and "Patient"."""
    starts = {token.start: index for index, token in enumerate(tokens)}
    found = []
    for match in _CUES.finditer(text):
        index = starts.get(match.end(), -1)
        if index < 0 or not _follows(text, tokens, index, match):
            continue
        last = _trimmed(text, tokens, index, _stretch(text, tokens, index))
        found.append((tokens[index].start, tokens[last - 1].end))
    return found


def _follows(text: str, tokens: list[Token], index: int, match: re.Match[str]) -> bool:
    token = tokens[index]
    if _clinical(text, token):
        return False
    if token.sort in (Sort.GIVEN, Sort.SURNAME):
        return True
    if token.sort is Sort.UNKNOWN:
        return token.capital or bool(match["named"] and ":" in match["named"])
    if token.sort is Sort.INITIAL:
        return index + 1 < len(tokens) and joined(text, token, tokens[index + 1]) and tokens[index + 1].sort in (
            Sort.SURNAME, Sort.UNKNOWN, Sort.GIVEN)  # fmt: skip
    if token.sort not in (Sort.GIVEN_OR_WORD, Sort.SURNAME_OR_WORD) or not token.capital:
        return False
    if match["named"] or (match["labelled"] and _ENDS.match(text, token.end)):
        return True
    return _is_person(text, tokens, index) or bool(match["related"] and _ENDS.match(text, token.end))


def _is_person(text: str, tokens: list[Token], index: int) -> bool:
    """Whether a given name that is also a word is meant as a name: a surname or an age follows."""
    token = tokens[index]
    if token.sort is not Sort.GIVEN_OR_WORD:
        return False
    if _AGE_NEXT.match(text, token.end) or (token.capital and text[token.end : token.end + 2] in ("'s", "’s")):
        return True
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if after is None or not joined(text, token, after) or not after.capital:
        return False
    return after.sort in (Sort.SURNAME, Sort.SURNAME_OR_WORD, Sort.UNKNOWN, Sort.GIVEN) and not _clinical(text, after)


def _trimmed(text: str, tokens: list[Token], first: int, last: int) -> int:
    """Without an eponym of its own at the end, and without a "May" that begins the next words."""
    while last - first > 1:
        token = tokens[last - 1]
        if token.sort is Sort.EPONYM and _clinical(text, token):
            last -= 1
        elif token.sort is Sort.GIVEN_OR_WORD and not (
            _ENDS.match(text, token.end) or _is_person(text, tokens, last - 1)
        ):
            last -= 1
        else:
            break
    return last


def _runs(text: str, tokens: list[Token]) -> list[tuple[int, int]]:
    """Names by their words alone."""
    found, index = [], 0
    while index < len(tokens):
        token = tokens[index]
        if not token.capital or token.sort not in _NAME:
            index += 1
            continue
        end = _stretch(text, tokens, index)
        first, last = _core(text, tokens, index, end)
        if first < last:
            found.append((tokens[first].start, tokens[last - 1].end))
        index = end
    return found


def _core(text: str, tokens: list[Token], first: int, last: int) -> tuple[int, int]:
    """The part of a stretch that is a name; an empty one where none is."""
    last = _trimmed(text, tokens, first, last)
    if _is_surname(text, tokens, last):
        last += 1
    while first < last:
        sort = tokens[first].sort
        loose = sort in (Sort.SURNAME_OR_WORD, Sort.EPONYM, Sort.PARTICLE)
        alone = sort is Sort.GIVEN_OR_WORD and not _is_person(text, tokens, first)
        if not (loose or alone or (sort is Sort.INITIAL and not _is_initial(tokens, first, last))):
            break
        first += 1
    sorts = [token.sort for token in tokens[first:last]]
    if Sort.GIVEN in sorts or Sort.SURNAME in sorts:
        return (last, last) if len(sorts) == 1 and _clinical(text, tokens[first]) else (first, last)
    if any(_is_person(text, tokens, index) for index in range(first, last)):
        return first, last
    unknown = sorts.count(Sort.UNKNOWN)
    if unknown >= 2 or (
        unknown and (Sort.SURNAME_OR_WORD in sorts or Sort.INITIAL in sorts[:1] or Sort.PARTICLE in sorts)
    ):
        return first, last
    return last, last


def _is_surname(text: str, tokens: list[Token], index: int) -> bool:
    """Whether a word that ends like "Mobilising" closes a name, as in "Kate Browning,"."""
    if index == len(tokens) or tokens[index].sort is not Sort.LIKELY_WORD or not tokens[index].capital:
        return False
    before, token = tokens[index - 1], tokens[index]
    closes = before.sort is Sort.GIVEN and joined(text, before, token) and _ENDS.match(text, token.end)
    return bool(closes and not _clinical(text, before))


def _is_initial(tokens: list[Token], first: int, last: int) -> bool:
    """J. in "J. Smith"; the M. and N. of anatomy go before muscles and nerves."""
    after = tokens[first + 1].sort if first + 1 < last else None
    return after in (Sort.SURNAME, Sort.GIVEN, Sort.INITIAL) or (
        after is Sort.UNKNOWN and tokens[first].word not in "MNAVLRCTSI"
    )


def _small(text: str, tokens: list[Token]) -> list[tuple[int, int]]:
    """ "john smith" in small letters: a given name and a surname."""
    found = []
    for index in range(len(tokens) - 1):
        last = index
        while (
            last < min(index + 3, len(tokens) - 1)
            and tokens[last].sort is Sort.GIVEN
            and joined(text, tokens[last], tokens[last + 1])
        ):
            last += 1
        given = last > index or (
            tokens[index].sort is Sort.GIVEN_OR_WORD and joined(text, tokens[index], tokens[index + 1])
        )
        last = max(last, index + 1)
        if given and not tokens[index].capital and tokens[last].sort is Sort.SURNAME:
            found.append((tokens[index].start, tokens[last].end))
    return found


def _merged(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _again(text: str, tokens: list[Token], spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The words of the names found, wherever else they stand."""
    sure, unsure, place = set(), set(), 0
    for token in tokens:
        while place < len(spans) and spans[place][1] <= token.start:
            place += 1
        if place == len(spans):
            break
        if spans[place][0] <= token.start:
            if token.sort in (Sort.GIVEN, Sort.SURNAME, Sort.UNKNOWN):
                sure.add(token.word.casefold())
            elif token.sort is Sort.GIVEN_OR_WORD:
                unsure.add(token.word.casefold())
    return [
        (token.start, token.end)
        for token in tokens
        if (
            token.word.casefold() in sure
            and (token.capital or token.sort is not Sort.UNKNOWN)
            and not _clinical(text, token)
        )
        or (token.word.casefold() in unsure and token.capital and _ACTS.match(text, token.end))
    ]
