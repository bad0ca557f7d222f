"""The page in the admin, and its CSV files."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from metrics.dashboard import durations, estimates, filters, outcomes, usage
from metrics.dashboard.history import History
from metrics.dashboard.panels import Panel, written
from metrics.dashboard.registry import registry
from metrics.models import Dashboard

# The panels by the heading they stand under, each by its name in addresses.
SECTIONS: list[tuple[str | Promise, dict[str, Callable[[History], Panel]]]] = [
    (
        _("Time"),
        {
            "stage-durations": durations.stage_durations,
            "waits": durations.waits,
            "parts": durations.parts,
            "cancellations": durations.cancellations,
        },
    ),
    (_("Outcomes"), {"runs": outcomes.runs, "failures": outcomes.failures}),
    (
        _("Estimates"),
        {"calibration": estimates.calibration, "errors": estimates.errors, "estimates": estimates.overall},
    ),
    (
        _("Tokens and cost"),
        {
            "usage-day": usage.usage_by_day,
            "usage-kind": usage.usage_by_kind,
            "usage-model": usage.usage_by_model,
            "usage-clinic": usage.usage_by_clinic,
        },
    ),
]
PANELS = {slug: make for _title, panels in SECTIONS for slug, make in panels.items()}
PRESETS = (7, 30, 90)


@admin.register(Dashboard)
class DashboardAdmin(ModelAdmin):  # type: ignore[misc]
    """Its list is the page. Open to whoever may look at metrics."""

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("metrics.view_generationmetric"))

    has_module_permission = has_view_permission

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        def guarded(view: Callable[..., HttpResponse]) -> Any:
            def allowed(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
                if not self.has_view_permission(request):
                    raise PermissionDenied
                return view(request, *args, **kwargs)

            return self.admin_site.admin_view(allowed)

        return [
            path("", guarded(self.page), name="metrics_dashboard_changelist"),
            path("<slug:slug>.csv", guarded(self.csv), name="metrics_dashboard_csv"),
        ]

    def page(self, request: HttpRequest) -> HttpResponse:
        known = filters.choices()
        chosen, faults = filters.read(request.GET, known)
        history = History(chosen)
        # The list behind the whole period, and behind each day of it.
        behind = {None: chosen.rows_query()} | {day: chosen.rows_query(day) for day in history.days}
        sections = [
            (title, [shown(make(history), chosen.query(), behind) for make in panels.values()])
            for title, panels in SECTIONS
        ]
        return TemplateResponse(
            request,
            "metrics/dashboard.html",
            {
                **self.admin_site.each_context(request),
                "title": gettext("Dashboard"),
                "opts": self.opts,
                "filters": chosen,
                "fields": [
                    ("kind", gettext("Kind"), gettext("All kinds"), known.kind, chosen.kind),
                    ("model", gettext("Model"), gettext("All models"), known.model, chosen.model),
                    ("clinic", gettext("Clinic"), gettext("All clinics"), known.clinic, chosen.clinic),
                ],
                "faults": faults,
                "presets": [(days, preset(chosen, days)) for days in PRESETS],
                "standings": [
                    (slug, title, *read(), nothing(), csv_address(slug))
                    for slug, (title, read, nothing) in registry.standings.items()
                ],
                "sections": sections,
            },
        )

    def csv(self, request: HttpRequest, slug: str) -> HttpResponse:
        """A panel as a file. Where the page would say what it left out of the address, there is no file."""
        if slug in registry.standings:
            head, rows = registry.standings[slug][1]()
            return file(slug, written([[str(title) for title in head], *rows]))
        if slug not in PANELS:
            raise Http404
        chosen, faults = filters.read(request.GET, filters.choices())
        if faults:
            return HttpResponse("\n".join(faults) + "\n", status=400, content_type="text/plain; charset=utf-8")
        panel = PANELS[slug](History(chosen))
        name = f"{slug}-{chosen.first}-{chosen.last}"
        # A sentence among the rows would be taken for one of them.
        return file(f"{name}-{panel.left_out}-left-out" if panel.left_out else name, panel.csv)


def shown(panel: Panel, query: str, behind: Mapping[date | None, str]) -> dict[str, Any]:
    """What the template needs of a panel beside itself. The rows are HTML: a template takes long over thousands."""
    metrics = reverse(f"admin:metrics_{panel.behind}_changelist")
    rows = format_html_join(
        "",
        '<tr><th scope="row">{}</th>{}</tr>',
        (
            (
                name if isinstance(name, str) else format_html('<a href="{}?{}">{}</a>', metrics, behind[name], name),
                cells,
            )
            for name, cells in panel.cells
        ),
    )
    return {
        "panel": panel,
        "rows": rows,
        "csv": f"{csv_address(panel.slug)}?{query}",
        "behind": f"{metrics}?{behind[None]}",
    }


def csv_address(slug: str) -> str:
    return reverse("admin:metrics_dashboard_csv", args=[slug])


def preset(chosen: filters.Filters, days: int) -> str:
    """The query for the last so many days, with the same choices."""
    today = filters.today()
    return chosen.query(**{"from": (today - timedelta(days=days - 1)).isoformat(), "to": today.isoformat()})


def file(name: str, content: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
