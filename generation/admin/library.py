"""The exercise library."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from generation.admin.base import ReadOnly
from generation.models import Exercise, ExerciseText


class ExerciseTextInline(TabularInline):  # type: ignore[misc]
    model = ExerciseText
    fields = ("language", "name", "purpose_line")
    readonly_fields = fields
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Exercise)
class ExerciseAdmin(ReadOnly):
    """The shipped library; it is changed in its data files and loaded by `load_library`."""

    list_display = ("slug", "status", "level", "regions", "purpose", "version")
    list_filter = ("status", "level", "weight_bearing", "laterality")
    search_fields = ("slug", "texts__name")
    inlines = (ExerciseTextInline,)

    @admin.display(description=_("regions"))
    def regions(self, exercise: Exercise) -> str:
        return ", ".join(exercise.body_regions)

    @admin.display(description=_("purpose"))
    def purpose(self, exercise: Exercise) -> str:
        return str(exercise.purposes[0]) if exercise.purposes else ""
