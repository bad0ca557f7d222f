"""The exercise library over REST."""

import re
from typing import Any

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import errors, exercise_search, exercises
from generation.models import Exercise
from generation.queries import ExerciseFilter, ExerciseQuery, asked
from generation.views.requests import actor
from generation.views.runs import NewestFirst


class InOrder(NewestFirst):
    """By slug; the hits of a search by how near they are."""

    ordering = ("slug",)

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        return ("place",) if searched(request) else self.ordering

    def decode_cursor(self, request: Request) -> Any:
        """Raises Invalid for a place that no exercise can have."""
        cursor = super().decode_cursor(request)
        position = None if cursor is None else cursor.position
        possible: re.Pattern[str] = exercise_search.PLACE if searched(request) else exercises.SLUG
        if position is not None and not possible.fullmatch(str(position)):
            raise errors.Invalid(fields={"cursor": ["Not a place in this list."]})
        return cursor


def searched(request: Request) -> bool:
    return bool(request.query_params.get("q", "").strip())


class ExerciseList(ListAPIView):  # type: ignore[type-arg]
    pagination_class = InOrder

    def get_queryset(self) -> QuerySet[Exercise]:
        return exercises.readable_by(actor(self.request))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        wanted = {"status": Exercise.Status.REVIEWED, **asked(ExerciseFilter, request)}
        language = wanted.get("language", actor(request).language)
        shelf = self.get_queryset()
        if query := wanted.get("q"):
            shelf = exercise_search.matching(shelf, query, language)
        page = self.paginate_queryset(exercises.narrowed(shelf, wanted))
        answer = self.get_paginated_response([exercises.shown(exercise, language) for exercise in page or []])
        answer.data["facets"] = exercises.facets(shelf, wanted)
        return answer


class ExerciseDetail(APIView):
    def get(self, request: Request, slug: str) -> Response:
        user = actor(request)
        exercise = exercises.get_exercise_for(user, slug)
        language = asked(ExerciseQuery, request).get("language", user.language)
        return Response(exercises.shown(exercise, language))
