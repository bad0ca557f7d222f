"""Which exercises, and in which order. Source: domain.md 3.5 and 3.5b.

The same profile and library always give the same plan: candidates are sorted by score, then by slug.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from generation.clinical import dosing
from generation.clinical.constraints import Constraint, first_excluding
from generation.clinical.data_files import read
from generation.clinical.profile import Profile

Exercise = Mapping[str, Any]

MIN_ITEMS, MAX_ITEMS = 4, 8
VIEW_FIELDS = (
    "slug body_regions purposes phases positions equipment equipment_alternatives level laterality weight_bearing "
    "resistance_type primary_muscles conditions_good demands min_age max_age variation_group easier_than harder_than "
    "default_dose dose_bounds"
).split()

_QUOTAS: dict[str, Any] = read("quotas")
_PACKS: dict[str, Any] = read("packs")
_GOALS: dict[str, Any] = {entry["code"]: entry for entry in read("goals")}
_POSITIONS = "supine prone side_lying long_sitting quadruped kneeling half_kneeling sitting standing walking".split()
_AT_HAND = {"none", "bed", "chair", "wall", "mat"}


@dataclass(frozen=True, slots=True)
class Offer:
    """The candidates of a profile, and how many exercises were left out for which reason."""

    candidates: list[Exercise]
    in_region: int
    direct: int
    excluded: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pick:
    exercise: Exercise
    role: str
    score: int
    dose: dosing.Dose


def offer(exercises: Iterable[Exercise], profile: Profile, constraints: Sequence[Constraint]) -> Offer:
    """Filter a library. `direct` counts those for the person's own region or condition."""
    near = [exercise for exercise in exercises if exercise["status"] == "reviewed" and _near(exercise, profile)]
    direct = sum(1 for exercise in near if _direct(exercise, profile))
    excluded: Counter[str] = Counter()
    kept = []
    for exercise in near:
        reason = _reason_against(exercise, profile, constraints)
        if reason:
            excluded[reason] += 1
        else:
            kept.append(exercise)
    return Offer(sorted(kept, key=lambda e: str(e["slug"])), len(near), direct, dict(sorted(excluded.items())))


def view(exercise: Exercise, language: str) -> dict[str, Any]:
    """What a provider is told of a candidate: everything selection needs, no patient text but its name."""
    text = exercise["text"].get(language) or exercise["text"]["en"]
    return {name: exercise[name] for name in VIEW_FIELDS} | {"name": text["name"]}


def most_items(profile: Profile) -> int:
    """5 for older or frail people, 8 for sport, else 6. Source: domain.md 3.3 modifiers."""
    if dosing.is_older_or_frail(profile):
        return 5
    sport = any(_GOALS[goal].get("sport") for goal in profile.goals if goal != "work")
    return MAX_ITEMS if sport and profile.phase in ("load", "perform") else 6


def level_cap(profile: Profile) -> int:
    if profile.phase == "maintain" and (profile.age or 0) >= 65:
        return 3
    cap: int = _QUOTAS["level_caps"][profile.phase]
    return cap


def minutes_budget(profile: Profile) -> int:
    """25 minutes a session, 15 in protect, or what the text allows. Source: domain.md 4 V10."""
    stated = profile.restriction("time_budget")
    return int(stated["value"]) if stated else 15 if profile.phase == "protect" else 25


def plan(candidates: Sequence[Exercise], profile: Profile) -> list[Pick]:
    """Fill the phase's quota with the best candidate for each slot, trim to the time, put in order."""
    pool = [candidate for candidate in candidates if candidate["slug"] not in _QUOTAS["education_only"]]
    quota = _QUOTAS["quotas"]["falls" if "falls_risk" in profile.condition_tags else profile.phase]
    chosen: list[tuple[Exercise, int]] = []
    for slot in quota[: most_items(profile)]:
        _take(pool, profile, chosen, _QUOTAS["slots"][slot])
    while len(chosen) < MIN_ITEMS and _take(pool, profile, chosen, None):
        pass
    picks = [Pick(e, role_of(e), score, dosing.dose_for(e, profile)) for e, score in chosen]
    return _in_order(_within_budget(picks, profile), profile)


def role_of(exercise: Exercise) -> str:
    role: str = _QUOTAS["roles"][dosing.dose_class(exercise)]
    return role


