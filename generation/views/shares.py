"""Links for patients, and the hand-out as a PDF."""

from django.http import HttpResponse
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import programs, shares
from generation.handout.printing import pdf_answer
from generation.program_serializers import checked
from generation.queries import asked
from generation.serializers import iso
from generation.share_serializers import HandoutQuery, ShareRequest, link_shown
from generation.views.requests import actor

MOST_SHOWN = 100


class ProgramShares(APIView):
    def get(self, request: Request, program_id: str) -> Response:
        program = programs.get_program_for(actor(request), program_id)
        return Response({"results": [link_shown(link) for link in shares.links_of(program)[:MOST_SHOWN]]})

    def post(self, request: Request, program_id: str) -> Response:
        user = actor(request)
        programs.get_program_for(user, program_id)
        made = shares.create(user, program_id, checked(ShareRequest, request.data)["days"])
        url = request.build_absolute_uri(shares.path_of(made.token))
        body = {"id": str(made.link.pk), "url": url, "expires_at": iso(made.link.expires_at)}
        return Response(body, status=status.HTTP_201_CREATED)


class ProgramShare(APIView):
    def delete(self, request: Request, program_id: str, share_id: str) -> Response:
        shares.revoke(actor(request), program_id, share_id)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProgramHandout(APIView):
    def get(self, request: Request, program_id: str) -> HttpResponse:
        user = actor(request)
        program = programs.get_program_for(user, program_id)
        wanted = asked(HandoutQuery, request)
        version = programs.version_of(program, wanted.get("version"))
        return pdf_answer(user, version, wanted["size"], wanted.get("language"))
