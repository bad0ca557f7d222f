"""The exercise library over REST."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import errors, exercises
from generation.models import Exercise
from generation.queries import ExerciseFilter, ExerciseQuery, asked
from generation.views.requests import actor
from generation.views.runs import NewestFirst


class BySlug(NewestFirst):
    ordering = ("slug",)

    def decode_cursor(self, request: Request) -> Any:
        """Raises Invalid for a place that no slug can have."""
        cursor = super().decode_cursor(request)
        position = None if cursor is None else cursor.position
        if position is not None and not exercises.SLUG.fullmatch(str(position)):
            raise errors.Invalid(fields={"cursor": ["Not a place in this list."]})
        return cursor


class ExerciseList(ListAPIView):  # type: ignore[type-arg]
    pagination_class = BySlug

    def get_queryset(self) -> QuerySet[Exercise]:
        return exercises.visible_to(actor(self.request))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        wanted = asked(ExerciseFilter, request)
        language = wanted.get("language", actor(request).language)
        shelf = exercises.narrowed(self.get_queryset(), wanted)
        if query := wanted.get("q"):
            shelf = exercises.matching(shelf, query, language)
        page = self.paginate_queryset(shelf)
        return self.get_paginated_response([exercises.shown(exercise, language) for exercise in page or []])


class ExerciseDetail(APIView):
    def get(self, request: Request, slug: str) -> Response:
        user = actor(request)
        exercise = exercises.get_exercise_for(user, slug)
        language = asked(ExerciseQuery, request).get("language", user.language)
        return Response(exercises.shown(exercise, language))
