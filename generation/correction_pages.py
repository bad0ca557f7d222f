"""Correct what was understood of a case, and generate again. Source: domain.md 6, Result view."""

import uuid

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from generation import looks, presentation, program_presentation, programs, runs
from generation.correction_forms import CorrectionForm
from generation.errors import HepError
from generation.models import Run
from generation.page_access import SignedInRequest, signed_in, visible_run, with_retry_after


@signed_in
@require_POST
def correct(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    run = visible_run(request, run_id)
    if not presentation.may_correct(request.user, run):
        raise Http404
    form = presentation.correction_form(run, request.POST)
    if not form.is_valid():
        return said_on_the_page(request, run, form, 400)
    corrections = form.corrections()
    if not corrections:
        form.add_error(None, _("Nothing was changed yet. Open a fact and correct it first."))
        return said_on_the_page(request, run, form, 400)
    try:
        made = runs.correct(request.user, run.uid, corrections)
    except HepError as error:
        form.take_errors((error.fields or {}).get("corrections") or {"": [error.sentence]})
        return with_retry_after(said_on_the_page(request, run, form, error.status), error)
    return redirect("run", made.uid)


def said_on_the_page(request: SignedInRequest, run: Run, form: CorrectionForm, status: int) -> HttpResponse:
    """The page that the corrections came from, with what is wrong at its facts."""
    program = programs.of_run(request.user, run)
    if program is not None:
        context = program_presentation.of_program(request.user, program)
        programs.viewed(request.user, program, context["version"].number)
        template = "generation/program.html"
    else:
        looks.viewed(request.user, run)
        context, template = presentation.of_ended(run, request.user), "generation/result.html"
    return render(request, template, context | presentation.corrections(run, form), status=status)
