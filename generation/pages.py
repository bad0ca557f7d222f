"""The pages of a run: its form, its live view, its ending."""

import uuid
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone, translation
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from generation import looks, page_words, presentation, program_pages, program_presentation, programs, runs
from generation.errors import Conflict, HepError, NotAllowed, NotFound
from generation.forms import GenerateForm, initial_from
from generation.models import Run, User
from generation.models.runs import Status
from generation.page_access import SignedInRequest, signed_in, visible_run, with_retry_after
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.record_numbers import masked
from generation.serializers import cleaned, iso, snapshot

KIND = "exercise_program"
# To htmx, which polls no more.
STOP_ASKING = 286


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def generate(request: SignedInRequest) -> HttpResponse:
    """The form. Scripts start runs through the API; without scripts the form posts here."""
    if request.method == "POST":
        if "edit" in request.POST:
            # Back from the preview, with the case as it was.
            given = {name: value for name, value in request.POST.items() if name != "edit"}
            return form_page(request, GenerateForm(request.user, initial=given))
        return start(request)
    earlier = visible_run(request, request.GET["from"]) if "from" in request.GET else None
    if earlier:
        looks.viewed(request.user, earlier)
    return form_page(request, GenerateForm(request.user, initial=initial_from(earlier) if earlier else None))


def start(request: SignedInRequest) -> HttpResponse:
    form = GenerateForm(request.user, request.POST)
    if not form.is_valid():
        return form_page(request, form, status=400)
    try:
        run = runs.start(request.user, KIND, cleaned(KIND, form.input()))
    except HepError as error:
        form.take_errors(dict(error.fields) if error.fields else {"": [error.sentence]})
        return with_retry_after(form_page(request, form, status=error.status), error)
    return redirect("run", run.uid)


def form_page(request: SignedInRequest, form: GenerateForm, run: Run | None = None, status: int = 200) -> HttpResponse:
    """The form, with the live view of `run` over it when there is one."""
    context = {
        "form": form,
        "followed": followed(request, form),
        "run": run,
        "live": {"snapshot": seen_live(run), "at": iso(timezone.now())} if run else None,
        "stages": page_words.stages(stage_codes(PIPELINES[KIND])),
        "words": page_words.FOR_SCRIPTS,
    }
    return render(request, "generation/generate.html", context, status=status)


def followed(request: SignedInRequest, form: GenerateForm) -> str:
    """The record number that the run would take over from the one it follows, masked."""
    try:
        return masked(runs.get_run_for(request.user, str(form["follows"].value() or "")).input.get("mrn", ""))
    except NotFound:
        return ""


def seen_live(run: Run) -> dict[str, Any]:
    """The snapshot without the case, which the form holds already."""
    return {name: value for name, value in snapshot(run).items() if name not in ("input", "result")}


@signed_in
@require_safe
def run_page(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """A live run is the form with its live view, so that a reload and a cancel end where they began.

    Once it has written a program, the program as it is now.
    """
    run = visible_run(request, run_id)
    if run.live:
        looks.viewed(request.user, run)
        return form_page(request, GenerateForm(request.user, initial=initial_from(run)), run)
    program = programs.of_run(request.user, run)
    if program is not None:
        return program_pages.shown(request, program)
    looks.viewed(request.user, run)
    context = presentation.of_ended(run, request.user)
    if context["outcome"] == "program":
        # Its program has been deleted, or is of a time before programs were kept: the result, to be read only.
        context |= program_presentation.of_result(run)
    return render(request, "generation/result.html", context)


@signed_in
@require_safe
def live_run(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """The plain live view: what the server writes, swapped in by htmx as it comes."""
    run = visible_run(request, run_id)
    if not run.live:
        return redirect("run", run.uid)
    return render(request, "generation/plain_live.html", {"run": run})


@signed_in
@require_safe
def place(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """What the plain live view says of a run that waits, as it stands now; htmx asks again until it waits no longer."""
    run = visible_run(request, run_id)
    if run.status != Status.QUEUED:
        return HttpResponse(status=STOP_ASKING, headers={"HX-Reswap": "none"})
    with translation.override(run.language):
        return render(request, "generation/events/queued.html", {"data": seen_live(run)})


def steer(
    request: SignedInRequest, run_id: uuid.UUID, act: Callable[[User, uuid.UUID], tuple[Run, bool]]
) -> HttpResponse:
    """Carry out a command without scripts, and show what became of the run."""
    try:
        act(request.user, run_id)
    except NotFound:
        raise Http404 from None
    except NotAllowed:
        raise PermissionDenied from None
    except Conflict:
        # It ended first; its page says how.
        pass
    return redirect("run", run_id)


@signed_in
@require_POST
def cancel_run(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    return steer(request, run_id, runs.cancel)


@signed_in
@require_POST
def pause_run(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    return steer(request, run_id, runs.pause)


@signed_in
@require_POST
def resume_run(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    return steer(request, run_id, runs.resume)
