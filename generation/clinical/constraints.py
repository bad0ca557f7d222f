"""Contraindications: patient facts switch on sets of demands no exercise may make. Source: domain.md 2.5 and 3.4."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile
from generation.clinical.text import Scenario, pattern

Exercise = Mapping[str, Any]

_DATA: list[dict[str, Any]] = read("constraints")
_QUOTAS: dict[str, Any] = read("quotas")
_REGIONS = {region: pattern([*words["en"], *words["da"]]) for region, words in read("terms")["regions"].items()}
_SETS = ("forbids", "forbids_regions", "forbids_purposes", "forbids_groups")


@dataclass(frozen=True, slots=True)
class Constraint:
    code: str
    forbids: frozenset[str]
    forbids_regions: frozenset[str] = frozenset()
    forbids_purposes: frozenset[str] = frozenset()
    forbids_groups: frozenset[str] = frozenset()
    note: Mapping[str, str] | None = None

    def excludes(self, exercise: Exercise) -> bool:
        """True iff the exercise demands what is forbidden, or trains a joint that must rest."""
        return bool(
            not self.forbids.isdisjoint(exercise["demands"])
            or exercise["body_regions"][0] in self.forbids_regions
            or exercise["variation_group"] in self.forbids_groups
            or not self.forbids_purposes.isdisjoint(exercise["purposes"])
        )

    def as_dict(self) -> dict[str, Any]:
        return {"code": self.code} | {name: sorted(getattr(self, name)) for name in _SETS}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Constraint":
        sets = {name: frozenset(values.get(name, ())) for name in _SETS}
        return cls(values["code"], note=values.get("note"), **sets)


ALL = {data["code"]: Constraint.from_dict(data) for data in _DATA}
_LABELS: dict[str, Mapping[str, str]] = {data["code"]: data["label"] for data in _DATA}


def constraints_for(profile: Profile) -> list[Constraint]:
    """The constraints a profile switches on, in the order of the table."""
    facts = facts_of(profile)
    return [ALL[data["code"]] for data in _DATA if any(holds(when, facts, profile) for when in data["when"])]


def assumed(profile: Profile) -> tuple[str, ...]:
    """The names of what is taken for granted, for want of a word on it, by the constraints switched on."""
    facts = facts_of(profile)
    names = [
        when["assumes"] for data in _DATA for when in data["when"] if "assumes" in when and holds(when, facts, profile)
    ]
    return tuple(dict.fromkeys(names))


def label(code: str, language: str) -> str:
    """What keeps exercises out, in words, as "hip precautions"; also phase, level, equipment, age and outside.

    An unknown code is said as it stands.
    """
    other: Mapping[str, str] = phrases(language)["kept_out"]
    known = _LABELS.get(code)
    if known is not None:
        return known["da" if language == "da" else "en"]
    return other.get(code, code.replace("_", " "))


def first_excluding(constraints: Iterable[Constraint], exercise: Exercise) -> Constraint | None:
    return next((constraint for constraint in constraints if constraint.excludes(exercise)), None)


def survivors(constraints: Sequence[Constraint], exercises: Iterable[Exercise]) -> list[Exercise]:
    return [exercise for exercise in exercises if first_excluding(constraints, exercise) is None]


def facts_of(profile: Profile) -> frozenset[str]:
    """The profile as the words that `when` is written in, here and in the other data files."""
    facts = {f"condition:{tag}" for tag in profile.condition_tags}
    facts |= {f"comorbidity:{code}" for code in profile.comorbidities}
    facts |= {f"restriction:{restriction['code']}" for restriction in profile.restrictions}
    facts |= {f"region:{region}" for region in profile.regions}
    facts |= {f"irritability:{profile.irritability}", f"wb:{profile.wb_status}", f"phase:{profile.phase}"}
    if profile.surgery:
        facts.add(f"surgery:{profile.surgery['type']}")
    facts |= _casts(profile)
    # Which limb must not bear weight is not known when both an arm and a leg are spoken of.
    facts |= {f"limb:{limb}" for limb in ("upper", "lower") if set(profile.regions) & set(_QUOTAS[f"{limb}_limb"])}
    if not facts & {"limb:upper", "limb:lower"}:
        facts.add("limb:lower")
    if profile.wb_status == "TTWB" or (profile.wb_status == "PWB" and _percent(profile) < 50):
        facts.add("wb:PWB_LOW")
    if profile.pregnant and _pregnancy_weeks(profile) >= 13:
        facts.add("pregnant:t2_t3")
    return frozenset(facts)


def holds(when: Mapping[str, Any], facts: frozenset[str], profile: Profile) -> bool:
    """Whether `{all, unless, age_from, weeks_below}` is true of a person.

    An unknown number of weeks counts as inside every window.
    """
    if not facts.issuperset(when["all"]) or not facts.isdisjoint(when.get("unless", ())):
        return False
    if "age_from" in when and (profile.age is None or profile.age < when["age_from"]):
        return False
    return "weeks_below" not in when or profile.weeks is None or profile.weeks < when["weeks_below"]


def _casts(profile: Profile) -> set[str]:
    """The named joints that a cast may be on: those in its own words, else all of them.

    A cast on the knee holds the ankle too, unless it may as well be on an arm.
    """
    cast = profile.restriction("cast")
    if cast is None:
        return set()
    words = Scenario(cast.get("source_text") or "")
    joints = {region for region in profile.regions if region in _REGIONS and words.first(_REGIONS[region])}
    joints = joints or set(profile.regions)
    if "knee" in joints and joints.isdisjoint(_QUOTAS["upper_limb"]):
        joints.add("whole_leg")
    return {f"cast:{joint}" for joint in joints}


def _percent(profile: Profile) -> int:
    """Partial weight without a percent counts as the lower half. Source: domain.md 2.1 `wb_status`."""
    stated = profile.restriction("pwb_percent")
    return int(stated["value"]) if stated else 0


def _pregnancy_weeks(profile: Profile) -> int:
    stated = profile.restriction("pregnancy_weeks")
    return int(stated["value"]) if stated and stated["value"] else 40
