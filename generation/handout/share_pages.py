"""The links to a program: made, looked at and closed by those who may change it."""

import uuid

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from generation import page_words, rights, shares
from generation.errors import HepError, NotAllowed, NotFound
from generation.handout import links
from generation.handout.forms import ShareForm
from generation.models import Program
from generation.page_access import SignedInRequest, signed_in, visible_program


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def program_shares(request: SignedInRequest, program_id: uuid.UUID) -> HttpResponse:
    """Its links; a POST makes one, and its answer is the only page that ever shows the address."""
    program = visible_program(request, program_id)
    if request.method != "POST":
        return shown(request, program, ShareForm())
    form = ShareForm(request.POST)
    if not form.is_valid():
        return shown(request, program, form, status=400)
    try:
        made = shares.create(request.user, program_id, form.cleaned_data["days"])
    except HepError as error:
        form.add_error(None, page_words.said(error.sentence))
        return shown(request, program, form, status=error.status)
    return shown(request, program, ShareForm(), made)


def shown(
    request: SignedInRequest, program: Program, form: ShareForm, made: shares.Made | None = None, status: int = 200
) -> HttpResponse:
    url = made and request.build_absolute_uri(shares.path_of(made.token))
    context = {
        "program": program,
        "form": form,
        "links": list(shares.links_of(program)),
        "now": timezone.now(),
        "made": made,
        "printed": made and url and links.printed(url, made.link.expires_at.date(), program.language),
        "may_change": rights.may_change(request.user, program),
        "may_share": shares.may_share(request.user, program),
    }
    return render(request, "generation/shares.html", context, status=status)


@signed_in
@require_POST
def revoke_share(request: SignedInRequest, program_id: uuid.UUID, share_id: uuid.UUID) -> HttpResponse:
    try:
        shares.revoke(request.user, program_id, share_id)
    except NotFound:
        raise Http404 from None
    except NotAllowed:
        raise PermissionDenied from None
    return redirect("shares", program_id)
