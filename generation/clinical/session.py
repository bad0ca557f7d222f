"""The picks as one session: within the time, and in an order that spares a person. Source: domain.md 3.5 and 4 V10."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generation.clinical import dosing
from generation.clinical.data_files import read
from generation.clinical.profile import Profile

MIN_ITEMS, NORMAL_ITEMS, MAX_ITEMS = 4, 5, 8

_QUOTAS: dict[str, Any] = read("quotas")
_POSITIONS = "supine prone side_lying long_sitting quadruped kneeling half_kneeling sitting standing walking".split()


@dataclass(frozen=True, slots=True)
class Pick:
    exercise: Mapping[str, Any]
    role: str
    score: int
    dose: dosing.Dose


def minutes_budget(profile: Profile) -> int:
    """25 minutes a session, 15 in protect, or what the text allows. Source: domain.md 4 V10."""
    stated = profile.restriction("time_budget")
    return int(stated["value"]) if stated else 15 if profile.phase == "protect" else 25


def within_budget(picks: list[Pick], profile: Profile) -> list[Pick]:
    """Drop the lowest scores until the time fits, of the roles that have several first; the last five lose sets first.

    Minutes "a day" are a person's own limit: for that, exercises are done fewer times a day and in one set too.
    """
    kept, budget = list(picks), minutes_budget(profile)
    stated = profile.restriction("time_budget") is not None
    while stated and _minutes(kept, daily=True) > budget and _lower(kept, "per_day"):
        pass
    while _minutes(kept) > budget:
        roles = Counter(pick.role for pick in kept)
        spare = [pick for pick in kept if roles[pick.role] > 1] or kept
        if len(kept) <= NORMAL_ITEMS and _lower(kept, "sets", least=2):
            continue
        if len(kept) > MIN_ITEMS:
            kept.remove(min(spare, key=lambda p: (p.score, p.exercise["slug"])))
        elif not (stated and _lower(kept, "sets")):
            break
    return kept


def _minutes(picks: Sequence[Pick], daily: bool = False) -> float:
    return sum(float(p.dose["estimated_minutes"]) * (p.dose["frequency"]["per_day"] if daily else 1) for p in picks)


def _lower(picks: list[Pick], name: str, least: int = 1) -> bool:
    """One less of `sets` or `per_day` where most time goes; False when none is above the `least`."""

    def amount(pick: Pick) -> int:
        return int(pick.dose["frequency"][name] if name == "per_day" else pick.dose[name])

    several = [place for place, pick in enumerate(picks) if amount(pick) > least]
    if not several:
        return False
    place = max(several, key=lambda at: (picks[at].dose["estimated_minutes"] * amount(picks[at]), -at))
    dose, less = picks[place].dose, amount(picks[place]) - 1
    changed = dose | ({"frequency": dose["frequency"] | {name: less}} if name == "per_day" else {name: less})
    picks[place] = replace(picks[place], dose=dosing.timed(changed))
    return True


def in_order(picks: list[Pick], profile: Profile) -> list[Pick]:
    """By role, and within it by position, beginning with where the person is; the first mobility warms up."""
    ordered: list[Pick] = []
    for role in _QUOTAS["role_order"]:
        group = [pick for pick in picks if pick.role == role]
        here = ordered[-1].exercise["positions"] if ordered else ()
        group.sort(key=lambda p: (p.exercise["positions"][0] not in here, _POSITIONS.index(p.exercise["positions"][0])))
        ordered += group
    if ordered and ordered[0].role == "mobility" and profile.phase not in ("protect", "restore"):
        ordered[0] = replace(ordered[0], role="warmup")
    return ordered
