"""Which exercises could stand in for one of a program's. Source: domain.md 1 and 6."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from generation.clinical import dosing, editing, program, selection
from generation.clinical.editing import Bench, Content, Exercise

MOST = 12
# What counts how much; the sum orders them, then the composer's own score, then the slug.
_WEIGHTS = {"easier": 9, "harder": 9, "region": 5, "purpose": 3, "position": 1}


@dataclass(frozen=True, slots=True)
class Alternative:
    exercise: Exercise
    dose: dosing.Dose
    codes: tuple[str, ...]
    score: int

    @property
    def rank(self) -> tuple[int, int, str]:
        return -sum(_WEIGHTS[code] for code in self.codes), -self.score, self.exercise["slug"]


def alternatives(content: Content, slug: str, bench: Bench) -> list[dict[str, Any]]:
    """Similar exercises that are safe for this person, best first, each with why it is alike.

    Raises Invalid for a slug that is not in the program; empty when the library does not know it any more.
    """
    editing.place_of(content["items"], slug, bench)
    outgoing = bench.library.get(slug)
    if outgoing is None:
        return []
    found = sorted(similar(content, outgoing, bench), key=lambda one: one.rank)
    return [shown(one, bench) for one in found[:MOST]]


def similar(content: Content, outgoing: Exercise, bench: Bench) -> Iterator[Alternative]:
    check = editing.check_of(content, bench)
    others = [item for item in content["items"] if item["slug"] != outgoing["slug"]]
    taken = {item["slug"] for item in content["items"]}
    near = {*outgoing["body_regions"], *check.profile.regions}
    for exercise in bench.library.values():
        codes = alike(exercise, outgoing)
        on_ladder = bool({"easier", "harder"}.intersection(codes))
        if exercise["slug"] in taken or not (on_ladder or near.intersection(exercise["body_regions"])):
            continue
        if not on_ladder and selection.role_of(exercise) != selection.role_of(outgoing):
            continue
        if selection.reason_against(exercise, check.profile, check.constraints) is not None:
            continue
        mended, found = editing.tried(exercise, others, check, bench)
        if not any(finding.severity == "error" for finding in found):
            yield Alternative(exercise, mended["dose"], codes, selection.score(exercise, check.profile))


def alike(exercise: Exercise, outgoing: Exercise) -> tuple[str, ...]:
    """In what the two are alike, as codes."""
    holds = {
        # An exercise lists in `easier_than` what is harder than itself.
        "easier": exercise["slug"] in outgoing["harder_than"] or outgoing["slug"] in exercise["easier_than"],
        "harder": exercise["slug"] in outgoing["easier_than"] or outgoing["slug"] in exercise["harder_than"],
        "purpose": exercise["purposes"][0] == outgoing["purposes"][0],
        "region": exercise["body_regions"][0] == outgoing["body_regions"][0],
        "position": exercise["positions"][0] == outgoing["positions"][0],
    }
    return tuple(code for code, held in holds.items() if held)


def shown(one: Alternative, bench: Bench) -> dict[str, Any]:
    text = program.localised(one.exercise, bench.language)
    why = ", ".join(editing.words("alike", code, bench.reader) for code in one.codes)
    return {
        "slug": one.exercise["slug"],
        "name": text["name"],
        "purpose_line": text["purpose_line"],
        "level": one.exercise["level"],
        "equipment": list(one.exercise["equipment"]),
        "dose_text": dosing.dose_text(one.dose, bench.language),
        "codes": list(one.codes),
        "why": why[:1].upper() + why[1:],
    }
