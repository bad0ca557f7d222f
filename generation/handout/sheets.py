"""The sheet of a stored version: who gives it out, and what its exercises are called in the other language."""

from generation import shelf
from generation.clinical.handout import Edition, Letterhead, Sheet, sheet
from generation.models import Program, ProgramVersion


def sheet_of(version: ProgramVersion, language: str | None = None, *, public: bool = False) -> Sheet:
    """A version for its patient, by default in its own language. Raises CannotOpen.

    A `public` one is for whoever has the link: it names the clinic, and nobody who works there.
    """
    program = version.program
    wanted = language or program.language
    edition = Edition(
        written=program.language,
        dated=(version.approved_at or version.made_at).date(),
        approved=version.approved_at is not None,
    )
    # In its own language a version says what it said when it was approved, whatever the library says now.
    library = {} if wanted == program.language else {entry["slug"]: entry for entry in shelf.library(program.clinic_id)}
    return sheet(version.content, edition, letterhead(program, version, public), library, wanted)


def letterhead(program: Program, version: ProgramVersion, public: bool) -> Letterhead:
    clinic, signer = program.clinic, version.approved_by or (None if version.approved_at else version.made_by)
    return Letterhead(
        clinic=clinic.name if clinic else "",
        phone=clinic.phone if clinic else "",
        emergency=clinic.emergency_number if clinic else "112",
        # A username is for signing in, not for paper.
        clinician="" if public else signer.get_full_name() if signer else version.approved_by_name,
    )
