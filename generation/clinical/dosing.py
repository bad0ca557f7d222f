"""Dose by purpose and phase, its modifiers and its hard bounds. Source: domain.md 2.3 and 3.3."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from generation.clinical.constraints import facts_of, holds
from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile

Dose = dict[str, Any]
Exercise = Mapping[str, Any]

_DOSES: dict[str, Any] = read("doses")
_QUOTAS: dict[str, Any] = read("quotas")
_PACKS: dict[str, Any] = read("packs")
_EMPTY: Dose = {
    "sets": 1,
    "reps": None,
    "hold_s": None,
    "duration_s": None,
    "rest_s": 0,
    "tempo": None,
    "load": {"kind": "none"},
    "effort": None,
    "frequency": {"per_day": 1, "days_per_week": 7, "named_days": [], "rest_days_between": 0},
    "side": "na",
    "range_note": None,
    "pain_limit": 5,
}


# What any dose may be, whatever the exercise. Source: domain.md 2.3.
LIMITS: dict[str, tuple[float, float]] = {name: (low, high) for name, (low, high) in _DOSES["limits"].items()}


def dose_class(exercise: Exercise) -> str:
    """The row of the dose table that the exercise's first purpose belongs to."""
    row: str = _DOSES["classes"][exercise["purposes"][0]]
    return row


def has_dose(exercise: Exercise, phase: str) -> bool:
    """Whether the table allows this kind of exercise in this phase at all, as no strength in protect."""
    return phase in _DOSES["table"].get(dose_class(exercise), {})


def default_dose(exercise: Exercise, phase: str) -> Dose:
    """The table's dose, overlaid with what the exercise says of this phase, or of load where it says nothing later."""
    dose = deepcopy(_EMPTY)
    _overlay(dose, _DOSES["table"][dose_class(exercise)][phase])
    own = exercise["default_dose"]
    _overlay(dose, own.get(phase, own.get("load", {}) if phase in ("perform", "maintain") else {}))
    if exercise["resistance_type"] in ("band", "bodyweight"):
        dose["load"] = {"kind": exercise["resistance_type"]}
    return dose


def dose_for(exercise: Exercise, profile: Profile) -> Dose:
    """The whole dose for this person: the default with the modifiers applied, inside its bounds, and timed."""
    dose = default_dose(exercise, profile.phase)
    for tag in profile.condition_tags:
        _overlay(dose, _PACKS.get(tag, {}).get("doses", {}).get(exercise["slug"], {}))
    _modify(dose, profile, dose_class(exercise))
    dose["side"] = side_for(exercise, profile)
    dose["range_note"] = range_for(exercise, profile) or dose["range_note"]
    dose["pain_limit"] = pain_limit(profile)
    return timed(clamp(dose, exercise))


def completed(asked: Mapping[str, Any], exercise: Exercise, profile: Profile) -> Dose:
    """A dose that a provider asks for, filled up from this person's; not clamped, so that it can be checked."""
    dose = dose_for(exercise, profile)
    _overlay(dose, {field: value for field, value in asked.items() if field in _EMPTY and field != "pain_limit"})
    if dose["effort"]:
        dose["effort"] = rpe10(dose["effort"])
    return timed(dose)


def rpe10(effort: Mapping[str, Any]) -> dict[str, Any]:
    """The same effort out of ten: Borg's 6 to 20 spread over it, and ten less the repetitions in reserve."""
    low, high = effort["min"], effort["max"]
    if effort["scale"] == "borg6_20":
        low, high = (round((borg - 6) * 10 / 14) for borg in (low, high))
    elif effort["scale"] == "rir":
        low, high = 10 - high, 10 - low
    return {"scale": "rpe10", "min": low, "max": high}


def timed(dose: Dose) -> Dose:
    return dose | {"estimated_minutes": minutes(dose)}


