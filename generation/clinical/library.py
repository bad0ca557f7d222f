"""The shipped exercises. Source: domain.md 2.2 and 2.7.

One file per region under `data/exercises/`, named after the first of an exercise's `body_regions`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from generation.clinical.data_files import DATA

FIELDS = (
    "slug status version body_regions purposes phases positions equipment equipment_alternatives level laterality "
    "weight_bearing resistance_type primary_muscles secondary_muscles conditions_good demands min_age max_age "
    "supervision variation_group easier_than harder_than default_dose dose_bounds evidence_note licence text"
).split()


@dataclass(frozen=True, slots=True)
class Library:
    """`version` is a short hash of the content: the same exercises always have the same version."""

    version: str
    exercises: tuple[Mapping[str, Any], ...]


@cache
def load() -> Library:
    """All shipped exercises by slug order; raises ValueError naming each fault when one is malformed."""
    files = sorted((DATA / "exercises").glob("*.json"))
    exercises = [entry for path in files for entry in json.loads(path.read_text(encoding="utf-8"))]
    exercises.sort(key=lambda exercise: exercise["slug"])
    found = problems(exercises)
    if found:
        raise ValueError("; ".join(found))
    canonical = json.dumps(exercises, sort_keys=True, ensure_ascii=False).encode()
    return Library(hashlib.sha256(canonical).hexdigest()[:12], tuple(exercises))


def version_of(exercises: Iterable[Mapping[str, Any]]) -> str:
    """A short name for exactly these exercises in these versions, whatever their order."""
    named = sorted(f"{exercise['slug']}:{exercise['version']}" for exercise in exercises)
    return hashlib.sha256(" ".join(named).encode()).hexdigest()[:8]


def problems(exercises: Iterable[Mapping[str, Any]]) -> list[str]:
    """What is wrong with a set of exercises, one sentence each; empty when all is well."""
    entries = list(exercises)
    slugs = [str(entry.get("slug")) for entry in entries]
    known = set(slugs)
    found = [
        f"{slug}: more than one exercise has this slug" for slug in sorted({s for s in slugs if slugs.count(s) > 1})
    ]
    for entry in entries:
        found.extend(f"{entry.get('slug')}: {problem}" for problem in _problems_of(entry, known))
    return found


def _problems_of(entry: Mapping[str, Any], known: set[str]) -> list[str]:
    missing = [name for name in FIELDS if name not in entry]
    if missing:
        return [f"{name} is missing" for name in missing]
    found = [f"{name} is not a known field" for name in entry if name not in FIELDS]
    found += [f"{name} is empty" for name in ("body_regions", "purposes", "phases", "positions") if not entry[name]]
    found += _demand_problems(entry["demands"])
    found += [
        f"ladder names {slug}, which is not in the library"
        for slug in (*entry["easier_than"], *entry["harder_than"])
        if slug not in known
    ]
    found += [
        f"default_dose gives phase {phase}, which is not among its phases"
        for phase in entry["default_dose"]
        if phase not in entry["phases"]
    ]
    if not entry["text"].get("en"):
        found.append("has no English text")
    return found


def _demand_problems(demands: list[str]) -> list[str]:
    """A missing demand is a missed contraindication, so that "none" must be said. Source: domain.md 8.1."""
    if not demands:
        return ['demands is empty: list them, or say ["none"]']
    return ['demands has "none" beside others'] if "none" in demands and len(demands) > 1 else []
