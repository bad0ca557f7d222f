"""The history in the admin, read-only: stages, runs, forecasts and what was learned from them."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from metrics.dashboard import filters
from metrics.dashboard.page import DashboardAdmin
from metrics.dashboard.registry import registry
from metrics.models import Calibration, Forecast, GenerationMetric, RunMetric, StageProfile

__all__ = ["DashboardAdmin"]


def chosen(name: str, label: Any, narrow: Callable[[str], Q]) -> type[admin.SimpleListFilter]:
    """A filter with the dashboard's own choices: Django's would look through every metric for theirs."""

    class Chosen(admin.SimpleListFilter):
        title = label
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[str, str]]:
            known: dict[str, str] = getattr(choices_for(request), FIELDS[name])
            return known.items()

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            if (value := self.value()) is None:
                return queryset
            return queryset.filter(narrow(value)) if value in dict(self.lookup_choices) else queryset.none()

    return Chosen


# The filter's name in an address, and where its choices stand. `model` would be taken for the column.
FIELDS = {"kind": "kind", "writer": "model", "clinic": "clinic"}


def choices_for(request: HttpRequest) -> filters.Choices:
    """Read once for all filters of a page."""
    if not hasattr(request, "_choices_of_metrics"):
        request._choices_of_metrics = filters.choices()  # type: ignore[attr-defined]
    known: filters.Choices = request._choices_of_metrics  # type: ignore[attr-defined]
    return known


OF_KIND = chosen("kind", _("kind"), lambda value: Q(kind=value))
OF_MODEL = chosen("writer", _("model"), filters.of_model)
OF_CLINIC = chosen(
    "clinic", _("clinic"), lambda value: Q(clinic_id=None) if value == filters.NO_CLINIC else Q(clinic_id=value)
)


class History(ModelAdmin):  # type: ignore[misc]
    """Written by the application alone, and by the million: nothing here reads all rows but the count of pages."""

    list_per_page = 50
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("run"), ordering="run_id")
    def run(self, metric: Any) -> SafeString | str:
        """Its first characters, with a link to its page."""
        name: str = metric.run_id.hex[:8]
        if registry.run_page is None:
            return name
        link = '<a class="text-primary-600 underline dark:text-primary-500" href="{}">{}</a>'
        return format_html(link, registry.run_page(metric.run_id), name)


@admin.register(GenerationMetric)
class GenerationMetricAdmin(History):
    list_display = ("created_at", "run", "kind", "stage", "duration_ms", "outcome", "provider", "model", "attempt")
    list_filter = (OF_KIND, OF_MODEL, OF_CLINIC, "outcome", "created_at")
    search_fields = ("=run_id",)


@admin.register(RunMetric)
class RunMetricAdmin(History):
    list_display = (
        "created_at",
        "run",
        "kind",
        "outcome",
        "error_code",
        "duration_ms",
        "first_event_ms",
        "first_item_ms",
        "attempts",
        "provider",
        "model",
    )
    list_filter = (OF_KIND, OF_MODEL, OF_CLINIC, "outcome", "created_at")
    search_fields = ("=run_id", "=error_code")


@admin.register(Forecast)
class ForecastAdmin(History):
    list_display = (
        "created_at",
        "run",
        "kind",
        "stage",
        "elapsed_ms",
        "low_ms",
        "ms",
        "high_ms",
        "true_ms",
        "has_held",
        "provider",
        "model",
    )
    list_filter = (OF_KIND, OF_MODEL, OF_CLINIC, "from_history", "created_at")
    search_fields = ("=run_id",)

    @admin.display(description=_("held"), boolean=True)
    def has_held(self, forecast: Forecast) -> bool:
        return forecast.held


@admin.register(StageProfile)
class StageProfileAdmin(History):
    list_display = ("kind", "stage", "provider", "model", "size", "build", "updated_at")
    list_filter = (OF_KIND, OF_MODEL)


@admin.register(Calibration)
class CalibrationAdmin(History):
    list_display = ("kind", "provider", "model", "lower", "upper", "scored", "updated_at")
    list_filter = (OF_KIND, OF_MODEL)
