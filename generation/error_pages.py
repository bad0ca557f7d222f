"""What Django answers when no view did: the wire's JSON under `/api/`, a designed page elsewhere."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string

from generation import errors
from generation.errors import HepError


def answer(request: HttpRequest, template: str, status: int, error: HepError) -> HttpResponse:
    """The templates get no request: what failed may be the session or the database behind it."""
    if request.path.startswith("/api/"):
        return JsonResponse(error.body(), status=status)
    return HttpResponse(render_to_string(template), status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, "400.html", 400, errors.Invalid())


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, "403.html", 403, errors.NotAllowed())


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return answer(request, "404.html", 404, errors.NotFound("There is nothing at this address."))


def server_error(request: HttpRequest) -> HttpResponse:
    return answer(request, "500.html", 500, errors.ServerError())
