"""What the patient is given, as plain values: pages and PDF show the same sheet. Source: domain.md 6 (Hand-out).

A sheet in the program's own language says what the version says; in the other language see `handout_language`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from generation.clinical import dosing, figures
from generation.clinical.data_files import phrases, read
from generation.clinical.handout_language import dose_words, item_words, lines, summary
from generation.clinical.profile import Profile
from generation.clinical.record import day

DIARY_DAYS = 14
_GOALS: dict[str, Mapping[str, str]] = {entry["code"]: entry["label"] for entry in read("goals")}
Sheet = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who gives the program out. Empty where it is not known or not to be told."""

    clinic: str = ""
    phone: str = ""
    emergency: str = "112"
    clinician: str = ""


@dataclass(frozen=True, slots=True)
class Edition:
    """Which version it is: the language it was written in, when it was made or approved, and whether it was."""

    written: str
    dated: date
    approved: bool


def words(language: str) -> dict[str, Any]:
    texts: dict[str, Any] = read("handout")[language if language in ("en", "da") else "en"]
    return texts


def sheet(
    content: Mapping[str, Any],
    edition: Edition,
    head: Letterhead,
    library: Mapping[str, Mapping[str, Any]],
    language: str,
) -> Sheet:
    """Everything on the hand-out but the first name and the link; JSON-able."""
    written, own = edition.written, words(language)
    review = edition.dated + timedelta(days=content["review_in_days"])
    return {
        "language": language,
        "words": own,
        "draft": not edition.approved,
        "clinic": head.clinic or own["clinic"],
        "phone": head.phone,
        "emergency": head.emergency,
        "emergency_more": own["emergency_more"] if head.emergency == "112" else "",
        "date": day(edition.dated, language),
        "review": day(review, language),
        "summary": summary(content, written, language),
        "goals": [_GOALS[code][language] for code in content["profile"].get("goals", ()) if code in _GOALS],
        "often": often(content["items"], language),
        "items": [
            row(number, item, library.get(item["slug"]), written, language)
            for number, item in enumerate(content["items"], 1)
        ],
        "pain_rule": told([content["pain_rule"]], written, language)[0],
        "pain": pain_strip(content, language),
        "stop_rules": told(content["stop_rules"], written, language),
        "education": told(content["education"], written, language),
        "diary_days": list(range(1, DIARY_DAYS + 1)),
        "made": own["made"].format(who=", ".join(filter(None, (head.clinician, head.clinic))) or own["your_clinician"]),
    }


def row(
    number: int, item: Mapping[str, Any], exercise: Mapping[str, Any] | None, written: str, language: str
) -> dict[str, Any]:
    text = item_words(item, exercise, written, language)
    return {
        "number": number,
        "name": text.name,
        "language": text.language,
        "foreign": foreign(text.language, language),
        "setup": text.setup,
        "steps": list(text.steps),
        "precaution": text.precaution,
        "dose": dose_words(item, written, language),
        # Somebody wrote it by hand; nothing here knows it in another language.
        "note": item.get("patient_note", ""),
        "note_language": written if written != language else None,
        "figure": figures.svg(item["slug"], language),
        "figure_alt": figures.alt(item["slug"], language),
    }


def told(texts: Sequence[str], written: str, language: str) -> list[dict[str, str | None]]:
    return [line._asdict() | {"foreign": foreign(line.language, language)} for line in lines(texts, written, language)]


def foreign(code: str | None, language: str) -> str | None:
    """As "in Danish", for what stands on the sheet in another language than the rest."""
    own = words(language)
    return own["foreign"].format(language=own["languages"][code]) if code else None


def often(items: Sequence[Mapping[str, Any]], language: str) -> list[str]:
    """Which exercises to do how often, as "Exercises 1, 2 and 5: every day"."""
    own, groups = words(language), dict[str, list[str]]()
    for number, item in enumerate(items, 1):
        said = ", ".join(dosing.how_often(item["dose"]["frequency"], phrases(language)["dose"]))
        groups.setdefault(said, []).append(str(number))
    if len(groups) == 1:
        return [f"{own['all_exercises']}: {said}" for said in groups]
    return [f"{_numbered(numbers, own)}: {said}" for said, numbers in groups.items()]


def _numbered(numbers: Sequence[str], own: Mapping[str, str]) -> str:
    *first, last = numbers
    name = own["exercises_numbered" if first else "exercise_numbered"]
    return name.format(numbers=f"{', '.join(first)} {own['and']} {last}" if first else last)


def pain_strip(content: Mapping[str, Any], language: str) -> list[dict[str, str]]:
    """The traffic light, for paper without colours: each light has its words and its shape. Source: domain.md 3.5."""
    fine, most = pain_limits(content)
    lights = [("go", 0, fine), ("slow", fine + 1, most), ("stop", most + 1, 10)]
    own = words(language)
    return [
        {
            "light": light,
            "range": own["pain_range" if low < high else "pain_single"].format(low=low, high=high),
            "word": own[f"pain_{light}"],
            "advice": own[f"pain_{light}_advice"],
        }
        for light, low, high in lights
        if low <= high
    ]


def pain_limits(content: Mapping[str, Any]) -> tuple[int, int]:
    """The most pain that is fine, and that is acceptable: those of the rule that the program states."""
    for written in ("en", "da"):
        for name, fine in (("pain_rule", 3), ("pain_rule_nemex", 2)):
            for limit, rule in phrases(written).get(name, {}).items():
                if rule == content["pain_rule"]:
                    return fine, int(limit)
    return 3, dosing.pain_limit(Profile.from_dict(content["profile"]))
