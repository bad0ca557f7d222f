"""Who may open a page, and how a refusal leaves it."""

import uuid
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django_htmx.http import HttpResponseClientRedirect

from generation import programs, runs
from generation.errors import HepError, NotFound
from generation.models import Program, Run, User


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


def visible_program(request: SignedInRequest, program_id: str | uuid.UUID) -> Program:
    """Raises Http404, whether the program is missing or somebody else's."""
    try:
        return programs.get_program_for(request.user, program_id)
    except NotFound:
        raise Http404 from None


def wants_part(request: HttpRequest) -> bool:
    """Whether htmx asks for the part of the page that changes, and not for a page that the browser has lost."""
    htmx = getattr(request, "htmx", None)
    return bool(htmx) and not htmx.history_restore_request  # type: ignore[union-attr]


def with_retry_after(response: HttpResponse, error: HepError) -> HttpResponse:
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response
