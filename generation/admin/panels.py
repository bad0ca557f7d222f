"""What the metrics' dashboard shows of runs, workers and servers, which metrics know nothing of."""

import uuid
from collections.abc import Collection
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count, Min
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generation.admin.calls import CIRCUITS
from generation.executors import executor
from generation.models import Clinic, Run
from generation.models.runs import HELD, LIVE, Status
from generation.pipelines import PIPELINES
from generation.providers.breaker import circuits
from metrics.dashboard.registry import Standing, register, registry


def live_runs() -> Standing:
    found = (
        Run.objects.filter(status__in=LIVE).order_by().values_list("status").annotate(Count("pk"), Min("created_at"))
    )
    counts = {status: (count, oldest) for status, count, oldest in found}
    rows = []
    for status in LIVE:
        count, oldest = counts.get(status, (0, None))
        rows.append((str(Status(status).label), str(count), ago(oldest)))
    return (_("Status"), _("Runs"), _("Oldest asked for")), rows


def workers() -> Standing:
    """This process, and every other one that works on runs."""
    here = executor()
    health = here.health()
    state = gettext("Takes runs") if health["running"] else gettext("Takes no runs")
    rows = [(gettext("This process"), state, str(health["runs"]), "")]
    held = Run.objects.filter(status__in=HELD, holder__isnull=False).exclude(holder=here.id).order_by()
    now = timezone.now()
    for holder, count, until in held.values_list("holder").annotate(Count("pk"), Min("lease_until")):
        # Whoever works renews its leases every few seconds.
        alive = until is not None and until > now
        rows.append(
            (
                holder.hex[:8],
                gettext("At work") if alive else gettext("Silent"),
                str(count),
                "" if alive else ago(until),
            )
        )
    return (_("Worker"), _("State"), _("Runs"), _("Silent since")), rows


def servers() -> Standing:
    """As this process finds them."""
    rows = [
        (each.server, str(CIRCUITS[each.state]), str(each.failures), f"{each.rest_s:.0f} s" if each.rest_s else "")
        for each in circuits()
    ]
    return (_("Server"), _("State"), _("Failures in a row"), _("Tried again in")), rows


def no_servers() -> str:
    if settings.MODEL:
        return gettext("This process has not asked the model server yet.")
    return gettext("No model server is set up.")


def ago(moment: datetime | None) -> str:
    if moment is None:
        return ""
    passed = max(timedelta(), timezone.now() - moment)
    return gettext("%(seconds)d s ago") % {"seconds": passed.total_seconds()}


def clinic_names(ids: Collection[str]) -> dict[str, str]:
    return {str(pk): name for pk, name in Clinic.objects.filter(pk__in=ids).values_list("pk", "name")}


def run_page(run_id: uuid.UUID) -> str:
    return reverse("admin:generation_run_by_id", args=[run_id])


register("live-runs", _("Live runs and queue"), live_runs)
register("workers", _("Workers"), workers)
register("model-servers", _("Model servers, as this process finds them"), servers, no_servers)
registry.stages = tuple(dict.fromkeys(stage.code for pipeline in PIPELINES.values() for stage in pipeline.STAGES))
registry.clinic_names = clinic_names
registry.run_page = run_page
