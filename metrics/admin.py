"""The history in the admin, read-only: stages, runs, forecasts and what was learned from them."""

from collections.abc import Callable, Iterable
from math import ceil
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from metrics.dashboard import filters
from metrics.dashboard.page import DashboardAdmin
from metrics.dashboard.registry import registry
from metrics.histogram import edge
from metrics.models import Calibration, Forecast, GenerationMetric, RunMetric, StageProfile
from metrics.profiles import ANY_MODEL

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


class Explained(History):
    """With a sentence above its list."""

    list_before_template = "metrics/_explained.html"
    explanation: str | Promise


@admin.register(StageProfile)
class StageProfileAdmin(Explained):
    list_display = ("kind", "stage", "whose", "of_model", "of_size", "build", "updated_at")
    list_filter = (OF_KIND, OF_MODEL)
    fields = (*list_display, "state")
    explanation = _("What estimates are made from, from one model and size of request up to all of them.")

    @admin.display(description=_("provider"), ordering="provider")
    def whose(self, profile: StageProfile) -> str:
        return gettext("All that ask a model") if profile.provider == ANY_MODEL else profile.provider

    @admin.display(description=_("model"), ordering="model")
    def of_model(self, profile: StageProfile) -> str:
        return profile.model or gettext("All models")

    @admin.display(description=_("size of the request"), ordering="size")
    def of_size(self, profile: StageProfile) -> str:
        if profile.size == StageProfile.ANY_SIZE:
            return gettext("All sizes")
        least, most = sizes(profile.size)
        return gettext("%(least)d to %(most)d tokens") % {"least": least, "most": most}


@admin.register(Calibration)
class CalibrationAdmin(Explained):
    list_display = ("kind", "whose", "of_model", "lowest", "highest", "scored", "updated_at")
    list_filter = (OF_KIND, OF_MODEL)
    fields = list_display
    explanation = _(
        "An estimated range goes from a lower to an upper quantile of what is to be expected. Both begin at 0.100 and "
        "0.900, and move so that the range holds the truth four times out of five: apart when it holds too seldom."
    )

    @admin.display(description=_("provider"), ordering="provider")
    def whose(self, calibration: Calibration) -> str:
        return calibration.provider or gettext("All providers")

    @admin.display(description=_("model"), ordering="model")
    def of_model(self, calibration: Calibration) -> str:
        return calibration.model or ("–" if calibration.provider else gettext("All models"))

    @admin.display(description=_("lower quantile"), ordering="lower")
    def lowest(self, calibration: Calibration) -> str:
        return number_format(calibration.lower, 3)

    @admin.display(description=_("upper quantile"), ordering="upper")
    def highest(self, calibration: Calibration) -> str:
        return number_format(calibration.upper, 3)


def sizes(bucket: int) -> tuple[int, int]:
    """The least and the most tokens that `metrics.profiles.bucket` puts here: two bins of a histogram."""
    return ceil(edge(2 * bucket)), ceil(edge(2 * bucket + 2)) - 1
