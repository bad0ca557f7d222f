"""What runs took and what a new one would take, over REST."""

from typing import Any

from django.db.models import Q
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import runs
from generation.errors import NotAllowed
from generation.models import Membership, User
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers import choose
from generation.queries import DEFAULT_PERIOD, EstimateQuery, MetricsQuery, asked
from generation.serializers import iso
from generation.views.requests import actor
from metrics.aggregates import calibration, reliability, summary
from metrics.estimator import outlook
from metrics.models import Forecast, GenerationMetric


class Estimates(APIView):
    """What a new run of a kind would take, stage by stage and in all, and how often such estimates have held."""

    def get(self, request: Request) -> Response:
        wanted = asked(EstimateQuery, request)
        kind, size = wanted["kind"], wanted["size"]
        runs.require_engine(wanted["engine"])
        stages, provider = stage_codes(PIPELINES[kind]), choose(wanted["engine"], kind)
        look = outlook(kind, stages, provider.name, provider.model)
        total = look.remaining(size=size)
        # It can only be out of reach for a run that has taken too long already.
        assert total is not None
        kept = reliability(kind, look.provider, look.model, timezone.now() - DEFAULT_PERIOD)
        return Response(
            {
                "kind": kind,
                "stages": [{"stage": stage, **look.of_stage(stage, size=size).data()} for stage in stages],
                "total": total.data(),
                "calibration": kept | {"since": iso(kept["since"])} if kept else None,
            }
        )


class Metrics(APIView):
    """Aggregates of the past; by default of the last 30 days, and of 366 at most."""

    def get(self, request: Request) -> Response:
        readable = readable_by(actor(request))
        wanted = asked(MetricsQuery, request)
        begin, end, by_day = wanted["from"], wanted["to"], "bucket" in wanted
        exact: dict[str, Any] = {name: wanted[name] for name in ("kind", "stage") if name in wanted}
        period = readable & Q(created_at__gte=begin, created_at__lt=end, **exact)
        rows, few = summary(GenerationMetric.objects.filter(period), by_day=by_day)
        foretold, fewer = calibration(Forecast.objects.filter(period), by_day=by_day)
        return Response(
            {
                "from": iso(begin),
                "to": iso(end),
                "results": rows,
                "calibration": foretold,
                "suppressed": few + fewer,
            }
        )


def readable_by(actor: User) -> Q:
    """All metrics for staff, for administrators those of their clinics. Raises NotAllowed for everybody else."""
    if actor.is_staff:
        return Q()
    clinics = list(actor.memberships.filter(role=Membership.Role.ADMIN).values_list("clinic_id", flat=True))
    if not clinics:
        raise NotAllowed("Metrics are for staff and for administrators of a clinic.")
    return Q(clinic_id__in=clinics)
