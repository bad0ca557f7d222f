"""The page of a program, and what its buttons do. Every command is a plain POST; htmx swaps the program in place."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from generation import looks, page_words, program_copies, program_presentation, programs, rights
from generation.clinical.editing import DOSE_LIMITS
from generation.errors import HepError, Invalid, StaleVersion
from generation.models import Program, User
from generation.page_access import SignedInRequest, signed_in, visible_program, wants_part
from generation.program_serializers import TemplateName, checked, edit_request
from generation.serializers import opened


@signed_in
@require_safe
def program_page(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    return shown(request, visible_program(request, program_id))


def shown(request: SignedInRequest, program: Program, number: int | None = None) -> HttpResponse:
    """A version's page, by default of the current one. Raises NotFound for a version that is not there."""
    context = program_presentation.of_program(request.user, program, number)
    programs.viewed(request.user, program, context["version"].number)
    return render(request, "generation/program.html", context | {"words": page_words.FOR_PROGRAM_SCRIPTS})


@signed_in
@require_POST
def edit_program(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    program = visible_program(request, program_id)
    slug = request.POST.get("slug", "")
    try:
        version, action, fields = edit_request(edit_data(request.POST))
        if action == "dose":
            none_cleared(program, request.POST)
            fields = changes_only(program, fields)
            if set(fields) == {"slug"}:
                return done(request, program, f"dose-{slug}", said=_("Nothing was changed."))
        changed = programs.edit(request.user, program_id, version, action, **fields)
    except HepError as error:
        return refused(request, program_id, error, slug, request.POST.dict())
    return done(request, changed, focus_after(action, fields))


def edit_data(posted: QueryDict) -> dict[str, Any]:
    """The body of an edit as the API takes it: numbers as numbers, and without what was left empty."""
    found: dict[str, Any] = {}
    for name in posted:
        value, number = posted.get(name, "").strip(), name == "version" or name in DOSE_LIMITS
        if name == "csrfmiddlewaretoken" or (number and not value):
            continue
        found[name] = int(value) if number and value.isdecimal() and len(value) <= 9 else value
    return found


def none_cleared(program: Program, posted: QueryDict) -> None:
    """Raises Invalid where a part of the dose was emptied: a dose has no part that can be left out."""
    as_it_is = dose_of(program, posted.get("slug", ""))
    emptied = [name for name in DOSE_LIMITS if posted.get(name, "0").strip() == "" and as_it_is.get(name) is not None]
    if emptied:
        raise Invalid(fields=dict.fromkeys(emptied, [_("Nothing was changed: a number is needed here.")]))


def dose_of(program: Program, slug: str) -> dict[str, Any]:
    """The parts of an item's dose as the form names them; empty for an item that is not there."""
    items = programs.content_of(program)["items"]
    dose = next((item["dose"] for item in items if item["slug"] == slug), None)
    return dose | dose["frequency"] if dose else {}


def changes_only(program: Program, fields: dict[str, Any]) -> dict[str, Any]:
    """Without the parts of the dose that the form sent back as they were."""
    as_it_is = dose_of(program, fields["slug"])
    if not as_it_is:
        return fields
    return {name: value for name, value in fields.items() if name == "slug" or as_it_is.get(name) != value}


def focus_after(action: str, fields: dict[str, Any]) -> str:
    """The id of the element that a person goes on from."""
    slug = fields.get("slug", "")
    places = {"move": f"{fields.get('direction')}-{slug}", "swap": f"item-{fields.get('to')}", "add": f"item-{slug}"}
    places |= {"dose": f"dose-{slug}", "note": f"note-{slug}"}
    return places.get(action, "last-change")


@signed_in
@require_POST
def approve_program(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    visible_program(request, program_id)
    try:
        programs.approve(request.user, program_id, version_in(request.POST), request.POST.getlist("acknowledged"))
    except HepError as error:
        return refused(request, program_id, error)
    return done(request, visible_program(request, program_id), "standing", said=_("Approved"))


def version_in(posted: QueryDict) -> int:
    """The version that the person has looked at. Raises Invalid."""
    written = posted.get("version", "")
    if not written.isdecimal() or len(written) > 9:
        raise Invalid(fields={"version": [_("Reload the page and try again.")]})
    return int(written)


def done(request: SignedInRequest, program: Program, focus: str, said: str = "") -> HttpResponse:
    """The program as it is now, and where to go on."""
    if not wants_part(request):
        return redirect(f"{reverse('program', args=[program.pk])}#{quote(focus)}")
    context = program_presentation.of_program(request.user, program) | {"focus": focus}
    return render(request, "generation/_program_answer.html", context | {"said": said or context["last_change"]})


def refused(
    request: SignedInRequest,
    program_id: uuid.UUID,
    error: HepError,
    slug: str = "",
    typed: Mapping[str, Any] | None = None,
) -> HttpResponse:
    """The program as it is now, why nothing was changed, and what had been typed for the item."""
    program = visible_program(request, program_id)
    context = program_presentation.of_program(request.user, program, problem=error, at_fault=slug, typed=typed)
    programs.viewed(request.user, program, context["version"].number)
    context |= {"stale": isinstance(error, StaleVersion), "focus": "problem", "words": page_words.FOR_PROGRAM_SCRIPTS}
    template = "generation/_program_answer.html" if wants_part(request) else "generation/program.html"
    return render(request, template, context, status=error.status)


@signed_in
@require_POST
def duplicate_program(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    return copied(request, program_id, program_copies.duplicate)


@signed_in
@require_POST
def save_template(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    def save(actor: User, source: uuid.UUID) -> Program:
        name = checked(TemplateName, {"name": request.POST.get("name", "")})["name"]
        return program_copies.save_as_template(actor, source, name)

    return copied(request, program_id, save)


@signed_in
@require_POST
def delete_program(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    was_template = visible_program(request, program_id).is_template
    try:
        programs.delete(request.user, program_id)
    except HepError as error:
        return refused(request, program_id, error)
    return moved_to(request, reverse("templates" if was_template else "programs"))


@signed_in
@require_POST
def use_template(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    return copied(request, program_id, program_copies.from_template)


@signed_in
@require_safe
def templates(request: SignedInRequest) -> HttpResponse:
    found = list(program_copies.templates_for(request.user))
    looks.listed(request.user, found, "program")
    rows = [
        {
            "template": template,
            "name": opened(template, "template_name") or "–",
            "may_use": rights.may_change(request.user, template),
        }
        for template in found
    ]
    return render(request, "generation/templates.html", {"rows": rows})


def copied(request: SignedInRequest, program_id: uuid.UUID, copy: Callable[[User, uuid.UUID], Program]) -> HttpResponse:
    """Make a copy and open it; a refusal is said on the page of the original."""
    visible_program(request, program_id)
    try:
        made = copy(request.user, program_id)
    except HepError as error:
        return refused(request, program_id, error)
    return moved_to(request, reverse("program", args=[made.pk]))


def moved_to(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if wants_part(request) else redirect(url)
