"""The timeline of a run: drawn, replayed, and held against what was foretold."""

import uuid
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from generation.models import AuditEntry, ModelCall, Run
from generation.models.runs import Status
from generation.timeline import drawing, forecasts, replay, story, words
from generation.timeline.lanes import State
from generation.timeline.log import log_of
from metrics.models import GenerationMetric, RunMetric

PAGE = "admin/generation/run_timeline.html"
GONE = "admin/generation/run_gone.html"


def urls_of(runs: "ModelAdmin[Run]") -> list[URLPattern]:
    """The pages beside those of the run's own: its timeline, and the way to it by the run's public id."""

    def timeline(request: HttpRequest, run_pk: int) -> HttpResponse:
        run = get_object_or_404(runs.get_queryset(request), pk=run_pk)
        require_view(runs, request, run)
        context = runs.admin_site.each_context(request) | frame_of(runs, run) | shown(run)
        return TemplateResponse(request, PAGE, context)

    def by_id(request: HttpRequest, uid: uuid.UUID) -> HttpResponse:
        run = Run.objects.only("pk").filter(uid=uid).first()
        require_view(runs, request, run)
        if run is not None:
            return redirect("admin:generation_run_timeline", run.pk)
        if not was_there(uid):
            raise Http404
        gone = {"title": _("This run was deleted"), "uid": uid, "opts": Run._meta, "metrics_url": metrics_url(uid)}
        return TemplateResponse(request, GONE, runs.admin_site.each_context(request) | gone, status=410)

    view = runs.admin_site.admin_view
    return [
        path("by-id/<uuid:uid>/", view(require_safe(by_id)), name="generation_run_by_id"),
        path("<int:run_pk>/timeline/", view(require_safe(timeline)), name="generation_run_timeline"),
    ]


def require_view(runs: "ModelAdmin[Run]", request: HttpRequest, run: Run | None) -> None:
    if not runs.has_view_permission(request, run):
        raise PermissionDenied


def was_there(uid: uuid.UUID) -> bool:
    """Whether something is left of a run that is no more."""
    kept = (
        GenerationMetric.objects.filter(run_id=uid),
        RunMetric.objects.filter(run_id=uid),
        ModelCall.objects.filter(run_uid=uid),
        AuditEntry.objects.filter(object_id=uid, object_kind="run"),
    )
    return any(rows.exists() for rows in kept)


def frame_of(runs: "ModelAdmin[Run]", run: Run) -> dict[str, Any]:
    title = _("Timeline of run %(id)s") % {"id": run.uid.hex[:8]}
    # With `opts` or `original`, Unfold would head the page with the kind and the whole id.
    return {"title": title, "model_admin": runs, "run": run, "metrics_url": metrics_url(run.uid)}


def metrics_url(uid: uuid.UUID) -> str:
    return f"{reverse('admin:metrics_generationmetric_changelist')}?q={uid}"


def author_of(run: Run) -> str:
    """Provider and model: only a run that succeeded has them in its row, of others the metrics know who wrote last."""
    if run.provider or not run.attempt:
        return by_name(run.provider, run.model)
    known = (
        RunMetric.objects.filter(run_id=run.uid),
        GenerationMetric.objects.filter(run_id=run.uid).order_by("-created_at", "-pk"),
    )
    for rows in known:
        if row := rows.exclude(provider="").values_list("provider", "model").first():
            return by_name(*row)
    return "" if run.engine == "auto" else run.engine


def by_name(provider: str, model: str) -> str:
    return ", ".join(filter(None, (provider, model)))


def shown(run: Run) -> dict[str, Any]:
    log = log_of(run)
    timeline = story.timeline_of(run, log, timezone.now())
    foretold = forecasts.forecasts_of(log, timeline) if run.status == Status.SUCCEEDED else None
    used = {span.state for lane in timeline.lanes for span in lane.spans}
    context = {
        "timeline": timeline,
        "drawing": drawing.drawing_of(timeline),
        "told": words.told_in_words(timeline.lanes, timeline.length_ms, timeline.live),
        "author": author_of(run),
        "cancel": words.cancel_words(timeline.lanes),
        "legend": [(state.value, words.STATES[state]) for state in State if state in used],
        "rows": words.table_of(timeline.lanes),
        "log": log,
        "log_rows": list(words.rows_of(log.entries)),
        "retries": run.children.only("pk", "uid"),
    }
    if log.entries:
        context |= {"replay": replay.replay_of(run, log, timeline), "player_words": player_words()}
    if foretold is not None:
        rested = any(span.state == State.PAUSED for span in timeline.idle)
        context |= {
            "foretold": foretold,
            "chart": forecasts.chart_of(foretold),
            "forecast_rows": forecasts.table_of(foretold),
            "rested": rested,
        }
    return context


def player_words() -> dict[str, str]:
    """What the player's script says, with places for `{…}`."""
    return {
        **{status.value: str(status.label) for status in Status},
        "play": _("Play"),
        "pause": _("Stop here"),
        "event": _("event {seq} of {all}: {name}"),
        "none": _("nothing foretold"),
        "live": _("not known: the run goes on"),
    }
