"""A program as plain text for the patient's record. Source: domain.md 1 "Copy for record" and 6."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from generation.clinical.corrections import choices
from generation.clinical.data_files import phrases, read
from generation.clinical.editing import excluded_words
from generation.clinical.profile import Profile
from generation.clinical.program import subject

_MONTHS = {
    "en": "January February March April May June July August September October November December".split(),
    "da": "januar februar marts april maj juni juli august september oktober november december".split(),
}


@dataclass(frozen=True, slots=True)
class Signature:
    """Which version it is, when it was made, and by whom and when it was approved, if it was."""

    version: int
    made: date
    approved_by: str | None = None
    approved: date | None = None


def record_text(content: Mapping[str, Any], signature: Signature, language: str) -> str:
    """Headings and dates in `language`; the program's own texts stay as they were written."""
    return "\n".join(lines(content, signature, language)) + "\n"


def lines(content: Mapping[str, Any], signature: Signature, language: str) -> Iterator[str]:
    words = read("editing")["record"][language]
    yield words["head"].format(title=content["title"])
    yield words["made"].format(date=day(signature.made, language), version=signature.version)
    if signature.approved is None:
        yield words["draft"]
    else:
        yield words["approved"].format(name=signature.approved_by, date=day(signature.approved, language))
    yield ""
    yield f"{words['profile']}:"
    yield from (f"- {label}: {fact}" for label, fact in facts(content["profile"], language) if fact)
    if content["assumptions"]:
        yield f"- {words['assumptions']}: {' '.join(content['assumptions'])}"
    yield ""
    yield f"{words['exercises'].format(minutes=content['total_minutes'], weeks=content['duration_weeks'])}:"
    for place, item in enumerate(content["items"], 1):
        yield f"{place}. {item['name']}: {item['dose_text']}"
        if item["patient_note"]:
            yield f"   {words['note']}: {item['patient_note']}"
    yield ""
    yield f"{words['rules']}: {content['pain_rule']}"
    yield f"{words['stop']}:"
    yield from (f"- {rule}" for rule in content["stop_rules"])
    if content["warnings"]:
        yield f"{words['warnings']}:"
        yield from (f"- {warning}" for warning in content["warnings"])
    days = content["review_in_days"]
    begun = signature.approved or signature.made
    yield words["review"].format(date=day(begun + timedelta(days=days), language), days=days)


def facts(values: Mapping[str, Any], language: str) -> Iterator[tuple[str, str]]:
    """Label and words of what the program rests on; words are empty for what is not known."""
    words, profile = read("editing")["record"][language], Profile.from_dict(values)
    yield words["what"], subject(profile, language)
    yield words["phase"], phrases(language)["phase"][profile.phase]
    told = {"pain_now": profile.pain_now, "pain_worst": profile.pain_worst}
    yield words["pain"], ", ".join(words[name].format(n=n) for name, n in told.items() if n is not None)
    yield words["age"], str(profile.age or "")
    weeks = profile.weeks if profile.surgery else None
    yield words["since"], "" if weeks is None else f"{weeks:g}"
    yield words["weight_bearing"], label("wb_status", profile.wb_status, language) if profile.wb_status else ""
    # By their codes: what the case says of them may name a person.
    limits = [(label("restrictions", entry["code"], language), entry.get("value")) for entry in profile.restrictions]
    yield words["limits"], ", ".join(name if value is None else f"{name} {value}" for name, value in limits)


def label(field: str, code: str, language: str) -> str:
    """What a code is called where it may be corrected."""
    labels = {choice["code"]: choice["label"] for choice in choices()[field]}
    return str(labels[code][language]) if code in labels else excluded_words(code, language)


def day(moment: date, language: str) -> str:
    month = _MONTHS[language][moment.month - 1]
    return f"{moment.day}{'.' if language == 'da' else ''} {month} {moment.year}"
