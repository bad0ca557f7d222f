"""What models have cost, from the calls that were made, and what a clinic lets them cost in a day.

A call counts from before it is sent, by estimate, and for the day it began on; days begin at midnight UTC. Calls
outlive their runs, and so does what is counted here.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import ceil
from typing import Any

from django.db.models import Count, DateField, DecimalField, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone

from generation import rights
from generation.errors import BudgetSpent
from generation.models import Batch, Clinic, Membership, ModelCall, User
from generation.providers import configured

DAY = timedelta(days=1)
# What an answer may be broken down by, and where that stands.
BY = {"day": "day", "user": "owner__username", "model": "model", "clinic": "clinic_id"}
# Not named as the fields they sum, which the ORM refuses beside a group.
FIGURES = {
    "number": Count("pk"),
    "read": Sum("input_tokens"),
    "written": Sum("output_tokens"),
    "cost": Sum("cost_usd"),
    "guesses": Count("pk", filter=Q(estimated=True)),
}


def midnight() -> datetime:
    """When today began."""
    return timezone.now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def with_spent_today(clinics: QuerySet[Clinic]) -> QuerySet[Any]:
    """The same clinics, each with `spent_today` in dollars."""
    calls = ModelCall.objects.filter(clinic=OuterRef("pk"), began_at__gte=midnight()).order_by().values("clinic")
    money = DecimalField(max_digits=12, decimal_places=6)
    spent = Subquery(calls.annotate(cost=Sum("cost_usd")).values("cost"), output_field=money)
    return clinics.annotate(spent_today=Coalesce(spent, Value(Decimal(0)), output_field=money))


def require_budget(starts: Iterable[tuple[str, Clinic | None]]) -> None:
    """Let work begin, each an engine and a clinic. Raises BudgetSpent if one of them might ask a model it can't pay.

    What was accepted before may finish: the day can end above the budget, by what was queued or running when it was
    spent.
    """
    if "llm" not in configured():
        return
    payers = {clinic.pk for engine, clinic in starts if engine != "composer" and clinic is not None}
    if not payers:
        return
    # Compared here: SQLite sums as floating point, which may stop a millionth short of the budget.
    limited = with_spent_today(Clinic.objects.filter(pk__in=payers, daily_budget_usd__isnull=False))
    if any(rounded(spent) >= budget for budget, spent in limited.values_list("daily_budget_usd", "spent_today")):
        raise BudgetSpent(retry_after_s=ceil((midnight() + DAY - timezone.now()).total_seconds()))


def rounded(cost: Decimal | None) -> Decimal:
    return Decimal(cost or 0).quantize(Decimal("0.000001"))


def of_batch(batch: Batch, actor: User) -> dict[str, Any]:
    """What the calls of a batch add up to, rows that were started again or deleted included, as far as they see it."""
    calls = rights.visible(actor, ModelCall.objects.filter(batch_uid=batch.pk))
    return figures(calls.order_by().aggregate(**FIGURES))


def readable_by(actor: User) -> QuerySet[ModelCall]:
    """All calls for staff; for everybody their own, and those of the clinics that they lead or administer."""
    if actor.is_staff:
        return ModelCall.objects.all()
    leading = Membership.objects.filter(user=actor, role__in=(Membership.Role.LEAD, Membership.Role.ADMIN))
    return ModelCall.objects.filter(Q(owner=actor) | Q(clinic__in=leading.values("clinic")))


def broken_down(calls: QuerySet[ModelCall], by: str) -> list[dict[str, Any]]:
    """A row for each `key` of BY: days in order, the rest by what they cost, most first.

    `key` is an ISO date in UTC, a username, a model's name or a clinic's id; None for a deleted account and for work
    outside clinics.
    """
    path = BY[by]
    if by == "day":
        # Connections speak UTC. TruncDate would call back into Python for each row on SQLite.
        calls = calls.annotate(day=Cast("began_at", DateField()))
    groups = calls.order_by().values(path).annotate(**FIGURES)
    rows = groups.order_by(path) if by == "day" else groups.order_by("-cost", path)
    return [{"key": None if row[path] is None else str(row[path])} | figures(row) for row in rows]


def figures(sums: Mapping[str, Any]) -> dict[str, Any]:
    """`{"input_tokens", "output_tokens", "cost_usd", "calls", "estimated"}`; the last says that some were guessed."""
    return {
        "input_tokens": sums["read"] or 0,
        "output_tokens": sums["written"] or 0,
        "cost_usd": float(rounded(sums["cost"])),
        "calls": sums["number"],
        "estimated": sums["guesses"] > 0,
    }
