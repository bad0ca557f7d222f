"""Which fields a clinician may correct, to which codes and numbers."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from generation.clinical.data_files import phrases, read

_TERMS: dict[str, Any] = read("terms")
_CONDITIONS: dict[str, Any] = {entry["tag"]: entry for entry in read("conditions")}
_SURGERIES: dict[str, Any] = {entry["type"]: entry for entry in read("surgeries")}
_UNITS = ("day", "week", "month", "year")
COUNTED = ("flexion_limit", "er_limit", "lift_limit", "time_budget", "pwb_percent", "pregnancy_weeks", "bp_high")
RANGES = {
    "pain_now": (0, 10), "pain_worst": (0, 10), "age": (0, 120), "weeks_post_op": (0, 520), "onset": (0, 1000),
    "flexion_limit": (0, 180), "er_limit": (0, 90), "lift_limit": (0, 100), "time_budget": (3, 120),
    "pwb_percent": (0, 99), "pregnancy_weeks": (1, 45), "bp_high": (80, 300),
}  # fmt: skip

Labels = Mapping[str, str]


def choices() -> dict[str, list[dict[str, Any]]]:
    """The codes a field may be corrected to, each `{code, label: {en, da}}`, in the order of the data files."""
    return {
        field: [{"code": code, "label": dict(label)} for code, label in codes.items()]
        for field, codes in _CODES.items()
    }


def problems(corrections: Mapping[str, Any]) -> dict[str, list[str]]:
    """What is wrong with corrections, by field; empty when they may be applied. An unknown field is an error."""
    found = {
        name: _CHECKS[name](value) if name in _CHECKS else ["This can not be corrected."]
        for name, value in corrections.items()
    }
    return {name: messages for name, messages in found.items() if messages}


def restriction_of(entry: Any) -> tuple[str, Any]:
    """A restriction given as a code, or as `{code, value}`."""
    return (entry["code"], entry.get("value")) if isinstance(entry, Mapping) else (entry, None)


def _labels(name: str) -> dict[str, Labels]:
    return {code: entry["label"] for code, entry in _TERMS[name].items()}


def _phrased(name: str, *, without: Sequence[str] = ()) -> dict[str, Labels]:
    texts = {language: phrases(language)[name] for language in ("en", "da")}
    return {
        code: {language: texts[language][code] for language in texts} for code in texts["en"] if code not in without
    }


_CODES: dict[str, dict[str, Labels]] = {
    "regions": _phrased("region"),
    "side": _phrased("side"),
    "phase": _phrased("phase"),
    "condition_tags": {tag: entry["label"] for tag, entry in _CONDITIONS.items()},
    "surgery": {kind: entry["label"] for kind, entry in _SURGERIES.items()},
    "irritability": _labels("irritability"),
    "wb_status": _labels("weight_bearing"),
    "equipment_available": {code: label for code, label in _labels("equipment").items() if code != "none"},
    "goals": {entry["code"]: entry["label"] for entry in read("goals")},
    "comorbidities": _labels("comorbidities"),
    "restrictions": _labels("restrictions"),
    "onset": _phrased("units"),
}


def _one_of(field: str, *, nullable: bool = False) -> Callable[[Any], list[str]]:
    def check(value: Any) -> list[str]:
        if value is None:
            return [] if nullable else ["Say which."]
        return [] if isinstance(value, str) and value in _CODES[field] else [f"Unknown code for {field}."]

    return check


def _some_of(field: str, *, least: int = 0) -> Callable[[Any], list[str]]:
    def check(value: Any) -> list[str]:
        if not isinstance(value, (list, tuple)) or len(value) < least or len(value) > len(_CODES[field]) + 1:
            return ["Give a list of codes."]
        operations = {f"after_{kind}" for kind in _SURGERIES} if field == "condition_tags" else set()
        known = all(isinstance(code, str) and (code in _CODES[field] or code in operations) for code in value)
        return [] if known else [f"Unknown code for {field}."]

    return check


def _number(name: str, *, whole: bool = True) -> Callable[[Any], list[str]]:
    low, high = RANGES[name]

    def check(value: Any) -> list[str]:
        if value is None:
            return []
        number = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
        return [] if number and low <= value <= high else [f"Give a number from {low} to {high}."]

    return check


def _tick(value: Any) -> list[str]:
    return [] if isinstance(value, bool) else ["Say yes or no."]


def _onset(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, Mapping) or set(value) != {"value", "unit"} or value["unit"] not in _UNITS:
        return ["Give a value and a unit: day, week, month or year."]
    return ["Give a number."] if value["value"] is None else _number("onset", whole=False)(value["value"])


def _surgery(value: Any) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, Mapping) or not {"type"} <= set(value) <= {"type", "weeks_post_op"}:
        return ["Give the type and the weeks since."]
    return _one_of("surgery")(value["type"]) + _number("weeks_post_op", whole=False)(value.get("weeks_post_op"))


def _restrictions(value: Any) -> list[str]:
    if not isinstance(value, Mapping) or not set(value) <= {"add", "remove"}:
        return ["Give lists of codes to add and to remove."]
    added, removed = value.get("add", []), value.get("remove", [])
    if not isinstance(added, (list, tuple)) or not isinstance(removed, (list, tuple)):
        return ["Give lists of codes to add and to remove."]
    known = _CODES["restrictions"]
    if any(not isinstance(code, str) or code not in known for code in removed):
        return ["Unknown code for restrictions."]
    return [message for entry in added for message in _added(entry, known)]


def _added(entry: Any, known: Mapping[str, Any]) -> list[str]:
    if not isinstance(entry, str) and not (isinstance(entry, Mapping) and {"code"} <= set(entry) <= {"code", "value"}):
        return ["Give a code, or a code and a value."]
    code, value = restriction_of(entry)
    if not isinstance(code, str) or code not in known:
        return ["Unknown code for restrictions."]
    if code not in COUNTED:
        return [] if value is None else [f"{code} takes no value."]
    return [f"{code} needs a value."] if value is None and code != "pregnancy_weeks" else _number(code)(value)


_CHECKS: dict[str, Callable[[Any], list[str]]] = {
    "side": _one_of("side"),
    "regions": _some_of("regions", least=1),
    "condition_tags": _some_of("condition_tags"),
    "pain_now": _number("pain_now"),
    "pain_worst": _number("pain_worst"),
    "irritability": _one_of("irritability"),
    "age": _number("age"),
    "onset": _onset,
    "surgery": _surgery,
    "wb_status": _one_of("wb_status", nullable=True),
    "equipment_available": _some_of("equipment_available"),
    "goals": _some_of("goals"),
    "comorbidities": _some_of("comorbidities"),
    "pregnant": _tick,
    "restrictions": _restrictions,
    "phase": _one_of("phase"),
    "general_conditioning_ok": _tick,
    "jump_cleared": _tick,
}

FIELDS = frozenset(_CHECKS)
