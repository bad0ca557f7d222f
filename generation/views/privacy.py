"""Record numbers, and what would leave the server. In bodies alone: addresses end up in logs."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import previews, record_numbers, runs
from generation.errors import Invalid
from generation.serializers import RecordNumber, snapshot, start_request
from generation.views.requests import actor


class RunSearch(APIView):
    """The newest runs with exactly this record number."""

    def post(self, request: Request) -> Response:
        wanted = RecordNumber(data=request.data)
        if not wanted.is_valid():
            raise Invalid(fields=wanted.errors)
        user = actor(request)
        found = record_numbers.matching(runs.visible_to(user), user, wanted.validated_data["mrn"])
        newest = found.order_by("-created_at", "-id")[: record_numbers.MOST_FOUND]
        return Response({"results": [snapshot(run) for run in newest]})


class RunRecordNumber(APIView):
    def post(self, request: Request, run_id: str) -> Response:
        user = actor(request)
        return Response({"mrn": record_numbers.reveal(user, runs.get_run_for(user, run_id)) or None})


class Preview(APIView):
    def post(self, request: Request) -> Response:
        kind, cleaned = start_request(request.data)
        return Response(previews.preview(actor(request), kind, cleaned))
