"""A row of free-exercise-db as a draft of ours. Its text is free (The Unlicense), its images are not and stay behind.

It is a list for the gym: it says nothing of sides, positions, phases or of what an exercise demands (domain.md, finding
5). What can't be known is left empty, and the rest is a guess for whoever reviews the draft.
"""

import re
from collections.abc import Container, Mapping
from textwrap import shorten
from typing import Any
from urllib.parse import urlsplit

LEVELS = {"beginner": 2, "intermediate": 3, "expert": 5}
# The first purpose by category.
PURPOSES = {
    "strength": "strength", "powerlifting": "strength", "strongman": "strength", "stretching": "stretch",
    "plyometrics": "power", "olympic weightlifting": "power", "cardio": "aerobic",
}  # fmt: skip
REGIONS = {
    "abdominals": "lumbar", "abductors": "hip", "adductors": "hip", "biceps": "elbow", "calves": "ankle_foot",
    "chest": "shoulder", "forearms": "wrist_hand", "glutes": "hip", "hamstrings": "knee", "lats": "shoulder",
    "lower back": "lumbar", "middle back": "thoracic", "neck": "neck", "quadriceps": "knee", "shoulders": "shoulder",
    "traps": "thoracic", "triceps": "elbow",
}  # fmt: skip
# Ours, and the kind of resistance. What a home has not got is None and named in the note.
EQUIPMENT: dict[str | None, tuple[str | None, str]] = {
    "body only": ("none", "bodyweight"), "dumbbell": ("dumbbell", "free_weight"), "bands": ("band", "band"),
    "exercise ball": ("ball", "bodyweight"), "medicine ball": ("ball", "free_weight"),
    "barbell": (None, "free_weight"), "kettlebells": (None, "free_weight"), "e-z curl bar": (None, "free_weight"),
    "cable": (None, "free_weight"), "machine": (None, "free_weight"), "foam roll": (None, "none"),
    "other": (None, "none"), None: (None, "none"),
}  # fmt: skip
FORCES = ("pull", "push", "static", None)
MECHANICS = ("compound", "isolation", None)
MAX_NAME = 80
MAX_PURPOSE = 140
# What is left of a slug behind the prefixes of the importer.
MAX_KEY = 64
MAX_STEPS = 30
MAX_STEP = 1000
# Line ends and tabs are only space; the others have no business in a text.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
ONE_SIDE = re.compile(r"\b(?:one|single)[- ](?:arm|leg|legged|armed|hand|handed)\b", re.IGNORECASE)


class Refused(ValueError):
    """Why a row can't become a draft, in a few words."""


def key_of(row: Mapping[str, Any]) -> str:
    """What makes the row the same one in a later version of the list: letters, digits and hyphens."""
    source = "id" if "id" in row else "name"
    key = re.sub(r"[^a-z0-9]+", "-", text(row, source, MAX_KEY).lower()).strip("-")
    if not key:
        raise Refused(f"{source} has neither letters nor digits of the English alphabet")
    return key


