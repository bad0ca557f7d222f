"""Runs and batches: how they went, and what can be asked of them."""

import uuid
from collections.abc import Callable

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.urls import URLPattern, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from generation import runs
from generation.admin.base import ReadOnly, table
from generation.admin.calls import calls_of
from generation.admin.timeline import urls_of
from generation.errors import HepError
from generation.models import Batch, Run, User
from generation.timeline.log import log_of
from generation.timeline.words import rows_of


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
        (None, {"fields": ("uid", "kind", "status", "stage", "percent", "owner", "clinic", "language", "drawn")}),
        (_("Work"), {"fields": ("engine", "provider", "model", "prompt", "attempt", "epoch", "lease_until", "error")}),
        (_("Models"), {"fields": ("input_tokens", "output_tokens", "cost_usd", "calls")}),
        (_("Times"), {"fields": ("created_at", "started_at", "finished_at", "took")}),
        (_("Cancel"), {"fields": ("cancelled_by", "cancel_reason", "cancel_requested_at")}),
        (_("Log"), {"fields": ("timeline",)}),
    )
    readonly_fields = ("percent", "took", "drawn", "timeline", "calls")

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
        return table((_("No."), _("After"), _("Event"), _("What")), rows_of(log_of(run).entries))

    @admin.display(description=_("drawn and replayed"))
    def drawn(self, run: Run) -> SafeString:
        url = reverse("admin:generation_run_timeline", args=[run.pk])
        look = "text-primary-600 underline dark:text-primary-500"
        return format_html('<a class="{}" href="{}">{}</a>', look, url, _("Open the timeline"))

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        return urls_of(self) + urls

    @admin.display(description=_("calls"))
    def calls(self, run: Run) -> SafeString | str:
        return calls_of(run)

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
