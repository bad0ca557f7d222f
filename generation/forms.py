"""The page's forms. What a case must be is said once, in `serializers.ExerciseProgramInput`."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from generation.models import Run, User
from generation.models.runs import LIVE, Status

MIN_PROMPT = 20
MAX_PROMPT = 4000
MAX_MRN = 64


class GenerateForm(forms.Form):
    """A case for the kind `exercise_program`; `input()` is what `serializers.cleaned` takes."""

    prompt = forms.CharField(
        label=_("Case"),
        min_length=MIN_PROMPT,
        max_length=MAX_PROMPT,
        widget=forms.Textarea(attrs={"rows": 9, "autocomplete": "off", "spellcheck": "true"}),
        error_messages={
            "required": _("Describe the case in at least 20 characters."),
            "min_length": ngettext_lazy(
                "Describe the case in at least %(limit_value)d character (it has %(show_value)d).",
                "Describe the case in at least %(limit_value)d characters (it has %(show_value)d).",
                "limit_value",
            ),
        },
    )
    mrn = forms.CharField(
        label=_("Record number (MRN)"),
        max_length=MAX_MRN,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    clinic_id = forms.ChoiceField(label=_("Clinic"), required=False)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
        clinics = [(str(clinic.pk), clinic.name) for clinic in user.clinics.all()]
        if not clinics:
            del self.fields["clinic_id"]
        else:
            # With a single clinic "none" is not a choice: the run would belong to that clinic all the same.
            none = [("", _("No clinic"))] if len(clinics) > 1 else []
            self.fields["clinic_id"] = forms.ChoiceField(label=_("Clinic"), required=False, choices=[*none, *clinics])
        for name in self.fields:
            described = [f"{name}-hint", f"{name}-error"]
            if name == "prompt":
                described.insert(1, "prompt-counter")
            self.fields[name].widget.attrs["aria-describedby"] = " ".join(described)

    def clean_prompt(self) -> str:
        # A plain POST carries CRLF line ends, which would count double against the limit of the API.
        prompt: str = self.cleaned_data["prompt"]
        return prompt.replace("\r\n", "\n")

    def input(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value}

    def take_errors(self, errors: dict[str, Any]) -> None:
        """Show what the API's own validation found, at the field where there is one."""
        for name, messages in errors.items():
            self.add_error(name if name in self.fields else None, [str(message) for message in messages])


def initial_from(run: Run) -> dict[str, Any]:
    """The case of an earlier run, for the form."""
    return {name: run.input.get(name, "") for name in ("prompt", "mrn", "clinic_id")}


class HistoryFilter(forms.Form):
    """`status` is one of wire.md 1.6, or `live` for all that have not ended."""

    LIVE = "live"
    status = forms.ChoiceField(required=False, choices=[("", ""), (LIVE, ""), *((s.value, "") for s in Status)])

    def statuses(self) -> tuple[str, ...]:
        """Empty for all. A status that does not exist shows all rather than an error page."""
        status = self.cleaned_data.get("status") if self.is_valid() else ""
        if status == self.LIVE:
            return tuple(LIVE)
        return (str(status),) if status else ()
