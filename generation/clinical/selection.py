"""Which exercises, and in which order. Source: domain.md 3.5 and 3.5b.

The same profile and library always give the same plan: candidates are sorted by score, then by slug.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generation.clinical import dosing
from generation.clinical.constraints import Constraint
from generation.clinical.data_files import read
from generation.clinical.profile import Profile
from generation.clinical.session import (
    MAX_ITEMS,
    MIN_ITEMS,
    NORMAL_ITEMS,
    Pick,
    in_order,
    minutes_budget,
    within_budget,
)
from generation.clinical.suitability import (
    OUTSIDE,
    is_direct,
    is_near,
    level_cap,
    pack_of,
    pack_slugs,
    reason_against,
    suits,
)

__all__ = [
    "MAX_ITEMS", "MIN_ITEMS", "MIXTURE", "Offer", "Pick", "is_direct", "is_near", "kind_of", "level_cap",
    "minutes_budget", "most_items", "needs_balance", "offer", "pack_of", "pack_slugs", "plan", "quota_for",
    "reason_against", "role_of", "score", "view", "wanted_roles",
]  # fmt: skip

Exercise = Mapping[str, Any]

VIEW_FIELDS = (
    "slug body_regions purposes phases positions equipment equipment_alternatives level laterality weight_bearing "
    "resistance_type primary_muscles conditions_good demands min_age max_age variation_group easier_than harder_than "
    "default_dose dose_bounds"
).split()
# The kinds of which a session has two at least, and the roles that make them up.
MIXTURE = {
    "mobility": ("mobility", "warmup"),
    "strength": ("activation", "strength"),
    "balance": ("balance", "function"),
}

_QUOTAS: dict[str, Any] = read("quotas")
_PACKS: dict[str, Any] = read("packs")
_GOALS: dict[str, Any] = {entry["code"]: entry for entry in read("goals")}
_AT_HAND = {"none", "bed", "chair", "wall", "mat", "table", "counter", "towel", "pillow_roll"}
# Two of nearly the same are practice, three are tedium; and neighbours help out, they do not take over.
_MOST_ALIKE, _MOST_NEIGHBOURS = 2, 2
# The points of an exercise that is worth being one more than five.
_WORTH_MORE = 6


@dataclass(frozen=True, slots=True)
class Offer:
    """The candidates of a profile, and how many exercises were left out for which reason.

    `direct` counts the exercises for the person's own region or condition, `fitting` those of them that are offered.
    """

    candidates: list[Exercise]
    in_region: int
    direct: int
    excluded: dict[str, int] = field(default_factory=dict)
    fitting: int = 0


def offer(exercises: Iterable[Exercise], profile: Profile, constraints: Sequence[Constraint]) -> Offer:
    """Filter a library."""
    near = [exercise for exercise in exercises if exercise["status"] == "reviewed" and is_near(exercise, profile)]
    direct = sum(1 for exercise in near if is_direct(exercise, profile))
    excluded: Counter[str] = Counter()
    kept = []
    for exercise in near:
        reason = reason_against(exercise, profile, constraints)
        if reason:
            excluded[reason] += 1
        else:
            kept.append(exercise)
    kept.sort(key=lambda exercise: str(exercise["slug"]))
    fitting = sum(1 for exercise in kept if is_direct(exercise, profile))
    return Offer(kept, len(near), direct, dict(sorted(excluded.items())), fitting)


def view(exercise: Exercise, language: str) -> dict[str, Any]:
    """What a provider is told of a candidate: everything selection needs, no patient text but its name."""
    text = exercise["text"].get(language) or exercise["text"]["en"]
    return {name: exercise[name] for name in VIEW_FIELDS} | {"name": text["name"]}


def most_items(profile: Profile) -> int:
    """5 for older or frail people, 8 for sport, else 6. Source: domain.md 3.3 modifiers."""
    if dosing.is_older_or_frail(profile):
        return NORMAL_ITEMS
    sport = any(_GOALS[goal].get("sport") for goal in profile.goals if goal != "work")
    return MAX_ITEMS if sport and profile.phase in ("load", "perform") else 6


def plan(candidates: Sequence[Exercise], profile: Profile) -> list[Pick]:
    """Fill the phase's quota with the best candidate for each slot, mix it, trim it to the time, put it in order."""
    choice = _Choice([candidate for candidate in candidates if _is_choosable(candidate, profile)], profile)
    most = most_items(profile)
    for place, slot in enumerate(quota_for(profile)[:most]):
        least = _WORTH_MORE if len(choice.taken) >= NORMAL_ITEMS else -99
        choice.take(_QUOTAS["slots"][slot], choice.focus(place), least)
    while len(choice.taken) < NORMAL_ITEMS and choice.take(None, profile.region, least=3):
        pass
    while len(choice.taken) < MIN_ITEMS and choice.take(None, profile.region):
        pass
    for role in wanted_roles(profile):
        choice.ensure({role}, most)
    kinds = {kind_of(role_of(exercise)) for exercise in choice.taken} & MIXTURE.keys()
    if len(kinds) < 2:
        choice.ensure({role for kind, roles in MIXTURE.items() if kind not in kinds for role in roles}, most)
    picks = [Pick(e, role_of(e), score, dosing.dose_for(e, profile)) for e, score in choice.scored()]
    return in_order(within_budget(picks, profile), profile)


