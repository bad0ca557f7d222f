"""What a model is told of a case: what to choose by, and nothing that says whose case it is. Source: domain.md 4, 7."""

from collections.abc import Mapping, Sequence
from typing import Any

from generation.clinical import dosing, selection
from generation.clinical.profile import Profile
from generation.clinical.validation import Check

# The words a fact was read from may name a person; red flags have ended the run, or are not a model's business.
_UNTOLD = {"evidence", "red_flags", "assumptions"}
# What a dose has that no model decides.
_NOT_ASKED = {"pain_limit", "estimated_minutes"}
# From here on an age may single out a person.
_OLDEST = 90


def brief(case: str, profile: Profile, check: Check, decided: Sequence[str], language: str) -> dict[str, Any]:
    """`{case, profile, candidates, constraints, decided, most_items, minutes_budget, language}`, JSON-able.

    `case` must have been redacted. What is empty, unknown or false is left out of the profile and the candidates. A
    candidate is `{slug, name, purposes, level, demands, kind, regions, dose, minutes}`: the dose and the minutes are
    those of this person, and the dose holds its numbers alone.
    """
    return {
        "case": case,
        "profile": _told(profile),
        "candidates": [_candidate(exercise, profile, language) for exercise in check.offered.values()],
        "constraints": [_filled(constraint.as_dict()) for constraint in check.constraints],
        "decided": list(decided),
        "most_items": selection.most_items(profile),
        "minutes_budget": selection.minutes_budget(profile),
        "language": language,
    }


def _told(profile: Profile) -> dict[str, Any]:
    told = {name: value for name, value in profile.as_dict().items() if name not in _UNTOLD}
    told["restrictions"] = [_filled({**limit, "source_text": ""}) for limit in told["restrictions"]]
    told["surgery"] = _filled(told["surgery"] or {})
    if told["side"] == "unknown":
        told["side"] = None
    if (profile.age or 0) >= _OLDEST:
        told["age"] = f"{_OLDEST}+"
    return _filled(told)


def _candidate(exercise: Mapping[str, Any], profile: Profile, language: str) -> dict[str, Any]:
    dose = dosing.dose_for(exercise, profile)
    text = exercise["text"].get(language) or exercise["text"]["en"]
    return _filled(
        {
            "slug": exercise["slug"],
            "name": text["name"],
            "purposes": exercise["purposes"],
            "level": exercise["level"],
            "demands": [demand for demand in exercise["demands"] if demand != "none"],
            "kind": exercise["variation_group"],
            "regions": exercise["body_regions"],
            "dose": _numbers({name: part for name, part in dose.items() if name not in _NOT_ASKED}),
            "minutes": dose["estimated_minutes"],
        }
    )


def _numbers(dose: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers above 0 of a dose, in its own shape."""
    found = {name: _numbers(part) if isinstance(part, Mapping) else part for name, part in dose.items()}
    return {name: part for name, part in found.items() if isinstance(part, int | float | dict) and part}


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what says nothing; a 0 says something, as of pain."""
    return {name: value for name, value in values.items() if value or (value == 0 and value is not False)}
