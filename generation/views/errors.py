"""One JSON form for every error of the API."""

from typing import Any

from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from generation import errors
from generation.errors import HepError

# What DRF raises by itself, in the words of the wire.
TRANSLATED: dict[type[Exception], type[HepError]] = {
    exceptions.NotAuthenticated: errors.NotSignedIn,
    exceptions.AuthenticationFailed: errors.NotSignedIn,
    exceptions.PermissionDenied: errors.NotAllowed,
    exceptions.NotFound: errors.NotFound,
    Http404: errors.NotFound,
    exceptions.Throttled: errors.RateLimited,
}


def error_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """The exception handler: one JSON form for every error, and no detail of ours in it."""
    if not isinstance(error, HepError):
        if (wire_class := TRANSLATED.get(type(error))) is not None:
            error = wire_class()
        elif isinstance(error, exceptions.MethodNotAllowed):
            error = errors.MethodNotAllowed(*context["view"].allowed_methods)
        elif isinstance(error, exceptions.APIException) and error.status_code < 500:
            status_code, error = error.status_code, errors.Invalid(str(error.detail)[:200])
            error.status = status_code
        else:
            # Django logs it and answers 500 through the handler in hepcompanion.urls.
            return None
    set_rollback()
    response = Response(error.body(), status=error.status)
    if isinstance(error, errors.NotSignedIn):
        response["WWW-Authenticate"] = "Token"
    if isinstance(error, errors.MethodNotAllowed):
        response["Allow"] = ", ".join(error.allowed)
    if error.retry_after_s is not None:
        response["Retry-After"] = str(error.retry_after_s)
    return response
