"""Puts profile, picks and safety text together into the result of `exercise_program`. Source: wire.md 3.

Steps, progression, pain rule and stop rules are written here from the library and the phrase files,
whichever engine chose the exercises.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from generation.clinical import dosing, targets
from generation.clinical.constraints import Constraint, constraints_for, facts_of, first_excluding, holds, label
from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile
from generation.clinical.reasons import reason, reasons, subject, the_region
from generation.clinical.red_flags import RedFlag
from generation.clinical.selection import MIN_ITEMS, Offer

__all__ = ["Shelf", "assemble", "item", "localised", "names", "reason", "reasons", "result", "subject"]

Exercise = Mapping[str, Any]
Result = dict[str, Any]

_PACKS: dict[str, Any] = read("packs")
_ADVICE: list[dict[str, Any]] = read("advice")
_STOPPING = {flag["code"] for flag in read("red_flags") if flag["tier"] != "CAUTION"}
_REVIEW_DAYS = {"protect": 7, "restore": 14}
DURATION_WEEKS = 6


@dataclass(frozen=True, slots=True)
class Shelf:
    """A library by slug, with the names shown in one language."""

    exercises: Mapping[str, Exercise]
    names: Mapping[str, str]
    language: str

    @classmethod
    def of(cls, exercises: Sequence[Exercise], language: str) -> "Shelf":
        return cls({exercise["slug"]: exercise for exercise in exercises}, names(exercises, language), language)


def item(
    pick: Mapping[str, Any],
    exercise: Exercise,
    profile: Profile,
    names: Mapping[str, str],
    language: str,
    library: Mapping[str, Exercise] | None = None,
) -> Result:
    """An item of the result. `pick` is `{slug, role, dose, reason}`; `names` maps slugs to the names shown.

    With the `library`, a step up or down the ladder that this person must not take is left out.
    """
    words, text = phrases(language), localised(exercise, language)
    dose = pick.get("dose") or dosing.dose_for(exercise, profile)
    top = dosing.amount_text(dose, words["dose"])
    progress = words["progress"].format(top=top, limit=dose["pain_limit"])
    harder = _step(exercise["easier_than"], profile, names, library)
    easier = _step(exercise["harder_than"], profile, names, library)
    return {
        "slug": exercise["slug"],
        "exercise_version": exercise["version"],
        "name": text["name"],
        "role": pick["role"],
        "level": exercise["level"],
        "equipment": list(exercise["equipment"]),
        "positions": list(exercise["positions"]),
        "dose": dose,
        "dose_text": dosing.dose_text(dose, language),
        "reason": pick["reason"],
        "setup": text["setup"],
        "steps": list(text["steps"]),
        "progress_when": progress + (words["next"].format(name=names[harder]) if harder else ""),
        "progress_to": harder,
        "regress_to": easier,
        "precaution": precaution(exercise, profile, language),
        "patient_note": "",
    }


def localised(exercise: Exercise, language: str) -> Mapping[str, Any]:
    """The exercise's text in the language asked for, else in English."""
    text: Mapping[str, Any] = exercise["text"].get(language) or exercise["text"]["en"]
    return text


def names(exercises: Sequence[Exercise], language: str) -> dict[str, str]:
    return {exercise["slug"]: localised(exercise, language)["name"] for exercise in exercises}


def untranslated(exercises: Sequence[Exercise], language: str) -> list[str]:
    """A warning when a text of an exercise had to fall back to English."""
    missing = any(not exercise["text"].get(language) for exercise in exercises)
    return [str(phrases(language)["text_missing"])] if missing else []


def precaution(exercise: Exercise, profile: Profile, language: str) -> str:
    """What to mind, from the exercise and from what its condition adds to it. Source: domain.md 3.5b."""
    tips = [_PACKS.get(tag, {}).get("tips", {}).get(exercise["slug"]) for tag in profile.condition_tags]
    extra = dict.fromkeys(tip[language] for tip in tips if tip)
    return " ".join([localised(exercise, language)["safety"], *extra])


def pain_rule(profile: Profile, language: str, preset: str = "traffic_light") -> str:
    """The traffic light, or the preset `nemex` of a clinic that goes by it. Source: domain.md 3.5."""
    rules: Mapping[str, str] = phrases(language)["pain_rule" if preset == "traffic_light" else f"pain_rule_{preset}"]
    return rules[str(dosing.pain_limit(profile))]


def stop_rules(limit: int, language: str, emergency: str | None = None) -> list[str]:
    """The stop rules for a pain limit of 3 or 5, with the clinic's `emergency` number, else the language's."""
    words = phrases(language)
    facts = {"emergency": emergency or words["emergency"], "red": limit + 1}
    return [rule.format(**facts) for rule in words["stop_rules"]]