def quota_for(profile: Profile) -> list[str]:
    """Which kinds of exercise a program has, the most important first. Source: domain.md 3.5."""
    tags, phase, quotas = set(profile.condition_tags), profile.phase, _QUOTAS["quotas"]
    falls = not tags.isdisjoint({"falls_risk", "frailty"})
    if not tags.isdisjoint(OUTSIDE):
        found = quotas["general"]
    elif falls or (profile.surgery or {}).get("type") in _QUOTAS["falls_surgeries"]:
        found = quotas["falls_protect" if phase == "protect" else "falls"]
    elif profile.region in _QUOTAS["region_quotas"]:
        found = _QUOTAS["region_quotas"][profile.region]
    elif profile.region in _QUOTAS["upper_body"]:
        found = _QUOTAS["upper_quotas"].get(phase) or quotas[phase]
    else:
        found = quotas[phase]
    return list(found)


def wanted_roles(profile: Profile) -> list[str]:
    """Roles that a program must have if any exercise on offer can give them, as balance after an ankle sprain."""
    wanted = [role for tag in profile.condition_tags for role in _PACKS.get(tag, {}).get("must", ())]
    if needs_balance(profile):
        wanted.append("balance")
    return list(dict.fromkeys(wanted))


def needs_balance(profile: Profile) -> bool:
    """Source: domain.md 4 V09; an early healing leg is no time for it unless falls are the problem."""
    if not {"falls_risk", "frailty"}.isdisjoint(profile.condition_tags):
        return True
    return (profile.age or 0) >= 65 and profile.phase != "protect"


def role_of(exercise: Exercise) -> str:
    role: str = _QUOTAS["roles"][dosing.dose_class(exercise)]
    return role


def kind_of(role: str) -> str:
    """The kind in the session's mixture, else the role itself."""
    return next((kind for kind, roles in MIXTURE.items() if role in roles), role)


def score(exercise: Exercise, profile: Profile, chosen: Sequence[Exercise] = (), region: str | None = None) -> int:
    """The points of domain.md 3.5; `region` stands in for the primary one where a second one is trained.

    Beyond them: a region named second counts 1 of 3, and what is too easy, unnamed soon after an operation, or long
    on the feet of somebody who cannot stand long, loses 2 or 3.
    """
    points = 5 * (not set(profile.condition_tags).isdisjoint(exercise["conditions_good"]))
    points += 4 * (exercise["slug"] in pack_slugs(profile))
    if not points and profile.surgery and profile.phase == "protect":
        # Soon after an operation, what nobody named for it comes last.
        points -= 2
    own = region or profile.region
    whole = exercise["body_regions"][0] in (own, "whole_body")
    points += (3 if whole else 1) * (own in exercise["body_regions"])
    points += 2 * any(exercise["slug"] in _GOALS[goal]["slugs"] for goal in profile.goals)
    points += 2 * (profile.phase in exercise["default_dose"])
    points += set(exercise["equipment"]) <= _AT_HAND
    points += bool(exercise["easier_than"] and exercise["harder_than"])
    if exercise["level"] == 1 and profile.phase in ("load", "perform", "maintain") and not _starts_low(profile):
        points -= 2
    if exercise["positions"][0] in ("standing", "walking") and profile.restriction("cannot_stand_long"):
        points -= 3
    return points - _crowding(exercise, chosen)


def _starts_low(profile: Profile) -> bool:
    return dosing.is_older_or_frail(profile) or dosing.is_painful(profile) or "falls_risk" in profile.condition_tags


