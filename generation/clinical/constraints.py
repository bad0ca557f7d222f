"""Contraindications: patient facts switch on sets of demands no exercise may make. Source: domain.md 2.5."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generation.clinical.data_files import read
from generation.clinical.profile import Profile

Exercise = Mapping[str, Any]

_DATA: list[dict[str, Any]] = read("constraints")
_QUOTAS: dict[str, Any] = read("quotas")


@dataclass(frozen=True, slots=True)
class Constraint:
    code: str
    forbids: frozenset[str]
    forbids_regions: frozenset[str] = frozenset()
    forbids_purposes: frozenset[str] = frozenset()
    note: Mapping[str, str] | None = None

    def excludes(self, exercise: Exercise) -> bool:
        """True iff the exercise demands what is forbidden, or trains a region that must rest."""
        return bool(
            self.forbids.intersection(exercise["demands"])
            or exercise["body_regions"][0] in self.forbids_regions
            or self.forbids_purposes.intersection(exercise["purposes"])
        )

    def as_dict(self) -> dict[str, Any]:
        return {
            "code": self.code,
            "forbids": sorted(self.forbids),
            "forbids_regions": sorted(self.forbids_regions),
            "forbids_purposes": sorted(self.forbids_purposes),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Constraint":
        sets = {key: frozenset(values.get(key, ())) for key in ("forbids", "forbids_regions", "forbids_purposes")}
        return cls(values["code"], note=values.get("note"), **sets)


_ALL = {data["code"]: Constraint.from_dict(data) for data in _DATA}


def constraints_for(profile: Profile) -> list[Constraint]:
    """The constraints a profile switches on, in the order of the table."""
    facts = facts_of(profile)
    return [_ALL[data["code"]] for data in _DATA if any(_holds(when, facts, profile) for when in data["when"])]


def first_excluding(constraints: Iterable[Constraint], exercise: Exercise) -> Constraint | None:
    return next((constraint for constraint in constraints if constraint.excludes(exercise)), None)


def survivors(constraints: Sequence[Constraint], exercises: Iterable[Exercise]) -> list[Exercise]:
    return [exercise for exercise in exercises if first_excluding(constraints, exercise) is None]


def facts_of(profile: Profile) -> frozenset[str]:
    """The profile as the words that `when` in constraints.json is written in."""
    facts = {f"condition:{tag}" for tag in profile.condition_tags}
    facts |= {f"comorbidity:{code}" for code in profile.comorbidities}
    facts |= {f"restriction:{restriction['code']}" for restriction in profile.restrictions}
    facts |= {f"region:{region}" for region in profile.regions}
    facts |= {f"irritability:{profile.irritability}", f"wb:{profile.wb_status}"}
    if profile.surgery:
        facts.add(f"surgery:{profile.surgery['type']}")
    facts.add("limb:upper" if profile.region in _QUOTAS["upper_limb"] else "limb:lower")
    if profile.wb_status == "TTWB" or (profile.wb_status == "PWB" and _percent(profile) < 50):
        facts |= {"wb:PWB_LOW"}
    if profile.pregnant and _pregnancy_weeks(profile) >= 13:
        facts.add("pregnant:t2_t3")
    return frozenset(facts)


def _percent(profile: Profile) -> int:
    """Partial weight without a percent counts as the lower half. Source: domain.md 2.1 `wb_status`."""
    stated = profile.restriction("pwb_percent")
    return int(stated["value"]) if stated else 0


def _pregnancy_weeks(profile: Profile) -> int:
    stated = profile.restriction("pregnancy_weeks")
    return int(stated["value"]) if stated and stated["value"] else 40


def _holds(when: Mapping[str, Any], facts: frozenset[str], profile: Profile) -> bool:
    """An unknown number of weeks counts as inside every window."""
    if not facts.issuperset(when["all"]) or facts.intersection(when.get("unless", ())):
        return False
    if "age_from" in when and (profile.age is None or profile.age < when["age_from"]):
        return False
    return "weeks_below" not in when or profile.weeks is None or profile.weeks < when["weeks_below"]
