"""What would leave this server for a case, before anything does. Source: domain.md 7."""

import re
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from generation import pages, previews
from generation.errors import HepError
from generation.forms import GenerateForm
from generation.page_access import SignedInRequest, signed_in, with_retry_after
from generation.serializers import cleaned

# What `redaction` took out, by the word that stands in its place.
KINDS: dict[str, str | Promise] = {
    "name": _("name"),
    "civil number": _("civil number (CPR)"),
    "record number": _("record number"),
    "phone": _("phone number"),
    "e-mail": _("e-mail address"),
    "link": _("link"),
    "address": _("address"),
    "date": _("date, as the time since"),
    "age": _("age of 90 or more"),
}
ROLES: dict[str, str | Promise] = {
    "system": _("Instructions"),
    "user": _("The case and the exercises to choose from"),
}
PLACEHOLDER = re.compile(r"(\[(?:{}|date of birth)\])".format("|".join(re.escape(kind) for kind in KINDS)))


@signed_in
@require_POST
def preview(request: SignedInRequest) -> HttpResponse:
    form = GenerateForm(request.user, request.POST)
    if not form.is_valid():
        return pages.form_page(request, form, status=400)
    try:
        found = previews.preview(request.user, pages.KIND, cleaned(pages.KIND, form.input()))
    except HepError as error:
        form.take_errors(dict(error.fields) if error.fields else {"": [error.sentence]})
        return with_retry_after(pages.form_page(request, form, status=error.status), error)
    sent = found["task"]["messages"] if found["task"] else []
    context: dict[str, Any] = {
        **found,
        "pieces": list(pieces(found["case"])),
        "counts": [(KINDS.get(kind, kind), count) for kind, count in sorted(found["redacted"].items())],
        "told": [(ROLES[message["role"]], message) for message in sent],
        "given": [(name, value) for name, value in request.POST.items() if name in form.fields],
    }
    return render(request, "generation/preview.html", context)


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The text in order, each piece with whether it stands in the place of something."""
    for place, piece in enumerate(PLACEHOLDER.split(text)):
        if piece:
            yield piece, place % 2 == 1