class _Choice:
    """What has been chosen so far; at most one of each variation group."""

    def __init__(self, pool: Sequence[Exercise], profile: Profile) -> None:
        self.pool, self.profile = pool, profile
        self.taken: list[Exercise] = []
        self._regions: dict[str, str | None] = {}
        self._base: dict[tuple[str, str | None], int] = {}
        self._best_of: dict[str, int] = {}
        for exercise in pool:
            group, points = exercise["variation_group"], score(exercise, profile)
            self._best_of[group] = max(points, self._best_of.get(group, points))

    def focus(self, place: int) -> str | None:
        """Every third place goes to the second joint, when two are named."""
        joints = [region for region in self.profile.regions if region not in ("whole_body", "respiratory")]
        return joints[1] if len(joints) > 1 and place % 3 == 2 else self.profile.region

    def take(self, slot: Mapping[str, Any] | None, region: str | None, least: int = -99) -> bool:
        """Add the best that fits the slot and scores at least so much; False when there is none."""
        groups = {exercise["variation_group"] for exercise in self.taken}
        free = [e for e in self.pool if e["variation_group"] not in groups and (slot is None or _fits(e, slot))]
        if slot is not None:
            free = [e for e in free if sum(_alike(e, other) for other in self.taken) < _MOST_ALIKE]
        if slot is not None and sum(map(self._is_neighbour, self.taken)) >= _MOST_NEIGHBOURS:
            free = [e for e in free if not self._is_neighbour(e)]
        if slot and slot.get("elsewhere"):
            own = self.profile.region
            free = [e for e in free if e["body_regions"][0] != own or e["purposes"][0] == "function"] or free
        if not free:
            return False
        best = min(free, key=lambda e: (-self._score(e, region, self.taken), e["slug"]))
        if self._score(best, region, self.taken) < max(least, slot.get("least", least) if slot else least):
            return False
        self._regions[best["slug"]] = region
        self.taken.append(best)
        return True

    def _is_neighbour(self, exercise: Exercise) -> bool:
        general = exercise["body_regions"][0] in ("whole_body", "respiratory")
        named = not set(self.profile.regions).isdisjoint(exercise["body_regions"])
        return not (general or named or is_direct(exercise, self.profile))

    def ensure(self, roles: set[str], most: int) -> None:
        """Have one of these roles, in place of the weakest of those not needed when the program is full."""
        if any(role_of(exercise) in roles for exercise in self.taken):
            return
        purposes = {exercise["purposes"][0] for exercise in self.pool if role_of(exercise) in roles}
        full = len(self.taken) >= most
        if not self.take({"purposes": purposes}, self.profile.region) or not full:
            return
        needed = set(wanted_roles(self.profile))
        spare = [(score, e["slug"], e) for e, score in self.scored()[:-1] if role_of(e) not in needed]
        self.taken.remove(min(spare, key=lambda one: one[:2])[2] if spare else self.taken[-2])

    def scored(self) -> list[tuple[Exercise, int]]:
        """Each with the points it had when those before it were there."""
        return [
            (exercise, self._score(exercise, self._regions[exercise["slug"]], self.taken[:place]))
            for place, exercise in enumerate(self.taken)
        ]

    def _score(self, exercise: Exercise, region: str | None, chosen: Sequence[Exercise]) -> int:
        key = (exercise["slug"], region)
        if key not in self._base:
            points = score(exercise, self.profile, region=region)
            # It would keep out the better one of its own kind.
            worse = score(exercise, self.profile) < self._best_of[exercise["variation_group"]]
            self._base[key] = points - 3 * worse
        return self._base[key] - _crowding(exercise, chosen)


def _is_choosable(exercise: Exercise, profile: Profile) -> bool:
    """Not the walking plan, which is advice; and a nerve is glided only for a nerve's trouble."""
    if exercise["slug"] in _QUOTAS["education_only"]:
        return False
    return exercise["purposes"][0] != "nerve_glide" or suits(exercise, profile)


def _crowding(exercise: Exercise, chosen: Sequence[Exercise]) -> int:
    """What is lost by another change of position, and by being nearly what is there already."""
    if not chosen:
        return 0
    moves = all(set(exercise["positions"]).isdisjoint(other["positions"]) for other in chosen)
    return 2 * moves + 3 * any(_near_duplicate(exercise, other) for other in chosen)


def _alike(one: Exercise, other: Exercise) -> bool:
    return role_of(one) == role_of(other) and _near_duplicate(one, other)


def _near_duplicate(one: Exercise, other: Exercise) -> bool:
    return not (
        set(one["purposes"]).isdisjoint(other["purposes"])
        or set(one["primary_muscles"]).isdisjoint(other["primary_muscles"])
    )


def _fits(exercise: Exercise, slot: Mapping[str, Any]) -> bool:
    if exercise["variation_group"] in slot.get("groups", ()):
        return True
    purposes = exercise["purposes"] if slot.get("any_purpose") else exercise["purposes"][:1]
    return not set(purposes).isdisjoint(slot["purposes"])
