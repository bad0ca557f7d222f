"""What was understood of a case, as fields that a clinician may correct."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from generation.clinical import corrections as rules
from generation.clinical.data_files import read
from generation.page_words import said
from generation.profile_chips import LABELS, Chip, conditions

# The fields of each chip.
CHIPS = {
    "regions": ("regions",),
    "side": ("side",),
    "condition_tags": ("condition_tags",),
    "surgery": ("surgery_type", "surgery_weeks"),
    "onset": ("onset_value", "onset_unit"),
    "phase": ("phase",),
    "pain": ("pain_now", "pain_worst"),
    "irritability": ("irritability",),
    "age": ("age",),
    "pregnant": ("pregnant", "pregnancy_weeks"),
    "comorbidities": ("comorbidities",),
    "restrictions": ("restrictions", "flexion_limit", "er_limit", "lift_limit", "time_budget", "bp_high"),
    "weight_bearing": ("wb_status", "pwb_percent"),
    "equipment": ("equipment_available",),
    "goals": ("goals",),
}
# What is not stated of an operation is filled in where the operation is.
SAME_AS = {"surgery_date": "surgery"}
LISTS = ("regions", "condition_tags", "comorbidities", "equipment_available", "goals")
PLAIN = ("side", "phase", "pain_now", "pain_worst", "irritability", "age", "pregnant", "wb_status", *LISTS)
# Limits that are numbers: the lowest and the highest.
COUNTED = {
    "flexion_limit": (0, 180), "er_limit": (0, 90), "lift_limit": (0, 100), "time_budget": (3, 120),
    "bp_high": (80, 300), "pwb_percent": (0, 99), "pregnancy_weeks": (1, 45),
}  # fmt: skip


def number(name: Any, low: int, high: int) -> forms.IntegerField:
    return forms.IntegerField(label=name, min_value=low, max_value=high, required=False)


def ticks(name: Any) -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(label=name, required=False, widget=forms.CheckboxSelectMultiple)


class CorrectionForm(forms.Form):
    """Begins with the profile of a run; `corrections()` are the facts that are different now."""

    regions = ticks(_("Region"))
    side = forms.ChoiceField(label=_("Side"), required=False)
    condition_tags = ticks(_("Condition"))
    surgery_type = forms.ChoiceField(label=_("Operation"), required=False)
    surgery_weeks = forms.FloatField(label=_("Weeks since"), min_value=0, max_value=520, required=False)
    onset_value = forms.FloatField(label=_("For how long"), min_value=0, max_value=1000, required=False)
    onset_unit = forms.ChoiceField(label=_("Unit"), required=False)
    phase = forms.ChoiceField(label=_("Phase"), required=False)
    pain_now = number(_("Now, 0 to 10"), 0, 10)
    pain_worst = number(_("At worst, 0 to 10"), 0, 10)
    irritability = forms.ChoiceField(label=_("Irritability"), required=False)
    age = number(_("Age"), 0, 120)
    pregnant = forms.BooleanField(label=_("Pregnant"), required=False)
    comorbidities = ticks(_("Other conditions"))
    restrictions = ticks(_("Limits"))
    wb_status = forms.ChoiceField(label=_("Weight bearing"), required=False)
    equipment_available = ticks(_("Equipment"))
    goals = ticks(_("Goals"))

    def __init__(self, profile: Mapping[str, Any], language: str, data: Any = None) -> None:
        super().__init__(data, initial=initial_of(profile), label_suffix="", prefix="fact")
        named = {field: labelled(field, language) for field in rules.choices()}
        for code, (low, high) in COUNTED.items():
            self.fields[code] = number(named["restrictions"].pop(code), low, high)
        for name, choices in choices_for(profile, named).items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            if isinstance(field, forms.MultipleChoiceField):
                # A code that is new to this page must not count as taken away.
                choices |= {code: code.replace("_", " ") for code in self.initial[name] if code not in choices}
            field.choices = list(choices.items())

    def clean(self) -> dict[str, Any]:
        values, changed = self.cleaned_data, set(self.changed_data)
        if "surgery_weeks" in changed and values.get("surgery_weeks") is not None and values.get("surgery_type") == "":
            self.add_error("surgery_weeks", _("Choose the operation too."))
        now, worst = values.get("pain_now"), values.get("pain_worst")
        if changed & {"pain_now", "pain_worst"} and now is not None and worst is not None and worst < now:
            self.add_error("pain_worst", _("The pain at worst can't be less than the pain now."))
        return values

    def corrections(self) -> dict[str, Any]:
        """The facts that were changed, in the form of `clinical.corrections`."""
        changed, values = set(self.changed_data), self.cleaned_data
        found = {name: None if values[name] == "" else values[name] for name in PLAIN if name in changed}
        if changed & {"onset_value", "onset_unit"}:
            value = values["onset_value"]
            found["onset"] = None if value is None else {"value": value, "unit": values["onset_unit"]}
        if changed & {"surgery_type", "surgery_weeks"}:
            kind = values["surgery_type"]
            found["surgery"] = {"type": kind, "weeks_post_op": values["surgery_weeks"]} if kind else None
        if limits := self.limits(changed):
            found["restrictions"] = limits
        return found

    def limits(self, changed: set[str]) -> dict[str, list[Any]]:
        before, now = set(self.initial["restrictions"]), set(self.cleaned_data["restrictions"])
        added: list[Any] = sorted(now - before)
        removed = sorted(before - now)
        for code in COUNTED:
            if code in changed:
                value = self.cleaned_data[code]
                if value is None:
                    removed.append(code)
                else:
                    added.append({"code": code, "value": value})
        return {name: codes for name, codes in (("add", added), ("remove", removed)) if codes}

    def take_errors(self, errors: Mapping[str, Any]) -> None:
        """Show what the rules found, at the first field of the fact that it is about."""
        for name, messages in errors.items():
            sentences = messages if isinstance(messages, list | tuple) else [messages]
            of_fact = CHIPS.get(name, (name,))[0]
            self.add_error(of_fact if of_fact in self.fields else None, [said(sentence) for sentence in sentences])


def labelled(field: str, language: str) -> dict[str, str]:
    """The codes that a field may be corrected to, and what they are called."""
    found = {choice["code"]: choice["label"][language] for choice in rules.choices()[field]}
    return {code: name[:1].upper() + name[1:] for code, name in found.items()}


def initial_of(profile: Mapping[str, Any]) -> dict[str, Any]:
    surgery, onset = profile.get("surgery") or {}, profile.get("onset") or {}
    limits = {entry["code"]: entry.get("value") for entry in profile.get("restrictions", ())}
    return {name: profile.get(name) for name in PLAIN} | {
        **{name: list(profile.get(name) or ()) for name in LISTS},
        **{code: limits.get(code) for code in COUNTED},
        "condition_tags": conditions(profile),
        "restrictions": [code for code in limits if code not in COUNTED],
        "surgery_type": surgery.get("type", ""),
        "surgery_weeks": surgery.get("weeks_post_op"),
        "onset_value": onset.get("value"),
        "onset_unit": onset.get("unit", "week"),
        "wb_status": profile.get("wb_status") or "",
    }


def choices_for(profile: Mapping[str, Any], named: Mapping[str, dict[str, str]]) -> dict[str, dict[str, Any]]:
    """What may be chosen; of conditions, those of the region and those that were read."""
    regions, tags = set(profile.get("regions", ())), conditions(profile)
    near = [entry["tag"] for entry in read("conditions") if not regions or regions & set(entry.get("regions", ()))]
    return {
        **{name: dict(named[name]) for name in ("regions", "phase", "irritability", "comorbidities", "goals")},
        **{name: dict(named[name]) for name in ("restrictions", "equipment_available")},
        "side": named["side"] | {"unknown": _("Not stated")},
        "condition_tags": {tag: named["condition_tags"].get(tag, tag) for tag in dict.fromkeys([*tags, *near])},
        "surgery_type": {"": _("None"), **named["surgery"]},
        "onset_unit": dict(named["onset"]),
        "wb_status": {"": _("Not stated"), **named["wb_status"]},
    }


def correctable(chips: list[Chip], form: CorrectionForm) -> Iterator[dict[str, Any]]:
    """Each chip with its fields, then the facts that nobody has spoken of, to be filled in."""
    shown = set()
    for chip in chips:
        name = SAME_AS.get(chip.name, chip.name)
        fields = [form[field] for field in CHIPS.get(name, ()) if name not in shown]
        shown.add(name)
        yield {"chip": chip, "fields": fields, "faulty": any(field.errors for field in fields)}
    for name, names in CHIPS.items():
        if name not in shown:
            fields = [form[field] for field in names]
            chip = Chip(name, LABELS[name], "", known=True)
            yield {"chip": chip, "fields": fields, "absent": True, "faulty": any(field.errors for field in fields)}
