"""What a page of the dashboard is asked for, in its address: kind, model, clinic and the days from … to, in UTC."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from urllib.parse import urlencode

from django.db.models import Q
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from metrics.dashboard.registry import registry
from metrics.models import DailySummary
from metrics.summaries import ALL, within

DAYS = 30
MOST_DAYS = 366
# The clinic of those who have none; its own name in an address, where an empty value means all of them.
NO_CLINIC = "none"


class Choices(NamedTuple):
    """What there is to choose from, of the whole history: value → name."""

    kind: dict[str, str]
    model: dict[str, str]
    clinic: dict[str, str]


@dataclass(frozen=True, slots=True)
class Filters:
    """An empty kind, model or clinic means all. Both days are included."""

    first: date
    last: date
    kind: str = ""
    model: str = ""
    clinic: str = ""

    def query(self, **changes: str) -> str:
        """As the query of an address."""
        told = {"kind": self.kind, "model": self.model, "clinic": self.clinic}
        told |= {"from": self.first.isoformat(), "to": self.last.isoformat()} | changes
        return urlencode({name: value for name, value in told.items() if value})

    @property
    def period(self) -> Q:
        return Q(day__range=(self.first, self.last)) & (Q(kind=self.kind) if self.kind else Q())

    @property
    def writer(self) -> Q:
        """The summaries of the model that is asked for, or those of all models together."""
        return of_model(self.model) if self.model else Q(provider=ALL, model=ALL)

    @property
    def place(self) -> Q:
        """The summaries of the clinic that is asked for, or those of all clinics together."""
        return Q(clinic="" if self.clinic == NO_CLINIC else self.clinic or ALL)

    def rows_query(self, day: date | None = None) -> str:
        """The query of a list of metrics: those behind a chart, or of a day of it."""
        told = {"kind": self.kind, "writer": self.model, "clinic": self.clinic}
        period = within(day or self.first, day or self.last)
        told |= {name: f"{at:%Y-%m-%d %H:%M:%S}+00:00" for name, at in period.items()}
        return urlencode({name: value for name, value in told.items() if value})


def of_model(name: str) -> Q:
    """Rows of whoever goes by this name: a model, or a provider without models."""
    return Q(model=name) | Q(model="", provider=name)


def choices() -> Choices:
    runs = DailySummary.objects.filter(stage="").order_by()
    written = set(runs.filter(clinic=ALL).values_list("kind", "provider", "model").distinct())
    found = set(runs.filter(provider=ALL, model=ALL).exclude(clinic=ALL).values_list("clinic", flat=True).distinct())
    kinds = sorted({kind for kind, *__ in written})
    models = sorted({model or provider for __, provider, model in written} - {"", ALL})
    return Choices(dict(zip(kinds, kinds, strict=True)), dict(zip(models, models, strict=True)), clinics(found))


def clinics(found: set[str]) -> dict[str, str]:
    """The names of these clinics in their order, the first characters of its id for one that has no name any more."""
    ids = found - {""}
    names = registry.clinic_names(ids)
    named = sorted(((names.get(each) or each[:8], each) for each in ids), key=lambda pair: pair[0].casefold())
    return {each: name for name, each in named} | ({NO_CLINIC: gettext("No clinic")} if "" in found else {})


def read(query: Mapping[str, str], known: Choices) -> tuple[Filters, list[str]]:
    """The filters of an address, and a sentence for each value that cannot be meant and was left out."""
    faults: list[str] = []
    chosen: dict[str, str] = {}
    for name, values in known._asdict().items():
        if (asked := query.get(name, "").strip()) in values:
            chosen[name] = asked
        elif asked:
            faults.append(WRONG[name] % {"value": asked[:80]})
    first, last = period(query.get("from", "").strip(), query.get("to", "").strip(), faults)
    return Filters(first, last, **chosen), faults


WRONG = {
    "kind": _("No run was of the kind “%(value)s”; all kinds are shown."),
    "model": _("No run was written by “%(value)s”; all models are shown."),
    "clinic": _("No run was of the clinic “%(value)s”; all clinics are shown."),
}


def today() -> date:
    return datetime.now(UTC).date()


def period(begin: str, end: str, faults: list[str]) -> tuple[date, date]:
    now = today()
    try:
        last = min(date.fromisoformat(end), now) if end else now
        first = date.fromisoformat(begin) if begin else last - timedelta(days=DAYS - 1)
    except (ValueError, OverflowError):
        faults.append(gettext("A day is written like 2026-01-31; the last %(days)d days are shown.") % {"days": DAYS})
        return now - timedelta(days=DAYS - 1), now
    if first > last:
        faults.append(
            gettext("The first day is after the last one; the last %(days)d days are shown.") % {"days": DAYS}
        )
        return now - timedelta(days=DAYS - 1), now
    if (last - first).days >= MOST_DAYS:
        first = last - timedelta(days=MOST_DAYS - 1)
        faults.append(
            gettext("No more than %(days)d days are shown at a time, here those since %(day)s.")
            % {"days": MOST_DAYS, "day": date_format(first, "Y-m-d")}
        )
    return first, last
