"""The form of a batch. What a case must be is said once, in `serializers.ExerciseProgramInput`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generation.batch_upload import Row, Unreadable, from_file, from_pasted
from generation.errors import Invalid
from generation.models import User
from generation.models.accounts import Language
from generation.serializers import cleaned

KIND = "exercise_program"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in one row; `column` is empty where it is the row as a whole."""

    row: int
    column: str
    reason: str


class BatchForm(forms.Form):
    """Cases pasted or as a file. Once valid, `inputs` are what `batches.start` takes.

    A row that can't be used makes the whole form invalid; `faults` says which and why.
    """

    pasted = forms.CharField(
        label=_("Cases"),
        required=False,
        # Empty lines count, or the numbers of the rows would not be those that the person sees.
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "autocomplete": "off", "spellcheck": "true"}),
    )
    file = forms.FileField(
        label=_("CSV file"), required=False, widget=forms.FileInput(attrs={"accept": ".csv,text/csv,text/plain"})
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        self.user = user
        self.inputs: list[dict[str, Any]] = []
        self.faults: list[Fault] = []
        most = settings.MAX_ACTIVE_RUNS_PER_USER
        self.fields["max_parallel"] = forms.IntegerField(
            label=_("At a time"),
            min_value=1,
            max_value=most,
            required=False,
            widget=forms.NumberInput(attrs={"placeholder": most}),
        )
        mine = gettext("My language (%(language)s)") % {"language": user.get_language_display()}
        self.fields["language"] = forms.ChoiceField(
            label=_("Language of the programs"), required=False, choices=[("", mine), *Language.choices]
        )
        for name in self.fields:
            self.fields[name].widget.attrs["aria-describedby"] = f"{name}-hint {name}-error"

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        if self.errors:
            return values
        try:
            rows = self.rows(values)
        except Unreadable as error:
            raise ValidationError(str(error)) from None
        if len(rows) > settings.MAX_BATCH_ROWS:
            raise ValidationError(
                gettext("At most %(most)d rows at a time; these are %(n)d.")
                % {"most": settings.MAX_BATCH_ROWS, "n": len(rows)}
            )
        clinics = {str(clinic.pk): clinic.name for clinic in self.user.clinics.all()}
        for row in rows:
            try:
                self.inputs.append(input_of(row, values["language"], clinics))
            except Invalid as error:
                self.faults += faults_of(row, error)
        if self.faults:
            raise ValidationError(gettext("Some rows can't be used, so nothing was started."), code="rows")
        return values

    def rows(self, values: Mapping[str, Any]) -> list[Row]:
        """Raises Unreadable."""
        pasted, file = values["pasted"], values["file"]
        if pasted.strip() and file:
            raise Unreadable(gettext("Paste the cases or choose a file, not both."))
        if not pasted.strip() and not file:
            raise Unreadable(gettext("Paste at least one case, or choose a file."))
        rows = from_file(file.read()) if file else from_pasted(pasted)
        if not rows:
            raise Unreadable(gettext("There is no row under the header."))
        return rows


def input_of(row: Row, language: str, clinics: Mapping[str, str]) -> dict[str, Any]:
    """A row as the validated input of a run. `clinics` are the person's, name by id. Raises Invalid with all faults."""
    if row.fault:
        raise Invalid(fields={"": [row.fault]})
    values = {**row.values, **({"language": language} if language else {})}
    faults: dict[str, Any] = {}
    try:
        values |= clinic_of(values, clinics)
    except Invalid as error:
        faults.update(error.fields or {})
    try:
        checked = cleaned(KIND, {name: value for name, value in values.items() if name != "clinic"})
    except Invalid as error:
        faults.update(error.fields or {})
    if faults:
        raise Invalid(fields=faults)
    return checked


def clinic_of(values: Mapping[str, str], clinics: Mapping[str, str]) -> dict[str, str]:
    """The clinic that a row names, as `clinic_id`; empty where it names none. Raises Invalid."""
    if "clinic" in values and "clinic_id" in values:
        raise Invalid(fields={"clinic": [gettext("Give the clinic's name or its id, not both.")]})
    if "clinic" in values:
        return {"clinic_id": clinic_named(values["clinic"], clinics)}
    if "clinic_id" in values and values["clinic_id"].lower() not in clinics:
        raise Invalid(fields={"clinic_id": [gettext("There is no such clinic among yours.")]})
    return {}


def clinic_named(name: str, clinics: Mapping[str, str]) -> str:
    """Raises Invalid unless exactly one clinic has the name."""
    found = [key for key, known in clinics.items() if known.casefold() == name.casefold()]
    if not found:
        raise Invalid(fields={"clinic": [gettext("There is no such clinic among yours.")]})
    if len(found) > 1:
        raise Invalid(fields={"clinic": [gettext("Several of your clinics have this name; use clinic_id.")]})
    return found[0]


def faults_of(row: Row, error: Invalid) -> Iterator[Fault]:
    for column, reasons in (error.fields or {}).items():
        for reason in reasons:
            yield Fault(row.number, column, str(reason))
