"""A program for other systems."""

from django.http import JsonResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from generation import fhir, programs
from generation.program_serializers import VersionQuery
from generation.queries import asked
from generation.views.requests import actor


class ProgramFhir(APIView):
    def get(self, request: Request, program_id: str) -> JsonResponse:
        user = actor(request)
        program = programs.get_program_for(user, program_id)
        version = programs.version_of(program, asked(VersionQuery, request).get("version"))
        bundle = fhir.bundle(program, version)
        programs.exported(user, program, version.number, "fhir")
        return JsonResponse(bundle, content_type="application/fhir+json")
