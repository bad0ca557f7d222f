"""Which exercises suit a person, and what keeps the others out. Source: domain.md 3.5 and 3.5b."""

from collections.abc import Mapping, Sequence
from typing import Any

from generation.clinical import dosing
from generation.clinical.constraints import Constraint, first_excluding
from generation.clinical.data_files import read
from generation.clinical.profile import Profile

Exercise = Mapping[str, Any]

_QUOTAS: dict[str, Any] = read("quotas")
_PACKS: dict[str, Any] = read("packs")
_TWO_HANDED = {"band", "dumbbell", "stick"}
# Diagnoses of which this release has no programs. Source: domain.md 3.5b.
OUTSIDE = {entry["tag"] for entry in read("conditions") if entry.get("outside")}


def level_cap(profile: Profile) -> int:
    if profile.phase == "maintain" and (profile.age or 0) >= 65:
        return 3
    cap: int = _QUOTAS["level_caps"][profile.phase]
    return cap


def pack_slugs(profile: Profile) -> set[str]:
    """The first choices of the person's conditions in this phase. Source: domain.md 3.5b."""
    return {slug for tag in profile.condition_tags for slug in pack_of(tag, profile.phase)}


def pack_of(tag: str, phase: str) -> Sequence[str]:
    """The first choices of one condition; the phases after load share its column."""
    column = "load" if phase in ("perform", "maintain") else phase
    slugs: Sequence[str] = _PACKS.get(tag, {}).get(column, ())
    return slugs


def is_near(exercise: Exercise, profile: Profile) -> bool:
    """Whether it is for the person's region or condition, for a joint of the same chain, or for breathing."""
    neighbours = _QUOTAS["neighbours"].get(profile.region, ())
    if exercise["body_regions"][0] in {*neighbours, "respiratory"}:
        return True
    return not set(profile.regions).isdisjoint(exercise["body_regions"]) or is_direct(exercise, profile)


def is_direct(exercise: Exercise, profile: Profile) -> bool:
    """Whether it is for the person's own region or condition."""
    return profile.region in exercise["body_regions"] or suits(exercise, profile)


def suits(exercise: Exercise, profile: Profile) -> bool:
    """Whether it is known to be good for one of the person's conditions."""
    good = not set(profile.condition_tags).isdisjoint(exercise["conditions_good"])
    return good or exercise["slug"] in pack_slugs(profile)


def reason_against(exercise: Exercise, profile: Profile, constraints: Sequence[Constraint]) -> str | None:
    """The code of what keeps an exercise out: a constraint's, or phase, level, equipment, laterality, age, outside."""
    constraint = first_excluding(constraints, exercise)
    if constraint:
        return constraint.code
    if profile.phase not in exercise["phases"] or not dosing.has_dose(exercise, profile.phase):
        return "phase"
    if exercise["level"] > level_cap(profile):
        return "level"
    if not _has_equipment(exercise, profile):
        return "equipment"
    if _needs_both_arms(exercise, profile):
        return "laterality"
    if not OUTSIDE.isdisjoint(profile.condition_tags) and not _is_general(exercise):
        return "outside"
    low, high = exercise["min_age"] or 0, exercise["max_age"] or 200
    return None if profile.age is None or low <= profile.age <= high else "age"


def _has_equipment(exercise: Exercise, profile: Profile) -> bool:
    """Household things are taken as there; others must be stated."""
    owned = {*_QUOTAS["household"], *profile.equipment_available}
    if "gym" in owned:
        owned.update(_QUOTAS["gym"])
    return set(exercise["equipment"]) <= owned or any(other in owned for other in exercise["equipment_alternatives"])


def _needs_both_arms(exercise: Exercise, profile: Profile) -> bool:
    """With an arm in a sling or a cast there is one hand left."""
    one_armed = profile.restriction("sling") or (
        profile.restriction("cast") and profile.region in _QUOTAS["upper_limb"]
    )
    return (
        bool(one_armed) and exercise["laterality"] == "bilateral" and not _TWO_HANDED.isdisjoint(exercise["equipment"])
    )


def _is_general(exercise: Exercise) -> bool:
    """What is left for diagnoses outside this release: standing up and supported balance. Source: domain.md 3.5b."""
    allowed = _QUOTAS["general_conditioning"]
    supported = "balance_unsupported" not in exercise["demands"]
    return exercise["variation_group"] in allowed["groups"] and exercise["level"] <= allowed["max_level"] and supported
