"""The history of stages in the admin, read-only."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from metrics.models import GenerationMetric


@admin.register(GenerationMetric)
class GenerationMetricAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("created_at", "kind", "stage", "duration_ms", "outcome", "provider", "model", "attempt", "run_id")
    list_filter = ("kind", "stage", "outcome", "provider", "created_at")
    search_fields = ("=run_id",)
    date_hierarchy = "created_at"

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
