"""The hand-out as a page to print and as a PDF."""

import uuid
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from generation import page_words, programs, shares
from generation.errors import HepError, NotFound
from generation.handout import links, printing
from generation.handout.forms import PrintForm
from generation.handout.sheets import sheet_of
from generation.models import Program, ProgramVersion
from generation.page_access import SignedInRequest, signed_in, visible_program

GET_HEAD_POST = ["GET", "HEAD", "POST"]
NEVER_IN_ADDRESS = ("first_name", "with_link", "token")


@signed_in
@require_http_methods(GET_HEAD_POST)
def handout(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    """What the browser prints, and above it what may be chosen."""
    program, version, form = asked(request, program_id)
    if not form.is_valid():
        return shown(request, program, version, form, {"size": "standard"}, status=400)
    return shown(request, program, version, form, form.cleaned_data)


@signed_in
@require_http_methods(GET_HEAD_POST)
def handout_pdf(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    program, version, form = asked(request, program_id)
    if not form.is_valid():
        return shown(request, program, version, form, {"size": "standard"}, status=400)
    values = form.cleaned_data
    try:
        link, _ = link_for(request, program, version, values)
    except HepError as error:
        form.add_error("with_link", page_words.said(error.sentence))
        return shown(request, program, version, form, {"size": values["size"]}, status=error.status)
    language = values["language"] or program.language
    return printing.pdf_answer(request.user, version, values["size"], language, values["first_name"].strip(), link)


def asked(request: SignedInRequest, program_id: uuid.UUID) -> tuple[Program, ProgramVersion, PrintForm]:
    """The program, the version and the choices. Raises Http404."""
    program = visible_program(request, program_id)
    posted = request.method == "POST"
    given = {k: v for k, v in (request.POST if posted else request.GET).items() if posted or k not in NEVER_IN_ADDRESS}
    form = PrintForm({"size": "standard", "language": program.language} | given)
    number = form.cleaned_data.get("version") if form.is_valid() else None
    try:
        return program, programs.version_of(program, number), form
    except NotFound:
        raise Http404 from None


def shown(
    request: SignedInRequest,
    program: Program,
    version: ProgramVersion,
    form: PrintForm,
    values: dict[str, Any],
    status: int = 200,
) -> HttpResponse:
    language = values.get("language") or program.language
    link = token = None
    try:
        link, token = link_for(request, program, version, values)
    except HepError as error:
        form.add_error("with_link", page_words.said(error.sentence))
        status = error.status
    sheet = sheet_of(version, language)
    name = values.get("first_name", "").strip()
    printing.recorded(request.user, version, "page", values["size"], language)
    context = {
        "sheet": sheet,
        "size": values["size"],
        "first_name": name,
        "for_words": sheet["words"]["for"].format(name=name),
        "link": link,
        "link_words": link and sheet["words"]["link_help"].format(date=link["until"]),
        "token": token or "",
        "program": program,
        "version": version,
        "form": form,
        "may_share": may_share(request, program, version),
    }
    return render(request, "generation/handout.html", context, status=status)


def may_share(request: SignedInRequest, program: Program, version: ProgramVersion) -> bool:
    return version.number == program.current and shares.may_share(request.user, program)


def link_for(
    request: SignedInRequest, program: Program, version: ProgramVersion, values: dict[str, Any]
) -> tuple[dict[str, str] | None, str | None]:
    """The link to print and its token: the one that was made for this page before, else a new one if it is wished.

    Raises NotAllowed, Conflict, NotApproved. A link opens the approved version, so no other is printed with one.
    """
    if version.number != program.current:
        return None, None
    token = values.get("token", "")
    link = shares.find(token) if token else None
    if link is None or link.program_id != program.pk:
        if not values.get("with_link"):
            return None, None
        link, token = shares.create(request.user, program.pk)
    url = request.build_absolute_uri(shares.path_of(token))
    return links.printed(url, link.expires_at.date(), values.get("language") or program.language), token