def bounds_for(exercise: Exercise) -> dict[str, tuple[float, float]]:
    bounds = dict(_DOSES["bounds"].get(dose_class(exercise), {}))
    bounds.update(exercise["dose_bounds"] or {})
    return {field: (low, high) for field, (low, high) in bounds.items()}


def clamp(dose: Dose, exercise: Exercise) -> Dose:
    """The same dose within the hard bounds; a field that is not used stays unused."""
    result = deepcopy(dose)
    for field, (low, high) in (LIMITS | bounds_for(exercise)).items():
        holder = result["frequency"] if field in result["frequency"] else result
        if holder.get(field) is not None:
            holder[field] = min(max(holder[field], low), high)
    if lacks_rest(result, exercise):
        result["frequency"] |= {"rest_days_between": 1, "days_per_week": min(result["frequency"]["days_per_week"], 4)}
    return result


def lacks_rest(dose: Mapping[str, Any], exercise: Exercise) -> bool:
    """Whether hard strength work has less than 48 hours between. Source: domain.md 3.3."""
    hard = dose["effort"] is not None and dose["effort"]["max"] >= _DOSES["hard_effort"]
    often = dose["frequency"]["days_per_week"] > 3 and not dose["frequency"]["rest_days_between"]
    return hard and often and dose_class(exercise) in ("strength", "power")


def effort_cap(profile: Profile) -> int:
    """The most effort of ten: by phase, 5 when older or frail, 3 in strong or irritable pain. Source: domain.md 3.3."""
    caps = [_DOSES["effort_caps"][profile.phase]]
    caps += [5] * is_older_or_frail(profile) + [3] * is_painful(profile)
    return int(min(caps))


def pain_limit(profile: Profile) -> int:
    """3 in the first six weeks after an operation, in acute injury and with radiating pain; else 5 (amber)."""
    early = profile.surgery is not None and (profile.weeks is None or profile.weeks < 6)
    radiating = not set(_DOSES["guarded_tags"]).isdisjoint(profile.condition_tags)
    guarded = early or radiating or profile.acuity == "acute"
    return 3 if guarded or profile.phase == "protect" else 5


def pain_zones(profile: Profile, preset: str = _DOSES["pain_preset"]) -> list[dict[str, Any]]:
    """The pain rule as `{colour, from, to}`: the traffic light, or the preset `nemex`. Source: domain.md 3.5."""
    zones = _DOSES["pain_zones"][preset][str(pain_limit(profile))]
    return [{"colour": colour, "from": low, "to": high} for colour, low, high in zones]


def range_for(exercise: Exercise, profile: Profile) -> str | None:
    """The range that a limit or an early operation leaves a joint, as "0-90°". Source: domain.md 3.4."""
    for entry in _DOSES["ranges"]:
        if exercise["variation_group"] not in entry["groups"]:
            continue
        if any(holds(when, facts_of(profile), profile) for when in entry["when"]):
            stated = profile.restriction(entry.get("restriction", ""))
            value = (stated or {}).get("value")
            return str(entry["range"].format(value=value if isinstance(value, int) else 90))
    return None


def side_for(exercise: Exercise, profile: Profile) -> str:
    """One-sided work in lying and sitting is for the affected side; on the feet it is done on each side.

    A nerve is glided on the side that hurts, also when the back or neck is in the middle. The side read is that of
    the first region: of another one that is named too, which side is meant is for the person to know.
    """
    if exercise["laterality"] in ("bilateral", "midline"):
        return "na"
    if exercise["laterality"] == "alternating":
        return "alternating"
    if dose_class(exercise) == "nerve_glide" and profile.side in ("left", "right"):
        return profile.side
    on_feet = exercise["weight_bearing"] in ("full_lower", "single_leg", "impact")
    if on_feet or profile.side == "both" or profile.region in _QUOTAS["midline"]:
        return "both"
    own = exercise["body_regions"][0]
    if own != profile.region and own in profile.regions:
        return "affected"
    return profile.side if profile.side in ("left", "right") else "affected"


