"""The ask column's API: DRF views over `runs`. Whatever streams or waits is in `consumers`."""

from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, set_rollback

from generation import errors, runs
from generation.errors import HepError
from generation.models import Run, User
from generation.models.runs import ENDED, LIVE
from generation.serializers import RunFilter, snapshot, start_request

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


def actor(request: Request) -> User:
    """Whoever is signed in; the permission classes let nobody else come this far."""
    assert isinstance(request.user, User)
    return request.user


class NewestFirst(CursorPagination):
    ordering = ("-created_at", "-id")
    page_size = 25
    max_page_size = 100
    page_size_query_param = "page_size"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Raises Invalid for a cursor that decodes to no place in the list."""
        try:
            return super().paginate_queryset(queryset, request, view)
        except (ValidationError, exceptions.NotFound):
            raise errors.Invalid(fields={"cursor": ["Not a place in this list."]}) from None


class RunList(ListAPIView):  # type: ignore[type-arg]
    """`GET` lists the runs one may see; `POST` starts one."""

    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Run]:
        query = RunFilter(data=self.request.query_params.dict())
        if not query.is_valid():
            raise errors.Invalid(fields=query.errors)
        return runs.visible_to(actor(self.request)).filter(**query.conditions())

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response([snapshot(run) for run in page or []])

    def post(self, request: Request) -> Response:
        kind, cleaned = start_request(request.data)
        run = runs.start(actor(request), kind, cleaned)
        body = snapshot(run)
        return Response(body, status=status.HTTP_201_CREATED, headers={"Location": body["urls"]["self"]})


class RunDetail(APIView):
    def get(self, request: Request, run_id: str) -> Response:
        return Response(snapshot(runs.get_run_for(actor(request), run_id)))


class RunResult(APIView):
    def get(self, request: Request, run_id: str) -> Response:
        run = runs.get_run_for(actor(request), run_id)
        if run.status in LIVE:
            raise errors.Conflict(f"The run is {run.status}; it has no result yet.")
        if run.status in ENDED and run.result is None:
            raise errors.NoResult
        return Response(run.result)


class RunCancel(APIView):
    def post(self, request: Request, run_id: str) -> Response:
        run, changed = runs.cancel(actor(request), run_id)
        return Response(snapshot(run), status=status.HTTP_202_ACCEPTED if changed else status.HTTP_200_OK)
