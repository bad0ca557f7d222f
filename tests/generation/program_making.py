"""Programs that tests begin with, made of the shipped library without a run."""

import uuid
from collections.abc import Mapping
from typing import Any

from generation import programs
from generation.clinical import dosing, library, program
from generation.clinical.constraints import constraints_for
from generation.clinical.editing import Bench
from generation.clinical.profile import Profile
from generation.clinical.validation import Check
from generation.models import Clinic, Membership, Program, User
from tests.generation.factories import make_run

WORD_OF_THE_CASE = "xylophonist"
KNEE = Profile(
    regions=("knee",),
    side="right",
    condition_tags=("knee_oa",),
    onset={"value": 8.0, "unit": "month"},
    acuity="persistent",
    phase="maintain",
    pain_now=4,
    age=60,
    goals=("climb_stairs",),
    restrictions=({"code": "cannot_kneel", "value": None, "source_text": f"a {WORD_OF_THE_CASE} who can't kneel"},),
    equipment_available=("chair", "step"),
    evidence={"regions": f"right knee of a {WORD_OF_THE_CASE}"},
)
# By hand, so that these tests do not hang on how the composer chooses.
CHOSEN = {
    "heel-slide-supine": "warmup",
    "bridge": "strength",
    "sit-to-stand-no-hands": "strength",
    "step-up-forward": "strength",
    "tandem-stance": "balance",
}
SHIPPED = {exercise["slug"]: exercise for exercise in library.load().exercises}


def bench(language: str = "en", reader: str = "en", shipped: Mapping[str, Any] = SHIPPED) -> Bench:
    return Bench(shipped, language, reader)


def result_for(profile: Profile = KNEE, language: str = "en") -> dict[str, Any]:
    """As the composer would write it for this profile."""
    limits = constraints_for(profile)
    names = program.names(list(SHIPPED.values()), language)
    items = [
        program.item(
            {
                "slug": slug,
                "role": role,
                "dose": dosing.dose_for(SHIPPED[slug], profile),
                "reason": program.reason(SHIPPED[slug], profile, language),
            },
            SHIPPED[slug],
            profile,
            names,
            language,
            SHIPPED,
        )
        for slug, role in CHOSEN.items()
    ]
    whole = program.assemble(items, profile, limits, (), None, language)
    found = Check(profile, limits, SHIPPED, language).program(whole)
    whole["findings"] = [finding.as_dict() for finding in found]
    return program.result("program", profile, program=whole)


def content_for(profile: Profile = KNEE, language: str = "en") -> dict[str, Any]:
    """The same as a version keeps it."""
    result = result_for(profile, language)
    return {key: value for key, value in result["program"].items() if key != "id"} | {"profile": result["profile"]}


def make_program(owner: User, profile: Profile = KNEE, language: str = "en") -> Program:
    """As a run of this person has left it, in their only clinic."""
    clinic = owner.clinics.first()
    run = make_run(owner, clinic=clinic, language=language)
    result = programs.identified(run, result_for(profile, language))
    programs.store(run, result)
    return Program.objects.get(pk=result["program"]["id"])


def slugs(content: Mapping[str, Any]) -> list[str]:
    return [item["slug"] for item in content["items"]]


def auditor_of(clinic_id: str | uuid.UUID, name: str = "erin") -> User:
    made = User.objects.create(username=name)
    Membership.objects.create(clinic=Clinic.objects.get(pk=clinic_id), user=made, role=Membership.Role.AUDITOR)
    return made
