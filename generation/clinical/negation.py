"""What a writer means by a term: that it is so, is not so, was so, or is only spoken of.

Source: domain.md 3.1 (window of 6 tokens, ends at "but" or at a comma with a new subject) and 3.2 rules
(b) and (e). Where two readings are possible the one that fires is taken: a referral too many can be
answered by the clinician, a flag too few cannot.
"""

import re
from typing import Any, Literal

from generation.clinical.data_files import read
from generation.clinical.letters import SPELLED
from generation.clinical.spacing import any_gap

Status = Literal["affirmed", "negated", "listed", "history"]

_WINDOW = 6
_LETTERS = str.maketrans(SPELLED)


def _any(terms: list[str], edge: str = r"(?<!\w)(?:{})(?!\w)") -> re.Pattern[str]:
    return re.compile(edge.format("|".join(any_gap(term.translate(_LETTERS)) for term in terms)))


_RULES: dict[str, Any] = read("negation")
_MASKS = _any(_RULES["masks"])
_BREAKS = _any(_RULES["breaks"])
_PLAIN = _any(_RULES["before"], r"(?:\b(?:{})|n't)(?!\w)")
_LISTS = _any(_RULES["before_lists"])
_GAP_ENDS = "|".join(word.translate(_LETTERS) for word in _RULES["after_gap"])
_AFTER = _any(_RULES["after"], rf"^\s*(?:(?!(?:{_GAP_ENDS})\b)[\w'/-]+\s+){{{{0,5}}}}?(?:{{}})")
_ANSWERED_LIST = _any(_RULES["closed_after"], r"^[^()]*\)\s*[:=-]?\s*(?:{})\s*(?:$|[.,;])")
_PREDICATE = _any(_RULES["predicates"], r"(?:{})(?!\w)")
_ANSWERED_NO = re.compile(r"^\s*[:?=-] ?(?:no|nil|none|nej|ingen|neg)\s*(?:$|[.,;)])")
_ONSET = _any(_RULES["onset"])
_POST = re.compile(r"(?:ruled out|excluded|udelukket)")
_ENDED = re.compile(
    r"\s*(?:,|(?:on|by|with|via|at|after|in|from|and|or|today|yesterday|x-?ray|ct|mri|mr|scan|ultrasound|"
    r"paa|ved|med|af|i|efter|og|roentgen)\b)"
)
_LISTED = _any(_RULES["listed"])
_LISTED_ON = _any(_RULES["listed_on"])
_HISTORY = _any(_RULES["history"], r"(?<!\w)(?:{})(?:\s+\w+){{0,2}}\s*$")
_DURATION_HISTORY = re.compile(r"(?:days?|weeks?|months?|years?|/52|/12|/7|recent)'?\s+history of")
_YEAR_AFTER = re.compile(r"^[\s,(]*(?:in )?(?:19|20)\d\d\b(?!-\d)")
_SEPARATOR = re.compile(r",|/|\bor\b|\bnor\b|\band\b|\beller\b|\bog\b")
_CLOSED_LIST = re.compile(r",[^,]*\b(?:or|nor|eller)\b")


def mask(text: str) -> str:
    """Blank out phrases that look like negations and are none, as "cannot rule out" or "no change in"."""
    return _MASKS.sub(lambda match: "~" * len(match.group()), text)


def status(sentence: str, start: int, end: int) -> Status:
    """How the term at `start:end` of a masked sentence is meant."""
    clause_start, clause_end = _clause(sentence, start, end)
    before, after = sentence[clause_start:start], sentence[end:clause_end]
    if _listed_before(before, after):
        return "listed"
    answer = after.split(",")[0]
    if _negated_before(before, sentence[start:end], after) or _AFTER.search(answer) or _ANSWERED_NO.search(answer):
        return "negated"
    if before.rfind("(") > before.rfind(")") and _ANSWERED_LIST.match(after):
        return "negated"
    past = _HISTORY.search(before) and not _DURATION_HISTORY.search(before)
    return "history" if past or _YEAR_AFTER.search(after) else "affirmed"


def _clause(sentence: str, start: int, end: int) -> tuple[int, int]:
    clause_start, clause_end = 0, len(sentence)
    for match in _BREAKS.finditer(sentence):
        if match.end() <= start:
            clause_start = match.end()
        elif match.start() >= end:
            clause_end = match.start()
            break
    return clause_start, clause_end


def _listed_before(before: str, after: str) -> bool:
    """Spoken of, not claimed: "safety-netted for" carries over a list, "mother had" ends at the comma.

    An item that is said to be new is claimed after all: "advised to return if worse, saddle numbness today".
    """
    for cue in _LISTED.finditer(before):
        if "," not in before[cue.end() :]:
            return True
    between = next((before[cue.end() :] for cue in _LISTED_ON.finditer(before)), None)
    if between is None or between.lstrip().startswith(","):
        return False
    return "," not in between or not _ONSET.search(after.split(",")[0])


def _negated_before(before: str, term: str, after: str) -> bool:
    for cues, carries in ((_LISTS, True), (_PLAIN, False)):
        cue = next(reversed([*cues.finditer(before)]), None)
        if cue is None or _said_of(before, cue):
            continue
        if _reaches(before[cue.end() :], term, after, carries):
            return True
    return False


def _said_of(before: str, cue: re.Match[str]) -> bool:
    """Whether "excluded" ends a statement, as in "fracture excluded on x-ray", and opens no list.

    "GP excluded DVT" opens one: its subject is who looked, and what was looked for follows.
    """
    lead = re.split(r"[,;:]", before[: cue.start()])[-1]
    ended = _POST.fullmatch(cue.group()) and _ENDED.match(before[cue.end() :])
    return bool(lead.strip() and ended)


def _reaches(between: str, term: str, after: str, carries: bool) -> bool:
    """Whether a negation still holds for a term after the words `between`.

    "No" ends at a comma unless "or" closes the list ("no fever, rigors or weight loss"); "denies" carries
    over commas, but not from before one ("fracture excluded, calf swollen"). An item of a list that is said to
    be new ("saddle numbness since Monday"), or that is a statement of its own ("no fever and calf swollen"), is not
    negated.
    """
    if between.lstrip().startswith(","):
        return False
    if any(len(piece.split()) > _WINDOW for piece in _SEPARATOR.split(between)):
        return False
    if not re.search(r",|\band\b|\bog\b", between):
        return True
    if _ONSET.search(after.split(",")[0]):
        return False
    if "," not in between:
        return not _PREDICATE.match(_SEPARATOR.split(between)[-1].lstrip() + term + after.split(",")[0])
    return carries or bool(_CLOSED_LIST.search(between + after))
