"""The page's forms. What a case must be is said once, in `serializers.ExerciseProgramInput`."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from generation import rights
from generation.models import Run, User
from generation.models.accounts import Language
from generation.page_words import said

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
    language = forms.ChoiceField(label=_("Language of the program"), required=False, choices=Language.choices)
    follows = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        initial = {"language": user.language} | (kwargs.pop("initial", None) or {})
        super().__init__(*args, **{"label_suffix": "", "initial": initial, **kwargs})
        clinics = [(str(clinic.pk), clinic.name) for clinic in rights.clinics_of(user)]
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
        return {name: str(value) for name, value in self.cleaned_data.items() if value}

    def take_errors(self, errors: dict[str, Any]) -> None:
        """Show what the API's own validation found, at the field where there is one."""
        for name, messages in errors.items():
            self.add_error(name if name in self.fields else None, [said(message) for message in messages])


def initial_from(run: Run) -> dict[str, Any]:
    """The case of an earlier run, for the form. Its record number is not shown: `follows` takes it over."""
    given = {name: run.input.get(name, "") for name in ("prompt", "clinic_id")}
    return given | {"language": run.language, "follows": str(run.uid)}
