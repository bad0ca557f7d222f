"""What may be chosen for a hand-out and for a link."""

from django import forms
from django.utils.translation import gettext_lazy as _

from generation import shares
from generation.models.accounts import Language
from generation.program_serializers import MOST_VERSIONS

MOST_FIRST_NAME = 40
SIZES = (("standard", _("Standard print")), ("large", _("Large print")))


class PrintForm(forms.Form):
    """`first_name` and `token` come in the body of a POST only, so that no log has them."""

    size = forms.ChoiceField(label=_("Size"), choices=SIZES, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=Language, required=False)
    version = forms.IntegerField(min_value=1, max_value=MOST_VERSIONS, required=False, widget=forms.HiddenInput)
    first_name = forms.CharField(label=_("First name of the patient"), max_length=MOST_FIRST_NAME, required=False)
    with_link = forms.BooleanField(label=_("With a link and a code for the phone (90 days)"), required=False)
    token = forms.CharField(max_length=64, required=False, widget=forms.HiddenInput)

    def clean_size(self) -> str:
        return self.cleaned_data["size"] or "standard"


class ShareForm(forms.Form):
    days = forms.IntegerField(
        label=_("Days that the link works"), min_value=1, max_value=shares.MOST_DAYS, initial=shares.DEFAULT_DAYS
    )
