"""What runs took and what a new one would take, over REST."""

import uuid

from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from generation import runs
from generation.errors import Invalid, NotAllowed
from generation.models import Membership, User
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers import choose
from generation.queries import DEFAULT_PERIOD, EstimateQuery, MetricsQuery, asked
from generation.serializers import iso
from generation.views.requests import actor
from metrics.aggregates import reliability
from metrics.estimator import outlook
from metrics.periods import Part, calibration, summary

# What a part of the history can be narrowed to, besides a clinic.
NARROWED = ("kind", "stage", "provider", "model")


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
        clinics = readable_by(actor(request))
        wanted = asked(MetricsQuery, request)
        if (clinic := wanted.get("clinic")) is not None:
            clinics = [within(clinics, clinic)]
        only = {name: wanted[name] for name in NARROWED if name in wanted}
        part, by_day = Part(wanted["from"], wanted["to"], clinics, only), "bucket" in wanted
        rows, few = summary(part, by_day=by_day)
        foretold, fewer = calibration(part, by_day=by_day)
        return Response(
            {
                "from": iso(part.begin),
                "to": iso(part.end),
                "results": rows,
                "calibration": foretold,
                "suppressed": few + fewer,
            }
        )


def readable_by(actor: User) -> list[uuid.UUID] | None:
    """The clinics whose metrics they read: those that they administer, None of staff, who read everything.

    Raises NotAllowed for everybody else.
    """
    if actor.is_staff:
        return None
    clinics = list(actor.memberships.filter(role=Membership.Role.ADMIN).values_list("clinic_id", flat=True))
    if not clinics:
        raise NotAllowed("Metrics are for staff and for administrators of a clinic.")
    return clinics


def within(clinics: list[uuid.UUID] | None, clinic: uuid.UUID) -> uuid.UUID:
    """That one of these clinics, None being all there were: metrics outlive a clinic. Raises Invalid."""
    if clinics is not None and clinic not in clinics:
        raise Invalid(fields={"clinic": ["There is no such clinic among yours."]})
    return clinic
