"""`GET /metrics`: what this process has counted, and how things stand as it is asked.

Only with the setting PROMETHEUS; otherwise the address does not exist. It is read by staff, or by whoever has the
PROMETHEUS_TOKEN. Where a request comes from proves nothing: behind a proxy on the same machine all come from there.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from django.conf import settings
from django.db.models import Count, Min
from django.http import HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from generation import runs
from generation.consumers.open_streams import open_streams
from generation.errors import NotFound
from generation.executors import executor
from generation.models import Run
from generation.models.runs import LIVE, Status
from metrics.prometheus import registry

MODEL_STATES = ("none", "ok", "open", "trying")


class Standing:
    """Gauges that are read when they are asked for. The queue and the live runs are those of all processes."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        found = {
            status: (count, oldest)
            for status, count, oldest in Run.objects.filter(status__in=LIVE)
            .order_by()
            .values_list("status")
            .annotate(Count("pk"), Min("created_at"))
        }
        live = GaugeMetricFamily("hep_runs_live", "Runs that have not ended, in all processes.", labels=("status",))
        for status in LIVE:
            live.add_metric((status.value,), found.get(status, (0, None))[0])
        yield live
        _, oldest = found.get(Status.QUEUED, (0, None))
        age_s = max(0.0, (timezone.now() - oldest).total_seconds()) if oldest else 0.0
        yield gauge("hep_queue_age_seconds", "Since the oldest waiting run was asked for; 0 when none waits.", age_s)
        yield gauge("hep_runs_held", "Runs that this process works on.", executor().health()["runs"])
        # They belong to the loop's thread, so they are copied in one step.
        streams = sum(map(len, list(open_streams().of.values())))
        yield gauge("hep_open_streams", "Streams and sockets that are open in this process.", streams)
        model = GaugeMetricFamily(
            "hep_model_state", "1 for how this process finds the model server.", labels=("state",)
        )
        now = runs.model_state()
        for state in MODEL_STATES:
            model.add_metric((state,), state == now)
        yield model


def gauge(name: str, told: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, told, value=value)


registry.register(Standing())


class MayScrape(BasePermission):
    """Staff, and whoever has the token that the setting names."""

    def has_permission(self, request: Request, view: Any) -> bool:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and settings.PROMETHEUS_TOKEN:
            return constant_time_compare(given.strip(), settings.PROMETHEUS_TOKEN)
        return bool(request.user and request.user.is_staff)


class Scrape(APIView):
    permission_classes = (MayScrape,)
    # It is none of the API's addresses.
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        if not settings.PROMETHEUS:
            raise NotFound("There is nothing at this address.")
        super().initial(request, *args, **kwargs)

    def get(self, request: Request) -> HttpResponse:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return HttpResponse(encode(registry), content_type=content_type)
