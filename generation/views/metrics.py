"""What runs took and what a new one would take, over REST."""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation.errors import NotAllowed
from generation.models import Membership, User
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers import choose
from generation.queries import EstimateQuery, MetricsQuery, asked
from generation.serializers import iso
from generation.views.requests import actor
from metrics.aggregates import summary
from metrics.estimator import remaining, spreads
from metrics.models import GenerationMetric


class Estimates(APIView):
    """What a new run of a kind would take, stage by stage and in all, by whoever would write it by default."""

    def get(self, request: Request) -> Response:
        kind = asked(EstimateQuery, request)["kind"]
        stages = stage_codes(PIPELINES[kind])
        parts = spreads(kind, stages, choose("auto", kind).name)
        by_stage = [{"stage": stage, **(remaining([part]) or {})} for stage, part in zip(stages, parts, strict=True)]
        return Response({"kind": kind, "stages": by_stage, "total": remaining(parts)})


class Metrics(APIView):
    """Aggregates of the past; by default of the last 30 days, and of 366 at most."""

    def get(self, request: Request) -> Response:
        readable = readable_by(actor(request))
        wanted = asked(MetricsQuery, request)
        exact: dict[str, Any] = {name: wanted[name] for name in ("kind", "stage") if name in wanted}
        period = readable.filter(created_at__gte=wanted["from"], created_at__lt=wanted["to"], **exact)
        rows, suppressed = summary(period, by_day="bucket" in wanted)
        return Response(
            {"from": iso(wanted["from"]), "to": iso(wanted["to"]), "results": rows, "suppressed": suppressed}
        )


def readable_by(actor: User) -> QuerySet[GenerationMetric]:
    """All metrics for staff, for administrators those of their clinics. Raises NotAllowed for everybody else."""
    if actor.is_staff:
        return GenerationMetric.objects.all()
    clinics = list(actor.memberships.filter(role=Membership.Role.ADMIN).values_list("clinic_id", flat=True))
    if not clinics:
        raise NotAllowed("Metrics are for staff and for administrators of a clinic.")
    return GenerationMetric.objects.filter(clinic_id__in=clinics)
