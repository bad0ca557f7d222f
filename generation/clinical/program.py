"""Puts profile, picks and safety text together into the result of `exercise_program`. Source: wire.md 3.

Steps, progression, pain rule and stop rules are written here from the library and the phrase files,
whichever engine chose the exercises.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from generation.clinical import dosing
from generation.clinical.constraints import Constraint
from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile
from generation.clinical.red_flags import RedFlag

Exercise = Mapping[str, Any]
Result = dict[str, Any]

_PACKS: dict[str, Any] = read("packs")
_LABELS: dict[str, Any] = {entry["tag"]: entry["label"] for entry in read("conditions")}
_LABELS |= {f"after_{entry['type']}": entry["label"] for entry in read("surgeries")}
_GOALS: dict[str, Any] = {entry["code"]: entry for entry in read("goals")}
_REVIEW_DAYS = {"protect": 7, "restore": 14}
_DURATION_WEEKS = 6


def item(
    pick: Mapping[str, Any], exercise: Exercise, profile: Profile, names: Mapping[str, str], language: str
) -> Result:
    """An item of the result. `pick` is `{slug, role, dose, reason}`; `names` maps slugs to the names shown."""
    words, text = phrases(language), localised(exercise, language)
    dose = pick.get("dose") or dosing.dose_for(exercise, profile)
    progress = words["progress"].format(top=dosing.amount_text(dose, words["dose"]), limit=dose["pain_limit"])
    harder = next((names[slug] for slug in exercise["easier_than"] if slug in names), None)
    return {
        "slug": exercise["slug"],
        "name": text["name"],
        "role": pick["role"],
        "dose": dose,
        "dose_text": dosing.dose_text(dose, language),
        "reason": pick["reason"],
        "steps": list(text["steps"]),
        "progress_when": progress + (words["next"].format(name=harder) if harder else ""),
        "precaution": text["safety"],
    }


def localised(exercise: Exercise, language: str) -> Mapping[str, Any]:
    """The exercise's text in the language asked for, else in English."""
    text: Mapping[str, Any] = exercise["text"].get(language) or exercise["text"]["en"]
    return text


def names(exercises: Sequence[Exercise], language: str) -> dict[str, str]:
    return {exercise["slug"]: localised(exercise, language)["name"] for exercise in exercises}


def reason(slug: str, profile: Profile, language: str) -> str:
    """Why an exercise was chosen, naming a fact of the profile; at most 200 characters."""
    words, what = phrases(language), subject(profile, language)
    goal = next((g for g in profile.goals if slug in _GOALS[g]["slugs"]), None)
    if goal:
        return str(words["reason_goal"].format(what=what, goal=_GOALS[goal]["label"][language]))[:200]
    return str(words["reason"].format(what=what, phase=words["phase"][profile.phase]))[:200]


def subject(profile: Profile, language: str) -> str:
    """What the program is about, as "knee osteoarthritis (right)"."""
    words = phrases(language)
    label = next((_LABELS[tag][language] for tag in profile.condition_tags if tag in _LABELS), None)
    what = label or words["region"].get(profile.region, words["region"]["whole_body"])
    return f"{what} ({words['side'][profile.side]})" if profile.side != "unknown" else what


def assemble(
    items: Sequence[Result],
    profile: Profile,
    constraints: Sequence[Constraint],
    flags: Sequence[RedFlag],
    walking: Exercise | None,
    language: str,
) -> Result:
    """The program; `walking` is the walking plan when it is safe and not already an item."""
    words, what = phrases(language), subject(profile, language)
    minutes = round(sum(entry["dose"]["estimated_minutes"] for entry in items))
    return {
        "id": None,
        "title": words["title"].format(what=what[:1].upper() + what[1:]),
        "summary_for_patient": words["summary"].format(count=len(items), what=what, minutes=minutes),
        "duration_weeks": _DURATION_WEEKS,
        "review_in_days": _REVIEW_DAYS.get(profile.phase, 28),
        "total_minutes": minutes,
        "items": list(items),
        "pain_rule": words["pain_rule"][str(dosing.pain_limit(profile))],
        "stop_rules": list(words["stop_rules"]),
        "education": _education(profile, constraints, walking, language),
        "warnings": _warnings(items, profile, flags, language),
        "assumptions": list(profile.assumptions),
    }


def result(
    outcome: str,
    profile: Profile,
    program: Result | None = None,
    referral: RedFlag | None = None,
    reason: str | None = None,
    excluded: Mapping[str, int] | None = None,
) -> Result:
    """The whole result; `engine_used` is filled by the pipeline."""
    return {
        "outcome": outcome,
        "profile": profile.as_dict(),
        "program": program,
        "referral": _referral(referral) if referral else None,
        "reason": reason,
        "excluded": dict(excluded or {}),
        "engine_used": "composer",
    }


def unfit_reason(profile: Profile, language: str) -> str | None:
    """Why no program can be written from this profile at all, in words."""
    words = phrases(language)
    outside = next((e["label"][language] for e in read("conditions") if _is_outside(e, profile)), None)
    if outside and profile.restriction("general_conditioning_ok") is None:
        return str(words["outside"].format(what=outside))
    return None if profile.regions else str(words["no_region"])


def library_reason(profile: Profile, direct: int, candidates: int, language: str) -> str | None:
    """Why the library can not serve this profile, in words."""
    words = phrases(language)
    if direct < 3:
        return str(words["no_library"].format(what=words["region"].get(profile.region, profile.region)))
    return str(words["too_few"]) if candidates < 2 else None


def _is_outside(entry: Mapping[str, Any], profile: Profile) -> bool:
    return bool(entry.get("outside")) and entry["tag"] in profile.condition_tags


def _referral(flag: RedFlag) -> Result:
    values = flag.as_dict()
    return {key: values[key] for key in ("code", "tier", "message", "matched_text")}


def _education(
    profile: Profile, constraints: Sequence[Constraint], walking: Exercise | None, language: str
) -> list[str]:
    words = phrases(language)
    notes = [_PACKS[tag]["note"] for tag in profile.condition_tags if tag in _PACKS]
    lines = [note[language] for note in notes if note]
    if walking is not None:
        dose = dosing.dose_for(walking, profile)
        days = dose["frequency"]["days_per_week"]
        lines.append(words["walking"].format(minutes=round(dose["duration_s"] / 60), days=days))
    lines += [constraint.note[language] for constraint in constraints if constraint.note]
    return [*dict.fromkeys(lines), words["regress"], words["general_education"]]


def _warnings(items: Sequence[Result], profile: Profile, flags: Sequence[RedFlag], language: str) -> list[str]:
    words = phrases(language)
    lines = [flag.message for flag in flags if flag.status == "fired"]
    if profile.surgery:
        lines.append(words["confirm_surgery"])
    if len(items) < 4:
        lines.append(words["limited"])
    if language != "en":
        lines.append(words["text_missing"])
    return lines
