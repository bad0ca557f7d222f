"""Programs over REST: look, edit, approve, compare, copy, delete."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import errors, idempotency, looks, program_copies, programs
from generation.models import Program, ProgramVersion, User
from generation.program_serializers import (
    MOST_VERSIONS,
    AlternativesQuery,
    ApproveRequest,
    DifferencesQuery,
    PageQuery,
    ProgramFilter,
    RecordQuery,
    TemplateName,
    checked,
    edit_request,
    rows_shown,
    shown,
    version_shown,
)
from generation.queries import asked
from generation.views import requests
from generation.views.requests import actor, created
from generation.views.runs import NewestFirst


class ProgramList(ListAPIView):  # type: ignore[type-arg]
    pagination_class = NewestFirst

    def get_queryset(self) -> QuerySet[Program]:
        wanted = asked(ProgramFilter, self.request)
        found = programs.visible_to(actor(self.request)).filter(is_template=wanted["template"] == "true")
        return found.filter(status=wanted["status"]) if "status" in wanted else found

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset()) or []
        looks.listed(actor(request), page, "program")
        return self.get_paginated_response(rows_shown(page))


class TemplateList(ProgramList):
    def get_queryset(self) -> QuerySet[Program]:
        asked(PageQuery, self.request)
        return program_copies.templates_for(actor(self.request))


class ProgramDetail(APIView):
    def get(self, request: Request, program_id: str) -> Response:
        user = actor(request)
        return seen(user, programs.get_program_for(user, program_id))

    def delete(self, request: Request, program_id: str) -> Response:
        programs.delete(actor(request), program_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ByNumber(NewestFirst):
    ordering = ("-number",)

    def decode_cursor(self, request: Request) -> Any:
        """Raises Invalid for a place that no number can have."""
        cursor = super().decode_cursor(request)
        position = None if cursor is None else cursor.position
        if position is not None and not (str(position).isascii() and str(position).isdecimal()):
            raise errors.Invalid(fields={"cursor": ["Not a place in this list."]})
        return cursor


class ProgramVersions(ListAPIView):  # type: ignore[type-arg]
    pagination_class = ByNumber

    def get_queryset(self) -> QuerySet[ProgramVersion]:
        program = programs.get_program_for(actor(self.request), self.kwargs["program_id"])
        asked(PageQuery, self.request)
        return ProgramVersion.objects.filter(program=program).select_related("made_by", "approved_by")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset().defer("content"))
        return self.get_paginated_response([version_shown(version) for version in page or []])


class ProgramVersionDetail(APIView):
    def get(self, request: Request, program_id: str, number: str) -> Response:
        user = actor(request)
        return seen(user, programs.get_program_for(user, program_id), number_in(number))


class ProgramDifferences(APIView):
    def get(self, request: Request, program_id: str, number: str) -> Response:
        program = programs.get_program_for(actor(request), program_id)
        before, after = number_in(number), asked(DifferencesQuery, request).get("to", program.current)
        found = programs.differences(program, before, after)
        programs.viewed(actor(request), program, after)
        return Response({"from": before, "to": after, "differences": found})


class ProgramEdits(APIView):
    def post(self, request: Request, program_id: str) -> Response:
        user = actor(request)
        programs.get_program_for(user, program_id)
        version, action, fields = edit_request(request.data)
        return current(user, programs.edit(user, program_id, version, action, **fields))


class ProgramAlternatives(APIView):
    def get(self, request: Request, program_id: str) -> Response:
        user = actor(request)
        program = programs.get_program_for(user, program_id)
        slug = asked(AlternativesQuery, request)["slug"]
        return Response({"slug": slug, "alternatives": programs.alternatives(program, slug, user.language)})


class ProgramApprove(APIView):
    def post(self, request: Request, program_id: str) -> Response:
        user = actor(request)
        programs.get_program_for(user, program_id)
        body = checked(ApproveRequest, request.data)
        return current(user, programs.approve(user, program_id, body["version"], body.get("acknowledged", ())))


class ProgramRecordText(APIView):
    def get(self, request: Request, program_id: str) -> Response:
        program = programs.get_program_for(actor(request), program_id)
        wanted = asked(RecordQuery, request)
        number, language = wanted.get("version", program.current), wanted.get("language", program.language)
        text = programs.record_text(program, number, language)
        programs.exported(actor(request), program, number, "record")
        return Response({"version": number, "language": language, "text": text})


class ProgramDuplicate(APIView):
    def post(self, request: Request, program_id: str) -> Response:
        user = actor(request)
        return made(request, ("duplicate", program_id), lambda: program_copies.duplicate(user, program_id))


class ProgramTemplate(APIView):
    def post(self, request: Request, program_id: str) -> Response:
        user = actor(request)
        programs.get_program_for(user, program_id)
        name = checked(TemplateName, request.data)["name"]
        keep = ("template", program_id, name)
        return made(request, keep, lambda: program_copies.save_as_template(user, program_id, name))


class TemplateUse(APIView):
    def post(self, request: Request, program_id: str) -> Response:
        user = actor(request)
        return made(request, ("use", program_id), lambda: program_copies.from_template(user, program_id))


def number_in(path: str) -> int:
    """The number of a version, as an address has it. Raises NotFound."""
    number = int(path) if path.isascii() and path.isdecimal() and len(path) <= 10 else 0
    if not 1 <= number <= MOST_VERSIONS:
        raise errors.NotFound("The program has no such version.")
    return number


def current(user: User, program: Program) -> Response:
    return Response(shown(program, programs.version_of(program), user))


def seen(user: User, program: Program, number: int | None = None) -> Response:
    version = programs.version_of(program, number)
    programs.viewed(user, program, version.number)
    return Response(shown(program, version, user))


def made(request: Request, asks_for: tuple[str, ...], copy: Callable[[], Program]) -> Response:
    """A new program, or the one that the same request has made before."""
    user = actor(request)
    program, replayed = idempotency.once(user, requests.asked(request, *asks_for), copy)
    return created(shown(program, programs.version_of(program), user), f"/api/programs/{program.pk}", replayed)
