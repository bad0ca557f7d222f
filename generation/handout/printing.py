"""Giving a program out on paper. Every print is on the audit trail; the first name on it is kept nowhere."""

from typing import Any, Literal

from django.http import HttpResponse

from generation import programs
from generation.handout import pdf
from generation.handout.sheets import sheet_of
from generation.models import AuditEntry, ProgramVersion, User

Form = Literal["page", "pdf"]
FILE_NAMES = {"en": "exercises", "da": "oevelser"}


def recorded(actor: User, version: ProgramVersion, form: Form, size: str, language: str) -> None:
    facts = {"form": form, "size": size, "language": language}
    programs.recorded(actor, AuditEntry.Action.PRINT, version.program, version.number, **facts)


def pdf_answer(
    actor: User,
    version: ProgramVersion,
    size: str = "standard",
    language: str | None = None,
    first_name: str = "",
    link: dict[str, str] | None = None,
) -> HttpResponse:
    """A version as a PDF. Its file name says nothing about the person."""
    sheet: dict[str, Any] = sheet_of(version, language)
    content = pdf.render(sheet, size, first_name, link)
    recorded(actor, version, "pdf", size, sheet["language"])
    name = f"{FILE_NAMES[sheet['language']]}-{(version.approved_at or version.made_at).date()}.pdf"
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(content, content_type="application/pdf", headers=headers)
