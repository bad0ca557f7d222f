"""Programs to hand out, written by hand so that a test knows every word of them."""

from datetime import UTC, datetime
from typing import Any

from generation import programs
from generation.clinical import library
from generation.clinical.data_files import phrases
from generation.clinical.dosing import dose_text
from generation.models import Clinic, Program, ProgramVersion, User

SHIPPED = {exercise["slug"]: exercise for exercise in library.load().exercises}
SIX = (
    "heel-slide-supine", "bridge", "sit-to-stand-no-hands", "step-up-forward", "tandem-stance", "quad-set",
)  # fmt: skip
APPROVED_ON = datetime(2026, 3, 3, 12, tzinfo=UTC)


def dose(**fields: Any) -> dict[str, Any]:
    often = {"per_day": 1, "days_per_week": 7, "named_days": [], "rest_days_between": 0}
    usual = {"sets": 2, "reps": 10, "hold_s": None, "duration_s": None, "rest_s": 30, "tempo": None, "load": {}}
    usual |= {"effort": None, "frequency": often, "side": "both", "range_note": None, "pain_limit": 5}
    return usual | {"estimated_minutes": 3.0} | fields


def item_of(slug: str, language: str, **fields: Any) -> dict[str, Any]:
    text = SHIPPED[slug]["text"][language]
    return {
        "slug": slug,
        "name": text["name"],
        "role": "strength",
        "dose": dose(),
        "dose_text": dose_text(dose(), language),
        "reason": "",
        "steps": list(text["steps"]),
        "setup": text["setup"],
        "progress_when": "",
        "precaution": text["safety"],
        "patient_note": "",
    } | fields


def content_of(language: str = "en", slugs: tuple[str, ...] = SIX, **fields: Any) -> dict[str, Any]:
    words = phrases(language)
    return {
        "title": "Knee",
        "summary_for_patient": {"en": "You have exercises for your knee.", "da": "Du har øvelser til dit knæ."}[
            language
        ],
        "duration_weeks": 6,
        "review_in_days": 28,
        "total_minutes": 18,
        "items": [item_of(slug, language) for slug in slugs],
        "pain_rule": words["pain_rule"]["5"],
        "stop_rules": [rule.format(emergency="112", red=6) for rule in words["stop_rules"]],
        "education": [words["walking"].format(minutes=10, days=5), words["general_education"]],
        "warnings": [],
        "assumptions": [],
        "findings": [],
        "profile": {"regions": ["knee"], "side": "right", "condition_tags": ["knee_oa"], "goals": ["climb_stairs"]},
    } | fields


def make_program(owner: User, language: str = "en", *, approved: bool = True, **fields: Any) -> Program:
    """A program of this person in their clinic, with one version."""
    program = Program(owner=owner, clinic=owner.clinics.first(), language=language)
    programs.begin(program, content_of(language, **fields), {"action": "generated"}, owner.pk)
    return approve(program, owner) if approved else program


def approve(program: Program, by: User) -> Program:
    """As after the checks, which have tests of their own."""
    current = ProgramVersion.objects.filter(program=program, number=program.current)
    current.update(approved_by=by, approved_at=APPROVED_ON)
    program.status = Program.Status.APPROVED
    program.save(update_fields=["status"])
    return program


def edited(program: Program, by: User, **fields: Any) -> Program:
    """The same with another draft on top."""
    content = programs.content_of(program) | fields
    return programs.advance(by, program, program.current, content, {"action": "note"}, back_to=program.current)


def give_clinic(user: User, **fields: Any) -> Clinic:
    clinic = user.clinics.get()
    Clinic.objects.filter(pk=clinic.pk).update(**fields)
    clinic.refresh_from_db()
    return clinic
