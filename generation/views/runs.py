"""Runs over REST: list, start, look, steer, delete. Whatever streams or waits is in `consumers`."""

import time
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from rest_framework import exceptions, status
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import errors, idempotency, looks, retention, runs
from generation.models import Run
from generation.models.runs import ENDED, LIVE
from generation.serializers import Corrections, RunFilter, snapshot, start_request
from generation.views.requests import accepted, actor, asked, created

# How long a DELETE waits for the worker of a live run to stop.
DELETE_WAIT_S = 5.0
DELETE_LOOK_S = 0.05


class NewestFirst(CursorPagination):
    ordering: tuple[str, ...] = ("-created_at", "-id")
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
        page = self.paginate_queryset(self.get_queryset()) or []
        looks.listed(actor(request), page)
        return self.get_paginated_response([snapshot(run) for run in page])

    def post(self, request: Request) -> Response:
        kind, cleaned = start_request(request.data)
        user = actor(request)
        run, replayed = idempotency.once(
            user, asked(request, "run", request.data), lambda: runs.start(user, kind, cleaned)
        )
        body = snapshot(run)
        return created(body, body["urls"]["self"], replayed)


class RunDetail(APIView):
    def get(self, request: Request, run_id: str) -> Response:
        run = runs.get_run_for(actor(request), run_id)
        looks.viewed(actor(request), run)
        return Response(snapshot(run))

    def delete(self, request: Request, run_id: str) -> Response:
        run = runs.delete(actor(request), run_id)
        give_up = time.monotonic() + DELETE_WAIT_S
        while not retention.erase(run.pk):
            if time.monotonic() > give_up:
                return Response(status=status.HTTP_202_ACCEPTED)
            time.sleep(DELETE_LOOK_S)
        return Response(status=status.HTTP_204_NO_CONTENT)


class RunResult(APIView):
    def get(self, request: Request, run_id: str) -> Response:
        run = runs.get_run_for(actor(request), run_id)
        if run.status in LIVE:
            raise errors.Conflict(f"The run is {run.status}; it has no result yet.")
        if run.status in ENDED and run.result is None:
            raise errors.NoResult
        looks.viewed(actor(request), run)
        return Response(run.result)


class RunCancel(APIView):
    def post(self, request: Request, run_id: str) -> Response:
        run, changed = runs.cancel(actor(request), run_id)
        return accepted(snapshot(run), changed)


class RunPause(APIView):
    def post(self, request: Request, run_id: str) -> Response:
        run, changed = runs.pause(actor(request), run_id)
        return accepted(snapshot(run), changed)


class RunResume(APIView):
    def post(self, request: Request, run_id: str) -> Response:
        run, changed = runs.resume(actor(request), run_id)
        return accepted(snapshot(run), changed)


class RunCorrections(APIView):
    def post(self, request: Request, run_id: str) -> Response:
        wanted = Corrections(data=request.data)
        if not wanted.is_valid():
            raise errors.Invalid(fields=wanted.errors)
        corrected = wanted.validated_data["corrections"]
        user = actor(request)
        run, replayed = idempotency.once(
            user, asked(request, "correct", run_id, corrected), lambda: runs.correct(user, run_id, corrected)
        )
        body = snapshot(run)
        return created(body, body["urls"]["self"], replayed)


class RunRetry(APIView):
    def post(self, request: Request, run_id: str) -> Response:
        user = actor(request)
        run, replayed = idempotency.once(user, asked(request, "retry", run_id), lambda: runs.retry(user, run_id))
        body = snapshot(run)
        return created(body, body["urls"]["self"], replayed)
