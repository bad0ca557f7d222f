"""What was understood of a case, as chips: label, words, and the text it was read from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from generation.clinical.corrections import choices
from generation.clinical.data_files import phrases, read

LABELS: dict[str, str | Promise] = {
    "regions": _("Region"),
    "side": _("Side"),
    "condition_tags": _("Condition"),
    "surgery": _("Operation"),
    "surgery_date": _("Time since operation"),
    "onset": _("Duration"),
    "acuity": _("Course"),
    "phase": _("Phase"),
    "pain": _("Pain"),
    "irritability": _("Irritability"),
    "age": _("Age"),
    "pregnant": _("Pregnancy"),
    "comorbidities": _("Other conditions"),
    "restrictions": _("Limits"),
    "weight_bearing": _("Weight bearing"),
    "equipment": _("Equipment"),
    "goals": _("Goals"),
}
# Under which field of the profile the evidence of a chip is kept, where the names differ.
EVIDENCE = {"pain": "pain_now", "weight_bearing": "wb_status", "equipment": "equipment_available"}
LEVELS: dict[str, str | Promise] = {
    "low": _("low"), "mod": _("moderate"), "high": _("high"),
    "acute": _("acute"), "subacute": _("subacute"), "persistent": _("persistent"), "post_op": _("after an operation"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chip:
    """`known` is False for what the case does not say; `words` then says so."""

    name: str
    label: str | Promise
    words: str
    evidence: str = ""
    known: bool = True


def chips(profile: Mapping[str, Any], language: str) -> list[Chip]:
    """Known facts in the order a clinician asks for them, then what was not stated."""
    evidence: Mapping[str, str] = profile.get("evidence", {})
    unknowns: Sequence[str] = profile.get("unknowns", ())
    known = [
        Chip(name, LABELS[name], words, evidence.get(EVIDENCE.get(name, name), ""))
        for name, words in facts(profile, language)
        if words and name not in unknowns
    ]
    return known + [
        Chip(name, LABELS.get(name, readable(name)), gettext("not stated"), known=False) for name in unknowns
    ]


def facts(profile: Mapping[str, Any], language: str) -> Iterator[tuple[str, str]]:
    words = phrases(language)
    side, phase, onset = profile.get("side", ""), profile.get("phase", ""), profile.get("onset")
    yield "regions", listed(words["region"].get(code, code) for code in profile.get("regions", ()))
    yield "side", "" if side == "unknown" else words["side"].get(side, side)
    yield "condition_tags", listed(label(code, language) for code in conditions(profile))
    yield "surgery", operation(profile.get("surgery"), language)
    yield "onset", time_words(onset["value"], onset["unit"]) if onset else ""
    yield "acuity", level(profile.get("acuity"))
    # Without a region it is only the default.
    yield "phase", words["phase"].get(phase, phase) if profile.get("regions") else ""
    yield "pain", pain(profile.get("pain_now"), profile.get("pain_worst"))
    yield "irritability", level(profile.get("irritability"))
    yield "age", str(profile.get("age") or "")
    yield "pregnant", gettext("pregnant") if profile.get("pregnant") else ""
    yield "weight_bearing", named("wb_status", profile.get("wb_status") or "", language)
    for name, field in (("comorbidities", "comorbidities"), ("goals", "goals"), ("equipment", "equipment_available")):
        yield name, listed(named(field, code, language) for code in profile.get(field, ()))
    yield "restrictions", listed(limit(entry, language) for entry in profile.get("restrictions", ()))


def conditions(profile: Mapping[str, Any]) -> list[str]:
    """Without the operation, which has a chip of its own."""
    return [code for code in profile.get("condition_tags", ()) if not code.startswith("after_")]


def operation(surgery: Mapping[str, Any] | None, language: str) -> str:
    if not surgery:
        return ""
    weeks = surgery.get("weeks_post_op")
    if weeks is None:
        return label(surgery["type"], language)
    since = time_words(round(weeks * 7), "day") if weeks < 2 else time_words(weeks, "week")
    return gettext("%(operation)s, %(time)s ago") % {"operation": label(surgery["type"], language), "time": since}


def pain(now: int | None, worst: int | None) -> str:
    told = [gettext("%(n)d of 10") % {"n": now}] if now is not None else []
    if worst is not None:
        told.append(gettext("worst %(n)d of 10") % {"n": worst})
    return ", ".join(told)


def limit(entry: Mapping[str, Any], language: str) -> str:
    value = entry.get("value")
    return named("restrictions", entry["code"], language) + ("" if value is None else f" {value}")


def time_words(value: float, unit: str) -> str:
    names = {
        "day": ngettext("%(n)g day", "%(n)g days", round(value)),
        "week": ngettext("%(n)g week", "%(n)g weeks", round(value)),
        "month": ngettext("%(n)g month", "%(n)g months", round(value)),
        "year": ngettext("%(n)g year", "%(n)g years", round(value)),
    }
    return names[unit] % {"n": value}


def level(code: str | None) -> str:
    return str(LEVELS.get(code or "", code or ""))


def label(code: str, language: str) -> str:
    """The clinical data's own name for a code, else the code made readable."""
    for table, key in (("conditions", "tag"), ("surgeries", "type"), ("goals", "code")):
        for entry in read(table):
            if entry[key] == code and "label" in entry:
                return str(entry["label"].get(language, entry["label"]["en"]))
    return readable(code)


def named(field: str, code: str, language: str) -> str:
    """What a code of a field that may be corrected is called there."""
    return _named(field, language).get(code) or label(code, language)


@cache
def _named(field: str, language: str) -> dict[str, str]:
    return {choice["code"]: choice["label"][language] for choice in choices()[field]}


def readable(code: str) -> str:
    return code.replace("_", " ")


def listed(words: Any) -> str:
    return ", ".join(dict.fromkeys(words))
