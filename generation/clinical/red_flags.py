"""The red-flag screen, run before anything else. Source: domain.md 3.2.

STOP flags end a run as a referral; CAUTION flags go with the program as warnings. A flag that the text
denies, or speaks of without claiming it, is returned with its status, so that a reader sees it was met.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

from generation.clinical import measures, negation
from generation.clinical.data_files import read
from generation.clinical.profile import Profile
from generation.clinical.text import Mention, Scenario, pattern

FlagStatus = Literal["fired", "cleared", "negated", "listed"]


@dataclass(frozen=True, slots=True)
class RedFlag:
    """`tier` is STOP-emergency, STOP-urgent or CAUTION; `cleared` is what the clinician states to have excluded."""

    code: str
    tier: str
    message: str
    matched_text: str
    status: FlagStatus

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Rule:
    terms: tuple[Any, ...]
    within_text: bool
    unless: Any
    tier: str | None
    age_below: int | None
    age_above: int | None
    grown_from: int | None


_FLAGS: list[dict[str, Any]] = read("red_flags")
_RANK = {"STOP-emergency": 0, "STOP-urgent": 1, "CAUTION": 2}
_STATUS_RANK = {"fired": 0, "cleared": 1, "negated": 2, "listed": 3}


def _rule(data: dict[str, Any]) -> _Rule:
    return _Rule(
        tuple(pattern([term]) for term in data["all"]),
        data.get("within") == "text",
        pattern([data["unless"]]) if "unless" in data else None,
        data.get("tier"),
        data.get("age_below"),
        data.get("age_above"),
        data.get("grown_from"),
    )


_RULES = {flag["code"]: tuple(_rule(data) for data in flag["rules"]) for flag in _FLAGS}
_CLEARED = {flag["code"]: pattern([flag["cleared_by"]]) for flag in _FLAGS if "cleared_by" in flag}


def screen(text: str, profile: Profile, language: str = "en") -> list[RedFlag]:
    """Every flag the text touches, the gravest first."""
    scenario = Scenario(text)
    found = [flag for data in _FLAGS if (flag := _screen_one(scenario, profile, data, language))]
    return by_gravity(found + _pressure(scenario, language))


def by_gravity(flags: list[RedFlag]) -> list[RedFlag]:
    """Fired flags first, the gravest before the others."""
    return sorted(flags, key=lambda flag: (_STATUS_RANK[flag.status], _RANK[flag.tier]))


def stop(flags: list[RedFlag]) -> RedFlag | None:
    """The gravest fired STOP flag."""
    return next((flag for flag in flags if flag.status == "fired" and flag.tier != "CAUTION"), None)


def _screen_one(scenario: Scenario, profile: Profile, data: dict[str, Any], language: str) -> RedFlag | None:
    hits = [hit for rule in _RULES[data["code"]] if (hit := _apply(scenario, profile, rule, data))]
    if not hits:
        return None
    status, tier, matched = min(hits, key=lambda hit: (_STATUS_RANK[hit[0]], _RANK[hit[1]]))
    if status == "fired" and data["code"] in _CLEARED and _cleared(scenario, data["code"]):
        status = "cleared"
    return RedFlag(data["code"], tier, data["message"].get(language, data["message"]["en"]), matched, status)


def _cleared(scenario: Scenario, code: str) -> bool:
    """Whether the clinician states the exclusion (rule d), as "CES excluded on MRI"."""
    return any(mention.status != "listed" for mention in scenario.find_masked(_CLEARED[code]))


def _apply(
    scenario: Scenario, profile: Profile, rule: _Rule, data: dict[str, Any]
) -> tuple[FlagStatus, str, str] | None:
    tier = rule.tier or data["tier"]
    if rule.age_below is not None:
        young = profile.age is not None and profile.age < rule.age_below
        return ("fired", tier, profile.evidence.get("age", "")) if young else None
    if rule.age_above is not None and (profile.age is None or profile.age <= rule.age_above):
        return None
    if rule.grown_from is not None and (profile.age or 0) >= rule.grown_from:
        return None
    hit = _meet(scenario, rule)
    if hit is None:
        return None
    status, key = hit
    if status == "affirmed":
        return "fired", tier, key.matched
    if status != "history":
        return status, tier, key.matched
    outcome = data.get("history", "CAUTION")
    if outcome == "listed":
        return "listed", tier, key.matched
    return "fired", tier if outcome == "same" else "CAUTION", key.matched


def _meet(scenario: Scenario, rule: _Rule) -> tuple[negation.Status, Mention] | None:
    """The meaning of the first place where all terms of a rule meet, affirmed places first."""
    mentions = [list(scenario.find(term)) for term in rule.terms]
    if not all(mentions):
        return None
    if rule.unless is not None and scenario.first(rule.unless):
        return None
    best: tuple[negation.Status, Mention] | None = None
    for key in mentions[0]:
        others = [[m for m in group if rule.within_text or m.sentence == key.sentence] for group in mentions[1:]]
        if not all(others):
            continue
        meaning = _worst([key.status, *(_best(group) for group in others)])
        if best is None or _MEANING[meaning] < _MEANING[best[0]]:
            best = (meaning, key)
    return best


_MEANING: dict[negation.Status, int] = {"affirmed": 0, "history": 1, "negated": 2, "listed": 3}


def _best(group: list[Mention]) -> negation.Status:
    return min((mention.status for mention in group), key=_MEANING.__getitem__)


def _worst(statuses: list[negation.Status]) -> negation.Status:
    return max(statuses, key=_MEANING.__getitem__)


def _pressure(scenario: Scenario, language: str) -> list[RedFlag]:
    """Resting pressure above 200 or 110 stops; from 180 or 100 it is a caution."""
    reading = measures.blood_pressure(scenario)
    if reading is None:
        return []
    systolic, diastolic, matched = reading
    if systolic < 180 and diastolic < 100:
        return []
    data = next(flag for flag in _FLAGS if flag["code"] == "bp")
    tier = data["tier"] if systolic > 200 or diastolic > 110 else "CAUTION"
    return [RedFlag("bp", tier, data["message"].get(language, data["message"]["en"]), matched, "fired")]