def score(exercise: Exercise, profile: Profile, chosen: Sequence[Exercise] = ()) -> int:
    """The points of domain.md 3.5."""
    points = 5 * bool(set(exercise["conditions_good"]) & set(profile.condition_tags))
    points += 4 * (exercise["slug"] in _pack_slugs(profile))
    points += 3 * (profile.region in exercise["body_regions"])
    points += 2 * any(exercise["slug"] in _GOALS[goal]["slugs"] for goal in profile.goals)
    points += 2 * (profile.phase in exercise["default_dose"])
    points += set(exercise["equipment"]) <= _AT_HAND
    points += bool(exercise["easier_than"] and exercise["harder_than"])
    if chosen and not any(set(exercise["positions"]) & set(other["positions"]) for other in chosen):
        points -= 2
    return points - 3 * any(_near_duplicate(exercise, other) for other in chosen)


def _near_duplicate(one: Exercise, other: Exercise) -> bool:
    return bool(
        set(one["purposes"]) & set(other["purposes"]) and set(one["primary_muscles"]) & set(other["primary_muscles"])
    )


def _pack_slugs(profile: Profile) -> set[str]:
    column = {"perform": "load", "maintain": "load"}.get(profile.phase, profile.phase)
    return {slug for tag in profile.condition_tags for slug in _PACKS.get(tag, {}).get(column, ())}


def _take(
    pool: Sequence[Exercise], profile: Profile, chosen: list[tuple[Exercise, int]], slot: Mapping[str, Any] | None
) -> bool:
    taken = [exercise for exercise, _ in chosen]
    groups = {exercise["variation_group"] for exercise in taken}
    free = [e for e in pool if e["variation_group"] not in groups and (slot is None or _fits(e, slot))]
    if slot is _QUOTAS["slots"]["neighbour"]:
        free = [e for e in free if e["body_regions"][0] != profile.region] or free
    if not free:
        return False
    best = min(free, key=lambda e: (-score(e, profile, taken), e["slug"]))
    chosen.append((best, score(best, profile, taken)))
    return True


def _fits(exercise: Exercise, slot: Mapping[str, Any]) -> bool:
    if exercise["variation_group"] in slot.get("groups", ()):
        return True
    purposes = exercise["purposes"] if slot.get("any_purpose") else exercise["purposes"][:1]
    return bool(set(purposes) & set(slot["purposes"]))


def _within_budget(picks: list[Pick], profile: Profile) -> list[Pick]:
    """Drop the lowest scores until the time fits, but never below the least number of exercises."""
    kept = list(picks)
    while len(kept) > MIN_ITEMS and sum(p.dose["estimated_minutes"] for p in kept) > minutes_budget(profile):
        kept.remove(min(kept, key=lambda p: (p.score, p.exercise["slug"])))
    return kept


def _in_order(picks: list[Pick], profile: Profile) -> list[Pick]:
    """By role, then by position, so that nobody keeps getting up and down; the first mobility warms up."""
    order = _QUOTAS["role_order"]
    picks = sorted(picks, key=lambda p: (order.index(p.role), _POSITIONS.index(p.exercise["positions"][0])))
    if picks and picks[0].role == "mobility" and profile.phase not in ("protect", "restore"):
        first = picks[0]
        picks[0] = Pick(first.exercise, "warmup", first.score, first.dose)
    return picks


def _near(exercise: Exercise, profile: Profile) -> bool:
    neighbours = _QUOTAS["neighbours"].get(profile.region, ())
    regions = {*profile.regions, *neighbours, "respiratory"}
    return bool(regions & set(exercise["body_regions"])) or _direct(exercise, profile)


def _direct(exercise: Exercise, profile: Profile) -> bool:
    suits = set(exercise["conditions_good"]) & set(profile.condition_tags)
    return bool(suits) or profile.region in exercise["body_regions"]


def _reason_against(exercise: Exercise, profile: Profile, constraints: Sequence[Constraint]) -> str | None:
    constraint = first_excluding(constraints, exercise)
    if constraint:
        return constraint.code
    if profile.phase not in exercise["phases"] or not dosing.has_dose(exercise, profile.phase):
        return "phase"
    if exercise["level"] > level_cap(profile):
        return "level"
    if not _has_equipment(exercise, profile):
        return "equipment"
    low, high = exercise["min_age"] or 0, exercise["max_age"] or 200
    return None if profile.age is None or low <= profile.age <= high else "age"


def _has_equipment(exercise: Exercise, profile: Profile) -> bool:
    """Household things are taken as there; others must be stated."""
    owned = {*_QUOTAS["household"], *profile.equipment_available}
    if "gym" in owned:
        owned.update(_QUOTAS["gym"])
    return set(exercise["equipment"]) <= owned or any(other in owned for other in exercise["equipment_alternatives"])
