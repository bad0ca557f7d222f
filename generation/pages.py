"""The pages: for people who are signed in, and only of runs that exist for them."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from generation import page_words, presentation, runs
from generation.errors import Conflict, HepError, NotFound
from generation.forms import GenerateForm, HistoryFilter, initial_from
from generation.models import Run, User
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.serializers import cleaned, iso, snapshot

KIND = "exercise_program"
PAGE_SIZE = 25


class SignedInRequest(HttpRequest):
    user: User


def signed_in(page: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Everybody else goes to the sign-in page; htmx is told to go there, or it would fill a list with it."""

    @wraps(page)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.user.is_authenticated:
            return page(request, *args, **kwargs)
        if getattr(request, "htmx", False):
            return HttpResponseClientRedirect(str(settings.LOGIN_URL))
        return redirect_to_login(request.get_full_path())

    return guarded


def visible_run(request: SignedInRequest, run_id: str | uuid.UUID) -> Run:
    """Raises Http404, whether the run is missing or somebody else's."""
    try:
        return runs.get_run_for(request.user, run_id)
    except NotFound:
        raise Http404 from None


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def generate(request: SignedInRequest) -> HttpResponse:
    """The form. Scripts start runs through the API; without scripts the form posts here."""
    if request.method == "POST":
        return start(request)
    earlier = visible_run(request, request.GET["from"]) if "from" in request.GET else None
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


def with_retry_after(response: HttpResponse, error: HepError) -> HttpResponse:
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response


def form_page(request: SignedInRequest, form: GenerateForm, run: Run | None = None, status: int = 200) -> HttpResponse:
    """The form, with the live view of `run` over it when there is one."""
    context = {
        "form": form,
        "run": run,
        "live": {"snapshot": seen_live(run), "at": iso(timezone.now())} if run else None,
        "stages": page_words.stages(stage_codes(PIPELINES[KIND])),
        "words": page_words.FOR_SCRIPTS,
    }
    return render(request, "generation/generate.html", context, status=status)


def seen_live(run: Run) -> dict[str, Any]:
    """The snapshot without the case, which the form holds already."""
    return {name: value for name, value in snapshot(run).items() if name not in ("input", "result")}


@signed_in
@require_safe
def run_page(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """A live run is the form with its live view, so that a reload and a cancel end where they began."""
    run = visible_run(request, run_id)
    if run.live:
        return form_page(request, GenerateForm(request.user, initial=initial_from(run)), run)
    return render(request, "generation/result.html", presentation.of_ended(run))


@signed_in
@require_safe
def live_run(request: SignedInRequest, run_id: uuid.UUID) -> HttpResponse:
    """The plain live view: what the server writes, swapped in by htmx as it comes."""
    run = visible_run(request, run_id)
    if not run.live:
        return redirect("run", run.uid)
    return render(request, "generation/plain_live.html", {"run": run})


def steer(
    request: SignedInRequest, run_id: uuid.UUID, act: Callable[[User, uuid.UUID], tuple[Run, bool]]
) -> HttpResponse:
    """Carry out a command without scripts, and show what became of the run."""
    try:
        act(request.user, run_id)
    except NotFound:
        raise Http404 from None
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


@signed_in
@require_safe
def history(request: SignedInRequest) -> HttpResponse:
    statuses = HistoryFilter(request.GET).statuses()
    visible = runs.visible_to(request.user).order_by("-created_at", "-id")
    found = visible.filter(status__in=statuses) if statuses else visible
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [presentation.history_row(run, request.user) for run in page],
        "status": request.GET.get("status", "") if statuses else "",
        "filters": page_words.HISTORY_FILTERS,
    }
    partial = getattr(request, "htmx", False) and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    return render(request, "generation/_runs.html" if partial else "generation/history.html", context)