def minutes(dose: Mapping[str, Any]) -> float:
    """Minutes of one session. Source: domain.md 2.3 `estimated_minutes`."""
    if dose["duration_s"]:
        return round(float(dose["duration_s"]) / 60, 1)
    tempo = sum(int(part) for part in (dose["tempo"] or "").split("-") if part) or 4
    once = max(tempo, dose["hold_s"] or 0) * dose["reps"] if dose["reps"] else dose["hold_s"] or 0
    seconds = float(dose["sets"] * once + (dose["sets"] - 1) * dose["rest_s"])
    return round(seconds * (2 if dose["side"] == "both" else 1) / 60, 1)


def dose_text(dose: Mapping[str, Any], language: str) -> str:
    """The dose in plain words, as "3 sets of 10, hold 5 s, each side, every other day"."""
    words = phrases(language)["dose"]
    parts = [amount_text(dose, words)]
    if dose["reps"] and dose["hold_s"]:
        parts.append(words["hold"].format(hold=dose["hold_s"]))
    side = {"both": "each_side", "left": "left", "right": "right", "affected": "affected"}.get(dose["side"])
    if side:
        parts.append(words[side])
    if dose["range_note"]:
        parts.append(words["range"].format(range=dose["range_note"]))
    parts.extend(how_often(dose["frequency"], words))
    if dose["effort"]:
        parts.append(words["effort"].format(**dose["effort"]))
    return ", ".join(parts)


def amount_text(dose: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The part of the dose a person grows out of, as "3 sets of 10"."""
    if dose["duration_s"]:
        return words["minutes"].format(minutes=round(dose["duration_s"] / 60))
    if not dose["reps"]:
        return words["time_hold" if dose["sets"] == 1 else "times_hold"].format(sets=dose["sets"], hold=dose["hold_s"])
    return words["set_of" if dose["sets"] == 1 else "sets_of"].format(sets=dose["sets"], reps=dose["reps"])


def how_often(frequency: Mapping[str, Any], words: Mapping[str, str]) -> list[str]:
    """As ["3 times a day", "every other day"]."""
    per_day = [words["per_day"].format(n=frequency["per_day"])] if frequency["per_day"] > 1 else []
    if frequency["rest_days_between"]:
        return [*per_day, words["every_other_day"]]
    if frequency["days_per_week"] == 7:
        return per_day or [words["daily"]]
    return [*per_day, words["days_a_week"].format(n=frequency["days_per_week"])]


def _overlay(dose: Dose, change: Mapping[str, Any]) -> None:
    for field, value in change.items():
        dose[field] = {**dose[field], **value} if field == "frequency" else deepcopy(value)


def _modify(dose: Dose, profile: Profile, row: str) -> None:
    """Older or frail: fewer sets, 10-15 reps, effort to 5. Painful: a set less, effort to 3. Once each."""
    if is_older_or_frail(profile):
        dose["sets"] = max(2, dose["sets"] - 1) if dose["sets"] > 2 else dose["sets"]
        if row in ("strength", "function") and dose["reps"] and profile.phase != "protect":
            dose["reps"] = min(max(dose["reps"], 10), 15)
        _cap_effort(dose, 5)
    if is_painful(profile):
        dose["sets"] = max(1, dose["sets"] - 1)
        _cap_effort(dose, 3)


def is_older_or_frail(profile: Profile) -> bool:
    return (profile.age or 0) >= 65 or not {"deconditioning", "frailty"}.isdisjoint(profile.condition_tags)


def is_painful(profile: Profile) -> bool:
    return profile.pain >= 7 or profile.irritability == "high"


def _cap_effort(dose: Dose, most: int) -> None:
    if dose["effort"] and dose["effort"]["max"] > most:
        dose["effort"] = dose["effort"] | {"min": min(dose["effort"]["min"], most - 1), "max": most}
