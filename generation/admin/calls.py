"""What was asked of model servers, how the servers do, and what clinics spend."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generation import spending
from generation.admin.base import ReadOnly, dollars, table
from generation.models import Clinic, ModelCall, Run
from generation.providers import configured
from generation.providers.breaker import circuits

CIRCUITS = {
    "closed": _("Working"),
    "open": _("Left alone, because it kept failing"),
    "trying": _("Being tried again"),
}


@admin.register(ModelCall)
class ModelCallAdmin(ReadOnly):
    """Every request to a model server, with the state of the servers and today's spending above the list."""

    list_display = (
        "began_at",
        "run",
        "server",
        "model",
        "outcome",
        "input_tokens",
        "output_tokens",
        "cost",
        "counted",
        "duration_ms",
    )
    list_filter = ("outcome", "estimated", "kind", "server", "model", "clinic", "began_at")
    search_fields = ("=run_uid", "=batch_uid", "owner__username")
    date_hierarchy = "began_at"
    list_before_template = "admin/generation/model_servers.html"
    fieldsets = (
        (None, {"fields": ("began_at", "run", "batch_uid", "attempt", "kind", "owner", "clinic")}),
        (_("Work"), {"fields": ("server", "model", "prompt", "outcome", "first_text_ms", "duration_ms")}),
        (_("Cost"), {"fields": ("input_tokens", "output_tokens", "cost", "estimated")}),
    )
    readonly_fields = ("cost", "run")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ModelCall]:
        calls: QuerySet[ModelCall] = super().get_queryset(request)
        return calls.annotate(run_pk=Subquery(Run.objects.filter(uid=OuterRef("run_uid")).values("pk")[:1]))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        answer: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **standing()})
        return answer

    @admin.display(description=_("cost"), ordering="cost_usd")
    def cost(self, call: ModelCall) -> str:
        return dollars(call.cost_usd)

    @admin.display(description=_("tokens"), ordering="estimated")
    def counted(self, call: ModelCall) -> str:
        return gettext("estimated") if call.estimated else gettext("counted")

    @admin.display(description=_("run"), ordering="run_uid")
    def run(self, call: ModelCall) -> SafeString | str:
        """Its first characters, and a link unless the run was deleted."""
        name = call.run_uid.hex[:8]
        found: int | None = getattr(call, "run_pk", None)
        if found is None:
            return name
        return link("run", found, name)


def link(model: str, pk: int, name: str) -> SafeString:
    url = reverse(f"admin:generation_{model}_change", args=[pk])
    return format_html('<a class="text-primary-600 underline dark:text-primary-500" href="{}">{}</a>', url, name)


def standing() -> dict[str, Any]:
    """What stands above the list: the servers as this process finds them, and the clinics that spend or may spend."""
    clinics = spending.with_spent_today(Clinic.objects.all()).filter(
        Q(daily_budget_usd__isnull=False) | Q(spent_today__gt=0)
    )
    return {
        "configured": "llm" in configured(),
        "circuits": [
            (each.server, CIRCUITS[each.state], each.failures, round(each.rest_s) or None) for each in circuits()
        ],
        "clinics": [
            (name, dollars(spent), None if budget is None else dollars(budget))
            for name, spent, budget in clinics.values_list("name", "spent_today", "daily_budget_usd")
        ],
    }


def calls_of(run: Run) -> SafeString | str:
    """The calls of a run, the first one first, each with a link to all that is kept of it."""
    rows = [
        (
            link("modelcall", call.pk, f"{call.began_at:%Y-%m-%d %H:%M:%S}"),
            call.model,
            call.prompt,
            call.get_outcome_display(),
            f"{call.input_tokens} + {call.output_tokens}",
            dollars(call.cost_usd),
            "–" if call.duration_ms is None else f"{call.duration_ms} ms",
        )
        for call in ModelCall.objects.filter(run_uid=run.uid).order_by("began_at", "pk")
    ]
    head = (_("Began"), _("Model"), _("Prompt"), _("Outcome"), _("Tokens"), _("Cost"), _("Took"))
    return table(head, rows) if rows else gettext("No model was asked.")
