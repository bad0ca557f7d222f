"""What models have cost, over REST."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import spending
from generation.queries import SpendingQuery, asked
from generation.serializers import iso
from generation.views.requests import actor


class Spending(APIView):
    """Sums over calls to models; by default by day, of the last 30 days, and of 366 at most."""

    def get(self, request: Request) -> Response:
        wanted = asked(SpendingQuery, request)
        begin, end, by = wanted["from"], wanted["to"], wanted["by"]
        calls = spending.readable_by(actor(request)).filter(began_at__gte=begin, began_at__lt=end)
        return Response({"from": iso(begin), "to": iso(end), "by": by, "results": spending.broken_down(calls, by)})
