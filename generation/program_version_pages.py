"""The versions of a program, what is different between them, and the text for the record."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from generation import page_words, program_pages, program_presentation, programs
from generation.errors import NotFound
from generation.models import Program
from generation.models.accounts import Language
from generation.page_access import SignedInRequest, signed_in, visible_program


@signed_in
@require_safe
def versions(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    """All versions, and the differences between `?from=` and `?to=`, by default of the last change."""
    program = visible_program(request, program_id)
    after = number_in(request, "to", program.current)
    before = number_in(request, "from", max(1, after - 1))
    try:
        found = programs.differences(program, before, after) if before != after else []
    except NotFound:
        raise Http404 from None
    programs.viewed(request.user, program, after)
    context = {
        "record": program,
        "language": program.language,
        "rows": program_presentation.versions_shown(program),
        "before": before,
        "after": after,
        "differences": found,
        "same": before == after,
    }
    return render(request, "generation/versions.html", context)


def number_in(request: SignedInRequest, name: str, default: int) -> int:
    written = request.GET.get(name, "")
    return int(written) if written.isdecimal() and len(written) <= 9 else default


@signed_in
@require_safe
def version_page(request: SignedInRequest, program_id: uuid.UUID, number: int) -> HttpResponse:
    try:
        return program_pages.shown(request, visible_program(request, program_id), number)
    except NotFound:
        raise Http404 from None


@signed_in
@require_safe
def record_page(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    """The text for the patient's record, to be copied."""
    program = visible_program(request, program_id)
    language = asked_language(request, program)
    programs.exported(request.user, program, program.current, "record")
    context = {
        "record": program,
        "language": language,
        "languages": Language.choices,
        "words": page_words.FOR_PROGRAM_SCRIPTS,
        "text": programs.record_text(program, language=language),
    }
    return render(request, "generation/record.html", context)


def asked_language(request: SignedInRequest, program: Program) -> str:
    asked = request.GET.get("language", "")
    return asked if asked in Language.values else program.language
