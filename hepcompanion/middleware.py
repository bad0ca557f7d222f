"""What every response of the Django side gets."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def private_responses(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Keep pages and answers out of every cache: they hold health data."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    return middleware
