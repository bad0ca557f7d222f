"""Tickets for streams that can carry neither a header nor a cookie."""

from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import tickets
from generation.serializers import ticket_request
from generation.views.requests import actor


class StreamTickets(APIView):
    def post(self, request: Request) -> Response:
        ticket = tickets.issue(actor(request), *ticket_request(request.data))
        body = {"ticket": ticket, "expires_in": tickets.UNUSED_S}
        return Response(body, status=status.HTTP_201_CREATED)