def assemble(
    items: Sequence[Result],
    profile: Profile,
    constraints: Sequence[Constraint],
    flags: Sequence[RedFlag],
    walking: Exercise | None,
    language: str,
    offer: Offer | None = None,
    library_version: str = "",
) -> Result:
    """The program; `walking` is the walking plan when it is safe and not already an item.

    From the `offer` comes what was looked at and left out.
    """
    words, what = phrases(language), subject(profile, language)
    minutes = round(sum(entry["dose"]["estimated_minutes"] for entry in items))
    return {
        "id": None,
        "title": words["title"].format(what=what[:1].upper() + what[1:]),
        "summary_for_patient": words["summary"].format(count=len(items), what=what, minutes=minutes),
        "summary_for_clinician": targets.for_clinician(profile, what, len(items), offer, language),
        "goals": targets.goals(profile, DURATION_WEEKS, language),
        "duration_weeks": DURATION_WEEKS,
        "review_in_days": _REVIEW_DAYS.get(profile.phase, 28),
        "total_minutes": minutes,
        "items": list(items),
        "pain_rule": pain_rule(profile, language),
        "pain_zones": dosing.pain_zones(profile),
        "stop_rules": stop_rules(dosing.pain_limit(profile), language),
        "progression_rules": [*words["progression_rules"], words["regress"]],
        "precautions": precautions(profile, constraints, language),
        "education": _education(profile, constraints, walking, language),
        "warnings": _warnings(items, profile, flags, offer, language),
        "cautions": [{"code": flag.code, "message": flag.message} for flag in flags if _is_caution(flag)],
        "assumptions": list(profile.assumptions),
        "exclusions": exclusions(offer.excluded if offer else {}, language),
        "sources": targets.sources(profile, library_version, language),
    }


def precautions(profile: Profile, constraints: Sequence[Constraint], language: str) -> list[str]:
    """The limits as advice; after an operation, first that the team's own protocol counts. Source: domain.md 3.4."""
    confirm = [phrases(language)["confirm_surgery"]] if profile.surgery else []
    return [*confirm, *dict.fromkeys(c.note[language] for c in constraints if c.note)]


def exclusions(excluded: Mapping[str, int], language: str) -> list[Result]:
    """How many exercises were left out for what, most first, with words as "41 excluded: hip precautions"."""
    say = phrases(language)["excluded"]
    return [
        {"code": code, "count": count, "text": say.format(count=count, why=label(code, language))}
        for code, count in sorted(excluded.items(), key=lambda entry: (-entry[1], entry[0]))
    ]


def worded(flag: RedFlag, language: str) -> RedFlag:
    """A caution of a code that otherwise stops, as a clot years ago, without the words that send a person away."""
    if flag.tier != "CAUTION" or flag.code not in _STOPPING:
        return flag
    return replace(flag, message=phrases(language)["caution"].format(sign=flag.message.split(":")[0]))


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


def library_reason(
    profile: Profile,
    direct: int,
    candidates: int,
    language: str,
    excluded: Mapping[str, int] | None = None,
    fitting: int | None = None,
) -> str | None:
    """Why the library can not serve this profile, in words, with the limits that keep most of it out.

    Dizziness alone, of no known cause, is served only by what is left for it.
    """
    words = phrases(language)
    if not direct:
        return str(words["no_library"].format(what=words["region"].get(profile.region, profile.region)))
    if fitting == 0 and set(profile.regions) == {"vestibular"}:
        return str(words["dizzy"])
    if candidates >= 2:
        return None
    why = ", ".join(label(entry["code"], language) for entry in exclusions(excluded or {}, language)[:3])
    return str(words["too_few_why"].format(why=why) if why else words["too_few"])


def _step(
    ladder: Sequence[str], profile: Profile, names: Mapping[str, str], library: Mapping[str, Exercise] | None
) -> str | None:
    """The nearest rung that has a name and that nothing forbids this person; without a library, the first named one."""
    known = [slug for slug in ladder if slug in names]
    if library is None:
        return next(iter(known), None)
    limits = constraints_for(profile) if known else []
    allowed = [slug for slug in known if slug in library and not first_excluding(limits, library[slug])]
    return min(allowed, key=lambda slug: (library[slug]["level"], ladder.index(slug)), default=None)


def _is_outside(entry: Mapping[str, Any], profile: Profile) -> bool:
    return bool(entry.get("outside")) and entry["tag"] in profile.condition_tags


def _is_caution(flag: RedFlag) -> bool:
    return flag.status == "fired" and flag.tier == "CAUTION"


def _referral(flag: RedFlag) -> Result:
    values = flag.as_dict()
    return {key: values[key] for key in ("code", "tier", "message", "matched_text")}


def _education(
    profile: Profile, constraints: Sequence[Constraint], walking: Exercise | None, language: str
) -> list[str]:
    words, facts = phrases(language), facts_of(profile)
    lines = [_PACKS[tag]["note"][language] for tag in profile.condition_tags if tag in _PACKS]
    lines += [entry["note"][language] for entry in _ADVICE if any(holds(w, facts, profile) for w in entry["when"])]
    if walking is not None:
        dose = dosing.dose_for(walking, profile)
        days = dose["frequency"]["days_per_week"]
        lines.append(words["walking"].format(minutes=round(dose["duration_s"] / 60), days=days))
    lines += [constraint.note[language] for constraint in constraints if constraint.note]
    return [*dict.fromkeys(lines), words["regress"], words["general_education"]]


def _warnings(
    items: Sequence[Result], profile: Profile, flags: Sequence[RedFlag], offer: Offer | None, language: str
) -> list[str]:
    words = phrases(language)
    lines = [flag.message for flag in flags if flag.status == "fired"]
    if profile.surgery:
        lines.append(words["confirm_surgery"])
    if len(items) < MIN_ITEMS:
        lines.append(words["limited"])
    if offer is not None and offer.fitting < MIN_ITEMS:
        lines.append(words["limited_options"].format(what=the_region(profile.region, language)))
    return lines
