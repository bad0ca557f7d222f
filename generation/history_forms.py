"""How the history is narrowed. A filter that can't be meant shows all rather than an error page."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from generation.models import Program, Run, User
from generation.models.runs import LIVE, Status
from generation.page_words import HISTORY_FILTERS, IN_PROGRESS, KINDS
from generation.pipelines import PIPELINES

STANDINGS = (
    ("", _("All")),
    ("draft", pgettext_lazy("programs", "Drafts")),
    ("approved", pgettext_lazy("programs", "Approved")),
    ("none", _("Without a program")),
)
MAX_MRN = 64


class HistoryFilter(forms.Form):
    """`status` is one of wire.md 1.6, or `live` for all that have not ended; days are UTC's."""

    kind = forms.ChoiceField(label=_("Kind"), required=False)
    status = forms.ChoiceField(label=_("Status"), required=False, choices=HISTORY_FILTERS)
    program = forms.ChoiceField(label=_("Program"), required=False, choices=STANDINGS)
    since = forms.DateField(label=_("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=_("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    clinic = forms.ChoiceField(label=_("Clinic"), required=False)
    author = forms.ChoiceField(label=_("By"), required=False)

    def __init__(self, user: User, visible: QuerySet[Run], data: Any) -> None:
        super().__init__(data, label_suffix="")
        clinics = [(str(clinic.pk), clinic.name) for clinic in user.clinics.all()]
        people = User.objects.filter(pk__in=visible.values("owner")).order_by("username")
        authors = [(str(person.pk), str(person)) for person in people[:100]]
        kinds = [(kind, KINDS.get(kind, kind)) for kind in PIPELINES]
        for name, choices in (("kind", kinds), ("clinic", clinics), ("author", authors)):
            # Of one, there is nothing to choose.
            if len(choices) < 2:
                del self.fields[name]
            else:
                self.fields[name] = forms.ChoiceField(
                    label=self.fields[name].label, required=False, choices=[("", _("All")), *choices]
                )
        self.fields["status"].choices = [  # type: ignore[attr-defined]
            *HISTORY_FILTERS,
            *((s.value, s.label) for s in Status if s.value not in dict(HISTORY_FILTERS)),
        ]
        self.full_clean()

    @property
    def given(self) -> dict[str, Any]:
        """The filters that are there and valid."""
        return {name: value for name, value in self.cleaned_data.items() if value}

    def narrowed(self, runs: QuerySet[Run]) -> QuerySet[Run]:
        wanted = Q()
        for name, value in self.given.items():
            wanted &= self.condition(name, value)
        return runs.filter(wanted)

    def condition(self, name: str, value: Any) -> Q:
        if name == "status":
            return Q(status__in=LIVE) if value == IN_PROGRESS else Q(status=value)
        if name == "program":
            if value == "none":
                return Q(program=None)
            return Q(program__status=Program.Status(value))
        if name == "since":
            return Q(created_at__gte=datetime.combine(value, time.min, tzinfo=UTC))
        if name == "until":
            return Q(created_at__lte=datetime.combine(value, time.max, tzinfo=UTC))
        return Q(**{{"author": "owner", "clinic": "clinic", "kind": "kind"}[name]: value})


class RecordNumberSearch(forms.Form):
    """Posted, so that the number stands in no address and no log of a proxy."""

    mrn = forms.CharField(
        label=_("Record number (MRN)"),
        max_length=MAX_MRN,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
