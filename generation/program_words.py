"""Words of a program's pages that live in no template."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from generation.library_words import EQUIPMENT, LEVELS, word

Word = str | Promise

DOSE_FIELDS: dict[str, Word] = {
    "sets": _("Sets"),
    "reps": _("Repetitions"),
    "hold_s": _("Hold in seconds"),
    "duration_s": _("Duration in seconds"),
    "rest_s": _("Rest in seconds"),
    "per_day": _("Times a day"),
    "days_per_week": _("Days a week"),
    "rest_days_between": _("Rest days between"),
}

# From pain 0 on: the first three of ten are fine, and what the person's limit adds settles within a day.
GREEN_TO = 3


def equipment_words(codes: list[str]) -> str:
    return ", ".join(str(word(EQUIPMENT, code)) for code in codes)


def level_words(level: int) -> str:
    return str(word(LEVELS, str(level)))


def lights(limit: int) -> list[dict[str, Any]]:
    """The traffic light of pain, each with a colour, a name and what it means. Source: domain.md 3.3 and 6."""
    found = [
        {
            "colour": "green",
            "name": gettext("Green: go on"),
            "words": gettext("Pain 0 to %(n)d of 10.") % {"n": min(limit, GREEN_TO)},
        }
    ]
    if limit > GREEN_TO:
        words = gettext("Pain %(low)d to %(high)d of 10: fine if it settles within 24 hours.")
        facts = {"low": GREEN_TO + 1, "high": limit}
        found.append({"colour": "amber", "name": gettext("Amber: take care"), "words": words % facts})
    words = gettext("Pain %(n)d of 10 or more.") % {"n": limit + 1}
    return [*found, {"colour": "red", "name": gettext("Red: do less or stop"), "words": words}]


def change_words(change: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """What made a version, as "Bridge moved up"; `names` are those of the exercises by slug."""
    slug, to = change.get("slug", ""), change.get("to", "")
    facts = {"name": names.get(slug, slug), "other": names.get(str(to), to)}
    sentences = {
        "generated": gettext("Generated"),
        "swap": gettext("%(name)s swapped for %(other)s"),
        "dose": gettext("New dose for %(name)s"),
        "remove": gettext("%(name)s removed"),
        "add": gettext("%(name)s added"),
        "note": gettext("New note for %(name)s"),
        "undo": gettext("Undone: version %(other)s is back"),
        "duplicate": gettext("Copied from another program"),
        "template": gettext("Saved as a template"),
    }
    moved = gettext("%(name)s moved up") if change.get("direction") == "up" else gettext("%(name)s moved down")
    sentence: str = (sentences | {"move": moved}).get(change["action"], change["action"])
    return sentence % facts
