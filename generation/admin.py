"""The admin: what ran, how it went, and who may do what. Case text is not listed, searched or edited here."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from generation import runs
from generation.errors import HepError
from generation.events import read
from generation.models import ApiToken, AuditEntry, Batch, Clinic, Exercise, ExerciseText, Membership, Run, User
from generation.timeline import entries

admin.site.unregister(Group)


class ReadOnly(ModelAdmin):  # type: ignore[misc]
    """Looked at here, changed elsewhere."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    pass


class MembershipInline(TabularInline):  # type: ignore[misc]
    model = Membership
    extra = 0


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    inlines = (MembershipInline,)
    list_display = ("username", "first_name", "last_name", "language", "is_active", "is_staff")
    fieldsets = (*DjangoUserAdmin.fieldsets, (_("Preferences"), {"fields": ("language",)}))  # type: ignore[misc]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, Any, Any]:
        """What would go, and what forbids it. Raises nothing."""
        gone, counts, lacking, protected = super().get_deleted_objects(objs, request)
        if not protected:
            return gone, counts, lacking, protected
        return gone, counts, set(), [_("Runs and programs of this account are kept; make it inactive instead.")]


@admin.register(Clinic)
class ClinicAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "phone", "emergency_number")
    search_fields = ("name",)
    inlines = (MembershipInline,)


@admin.register(ApiToken)
class ApiTokenAdmin(ReadOnly):
    """Tokens can be revoked here; they are made by the quickstart command or in code, and never shown again."""

    list_display = ("name", "user", "created", "expiry")
    fields = ("name", "user", "created", "expiry")
    list_filter = ("user",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.is_superuser


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


@admin.register(Run)
class RunAdmin(ReadOnly):
    """Runs and their logs, read-only; the actions ask of a run what the API can ask."""

    list_display = (
        "short_id",
        "kind",
        "status",
        "owner",
        "clinic",
        "stage",
        "percent",
        "attempt",
        "created_at",
        "took",
    )
    list_filter = ("status", "kind", "clinic", "provider", "created_at")
    list_select_related = ("owner", "clinic")
    search_fields = ("=uid", "owner__username")
    date_hierarchy = "created_at"
    actions = ("ask_to_cancel", "ask_to_pause", "resume", "retry", "ask_to_delete")
    fieldsets = (
        (None, {"fields": ("uid", "kind", "status", "stage", "percent", "owner", "clinic", "language")}),
        (_("Work"), {"fields": ("engine", "provider", "model", "attempt", "epoch", "lease_until", "error")}),
        (_("Times"), {"fields": ("created_at", "started_at", "finished_at", "took")}),
        (_("Cancel"), {"fields": ("cancelled_by", "cancel_reason", "cancel_requested_at")}),
        (_("Log"), {"fields": ("timeline",)}),
    )
    readonly_fields = ("percent", "took", "timeline")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Run]:
        rows: QuerySet[Run] = super().get_queryset(request)
        return rows.defer("input", "result")

    @admin.display(description=_("run"), ordering="uid")
    def short_id(self, run: Run) -> str:
        return run.uid.hex[:8]

    @admin.display(description=_("progress"))
    def percent(self, run: Run) -> str:
        return f"{run.progress:.0f} %"

    @admin.display(description=_("took"))
    def took(self, run: Run) -> str:
        if run.finished_at is None:
            return "–"
        seconds = (run.finished_at - run.created_at).total_seconds()
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"

    @admin.display(description=_("timeline"))
    def timeline(self, run: Run) -> SafeString:
        rows: list[SafeString] = []
        for entry in entries(read(run.pk, str(run.uid), 0, limit=2_000)):
            rows.append(format_html("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>", *entry))
        head = format_html(
            "<tr><th>{}</th><th>{}</th><th>{}</th><th>{}</th></tr>", _("No."), _("After"), _("Event"), _("What")
        )
        body = format_html("{}" * len(rows), *rows) if rows else ""
        return format_html('<table class="w-full text-left"><thead>{}</thead><tbody>{}</tbody></table>', head, body)

    @admin.action(description=_("Ask to cancel"))
    def ask_to_cancel(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        asked = self.steer(request, chosen, lambda user, run_id: runs.cancel(user, run_id, reason="admin")[1])
        self.message_user(request, _("%(count)d runs were asked to stop.") % {"count": asked})

    @admin.action(description=_("Pause at the next step"))
    def ask_to_pause(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        asked = self.steer(request, chosen, lambda user, run_id: runs.pause(user, run_id)[1])
        self.message_user(request, _("%(count)d runs were asked to pause.") % {"count": asked})

    @admin.action(description=_("Resume"))
    def resume(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        resumed = self.steer(request, chosen, lambda user, run_id: runs.resume(user, run_id)[1])
        self.message_user(request, _("%(count)d runs go on.") % {"count": resumed})

    @admin.action(description=_("Retry as new runs"))
    def retry(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        begun = self.steer(request, chosen, lambda user, run_id: bool(runs.retry(user, run_id)))
        self.message_user(request, _("%(count)d runs were started.") % {"count": begun})

    @admin.action(description=_("Delete with log and result"))
    def ask_to_delete(self, request: HttpRequest, chosen: QuerySet[Run]) -> None:
        deleted = self.steer(request, chosen, lambda user, run_id: bool(runs.delete(user, run_id)))
        self.message_user(
            request, _("%(count)d runs were deleted, live ones as soon as they have stopped.") % {"count": deleted}
        )

    def steer(self, request: HttpRequest, chosen: QuerySet[Run], act: Callable[[User, uuid.UUID], bool]) -> int:
        """Ask the same of each run; returns of how many it was new, and says why the others refused."""
        assert isinstance(request.user, User)
        done = 0
        for run in chosen:
            try:
                done += act(request.user, run.uid)
            except HepError as error:
                self.message_user(request, f"{run.uid}: {error.sentence}", level="warning")
        return done


@admin.register(Batch)
class BatchAdmin(ReadOnly):
    """What was asked for together; its runs are in their own list."""

    list_display = ("id", "kind", "owner", "max_parallel", "states", "created_at")
    list_select_related = ("owner",)
    search_fields = ("=id", "owner__username")
    date_hierarchy = "created_at"

    @admin.display(description=_("runs"))
    def states(self, batch: Batch) -> str:
        counts = batch.runs.order_by().values_list("status").annotate(n=Count("pk"))
        return ", ".join(f"{n} {status}" for status, n in counts)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    """Who did what; added by what is done, and never changed."""

    list_display = ("at", "actor_name", "action", "object_kind", "object_id", "facts")
    list_filter = ("action", "at")
    search_fields = ("=object_id", "=actor_name")
    date_hierarchy = "at"