def draft(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row in the shape of domain.md 2.2, without its slug. Raises Refused."""
    name = text(row, "name", MAX_NAME)
    category = choice(row, "category", PURPOSES)
    force = choice(row, "force", FORCES)
    choice(row, "mechanic", MECHANICS)
    wanted = choice(row, "equipment", EQUIPMENT)
    equipment, resistance = EQUIPMENT[wanted]
    muscles = muscles_of(row, "primaryMuscles")
    purpose = "isometric" if force == "static" and PURPOSES[category] == "strength" else PURPOSES[category]
    return {
        "status": "draft",
        "version": 1,
        "body_regions": list(dict.fromkeys(REGIONS[muscle] for muscle in muscles)),
        "purposes": [purpose],
        "phases": [],
        "positions": [],
        "equipment": [equipment] if equipment else [],
        "equipment_alternatives": [],
        "level": LEVELS[choice(row, "level", LEVELS)],
        "laterality": "unilateral" if ONE_SIDE.search(name) else "bilateral",
        "weight_bearing": "impact" if category == "plyometrics" else "none",
        "resistance_type": "isometric" if purpose == "isometric" else resistance,
        "primary_muscles": [code(muscle) for muscle in muscles],
        "secondary_muscles": [code(muscle) for muscle in muscles_of(row, "secondaryMuscles")],
        "conditions_good": [],
        # Empty is "nobody has said yet", which is not ["none"]: no program can hold it.
        "demands": [],
        "min_age": None,
        "max_age": None,
        "supervision": "none",
        "variation_group": code(category),
        "easier_than": [],
        "harder_than": [],
        "default_dose": {},
        "dose_bounds": None,
        "evidence_note": note(wanted if equipment is None else None),
        "licence": licence(row, name),
        "text": {"en": words(row, name, category, muscles), "da": None},
    }


def words(row: Mapping[str, Any], name: str, category: str, muscles: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "aliases": [],
        "purpose_line": shorten(f"{category.capitalize()}: {', '.join(muscles)}.", MAX_PURPOSE, placeholder=" …"),
        "setup": "",
        "steps": texts(row, "instructions", MAX_STEPS, MAX_STEP),
        "cues": [],
        "common_mistakes": [],
        "feel": "",
        "easier": "",
        "harder": "",
        "safety": "",
    }


def note(equipment: str | None) -> str:
    told = "Imported and not reviewed: demands, phases and positions are missing; side and weight bearing are guesses."
    return f"{told} Equipment: {equipment}." if equipment else told


def licence(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {
        "license": "The Unlicense",
        "title": name,
        "author": "free-exercise-db",
        "source_url": link(row, "source_url") or "https://github.com/yuhonas/free-exercise-db",
        "author_url": None,
        "derivative_of": None,
        "reviewed_by": None,
        "reviewed_on": None,
    }


def text(row: Mapping[str, Any], field: str, longest: int) -> str:
    if field not in row:
        raise Refused(f"{field} is missing")
    return checked(row[field], field, longest)


def checked(value: object, what: str, longest: int) -> str:
    if not isinstance(value, str):
        raise Refused(f"{what} is not a text")
    value = value.strip()
    if not value:
        raise Refused(f"{what} is empty")
    if len(value) > longest:
        raise Refused(f"{what} is longer than {longest} characters")
    if UNPRINTABLE.search(value):
        raise Refused(f"{what} holds signs that are no text")
    return value


def texts(row: Mapping[str, Any], field: str, most: int, longest: int) -> list[str]:
    values = row.get(field, [])
    if not isinstance(values, list):
        raise Refused(f"{field} is not a list")
    if len(values) > most:
        raise Refused(f"{field} has more than {most} entries")
    # The list has blank lines among its instructions.
    there = [(number, value) for number, value in enumerate(values, start=1) if value != ""]
    return [checked(value, f"{field} {number}", longest) for number, value in there]


def muscles_of(row: Mapping[str, Any], field: str) -> list[str]:
    muscles = texts(row, field, len(REGIONS), 40)
    if field == "primaryMuscles" and not muscles:
        raise Refused(f"{field} is empty")
    for muscle in muscles:
        if muscle not in REGIONS:
            raise Refused(f"{field} names {muscle!r}, which is not known")
    return muscles


def choice(row: Mapping[str, Any], field: str, known: Container[Any]) -> Any:
    """One of the known values; a field that is missing is null."""
    value = row.get(field)
    if value is not None and not isinstance(value, str):
        raise Refused(f"{field} is not a text")
    if value not in known:
        raise Refused(f"{field} is missing" if value is None else f"{field} {value[:40]!r} is not known")
    return value


def link(row: Mapping[str, Any], field: str) -> str | None:
    if row.get(field) is None:
        return None
    address = text(row, field, 200)
    try:
        parts = urlsplit(address)
    except ValueError:
        raise Refused(f"{field} is no address") from None
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise Refused(f"{field} is not an http or https address")
    return address


def code(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", words.lower())
