"""What a clinician changes in a program: content in, content out. Source: domain.md 2.3, 3.3, 4 and 6.

Content is the program of the result with the profile it was made for; nothing here changes the one it is given. The
constraints come from that profile again each time, and the whole is checked again after each change.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from generation.clinical import dosing, program, selection
from generation.clinical.constraints import constraints_for
from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile
from generation.clinical.validation import Check, Finding
from generation.errors import EditRefused, ExerciseExcluded, Invalid

Exercise = Mapping[str, Any]
Content = dict[str, Any]
Item = dict[str, Any]

MOST_NOTE = 300
# Of any dose; an exercise has narrower bounds of its own.
DOSE_LIMITS = {name: (int(low), int(high)) for name, (low, high) in dosing.LIMITS.items()}
_FREQUENCY = ("per_day", "days_per_week", "rest_days_between")
_ROLE_ORDER: list[str] = read("quotas")["role_order"]


@dataclass(frozen=True, slots=True)
class Bench:
    """What an edit needs beside the content: the library as it is now, the program's language and its editor's."""

    library: Mapping[str, Exercise]
    language: str
    reader: str = "en"
    names: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", program.names(list(self.library.values()), self.language))


def apply(content: Content, bench: Bench, action: str, **fields: Any) -> Content:
    """The content after one action, with its totals and findings brought up to date.

    Raises Invalid with the fields at fault, EditRefused, ExerciseExcluded.
    """
    items = ACTIONS[action](content, bench, **fields)
    return brought_up(content | {"items": items}, bench)


def swap(content: Content, bench: Bench, slug: str, to: str) -> list[Item]:
    items = content["items"]
    place = place_of(items, slug, bench)
    others = [*items[:place], *items[place + 1 :]]
    return [*items[:place], made(content, bench, to, others, "to", instead_of=items[place]), *items[place + 1 :]]


def move(content: Content, bench: Bench, slug: str, direction: str) -> list[Item]:
    items = list(content["items"])
    place = place_of(items, slug, bench)
    other = place + (-1 if direction == "up" else 1)
    if not 0 <= other < len(items):
        raise refused("first_place" if direction == "up" else "last_place", bench.reader)
    items[place], items[other] = items[other], items[place]
    return items


def dose(content: Content, bench: Bench, slug: str, **fields: int) -> list[Item]:
    """Set parts of an item's dose, each within `bounds`; the words and the minutes follow."""
    items = list(content["items"])
    place = place_of(items, slug, bench)
    item, exercise = items[place], bench.library.get(slug)
    if exercise is None:
        raise refused("not_in_library", bench.reader)
    require_bounds(fields, bounds(exercise, item["dose"]), bench.reader)
    frequency = item["dose"]["frequency"] | {name: fields[name] for name in _FREQUENCY if name in fields}
    if "days_per_week" in fields:
        # Said in two ways, how often would contradict itself.
        frequency |= {"named_days": [], "rest_days_between": fields.get("rest_days_between", 0)}
    amounts = {name: value for name, value in fields.items() if name not in _FREQUENCY}
    changed = dosing.timed(item["dose"] | amounts | {"frequency": frequency})
    profile = Profile.from_dict(content["profile"])
    fresh = program.item(item | {"dose": changed}, exercise, profile, bench.names, bench.language, bench.library)
    items[place] = item | {name: fresh[name] for name in ("dose", "dose_text", "progress_when")}
    return items


def remove(content: Content, bench: Bench, slug: str) -> list[Item]:
    items = content["items"]
    place = place_of(items, slug, bench)
    if len(items) == 1:
        raise refused("last_item", bench.reader)
    return [*items[:place], *items[place + 1 :]]


def add(content: Content, bench: Bench, slug: str) -> list[Item]:
    """Behind the exercises whose role comes no later than its own."""
    items = content["items"]
    if len(items) >= selection.MAX_ITEMS:
        raise refused("full", bench.reader, most=selection.MAX_ITEMS)
    new = made(content, bench, slug, items, "slug")
    own = _ROLE_ORDER.index(new["role"])
    later = (place for place, item in enumerate(items) if _ROLE_ORDER.index(item["role"]) > own)
    place = next(later, len(items))
    return [*items[:place], new, *items[place:]]


def note(content: Content, bench: Bench, slug: str, text: str) -> list[Item]:
    """A line for the patient beside one exercise; empty takes it away."""
    items = list(content["items"])
    place = place_of(items, slug, bench)
    items[place] = items[place] | {"patient_note": text.strip()[:MOST_NOTE]}
    return items


ACTIONS: dict[str, Callable[..., list[Item]]] = {
    "swap": swap,
    "move": move,
    "dose": dose,
    "remove": remove,
    "add": add,
    "note": note,
}


def bounds(exercise: Exercise, dose: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Which parts of this dose may be changed, with the lowest and the highest value of each."""
    narrower = dosing.bounds_for(exercise)
    used = [*_FREQUENCY]
    if dose["duration_s"]:
        used.append("duration_s")
    else:
        used += ["sets", "rest_s", *(name for name in ("reps", "hold_s") if dose[name] is not None)]
        if dose["reps"] and dose["hold_s"] is None and "hold_s" in narrower:
            used.append("hold_s")
    found = {}
    for name in used:
        (low, high), (least, most) = narrower.get(name, DOSE_LIMITS[name]), DOSE_LIMITS[name]
        found[name] = (int(max(low, least)), int(min(high, most)))
    if "hold_s" in found and not dose["reps"]:
        # The hold is all there is of it.
        found["hold_s"] = (max(1, found["hold_s"][0]), found["hold_s"][1])
    return found


def require_bounds(asked: Mapping[str, int], allowed: Mapping[str, tuple[int, int]], reader: str) -> None:
    """Raises Invalid, naming for each field at fault what is allowed."""
    faults = {} if asked else {"dose": [fault("no_field", reader)]}
    for name, value in asked.items():
        if name not in allowed:
            faults[name] = [fault("unused", reader)]
        elif not allowed[name][0] <= value <= allowed[name][1]:
            low, high = allowed[name]
            faults[name] = [fault("bounds", reader, low=low, high=high)]
    if faults:
        raise Invalid(fields=faults)


def made(
    content: Content, bench: Bench, slug: str, others: Sequence[Item], name: str, instead_of: Item | None = None
) -> Item:
    """A new item for this person, with their own dose; `name` is the field that a wrong slug is told under."""
    exercise = bench.library.get(slug)
    if exercise is None:
        raise Invalid(fields={name: [fault("not_found", bench.reader)]})
    if any(item["slug"] == slug for item in content["items"]):
        raise refused("already_in", bench.reader)
    check = check_of(content, bench)
    by = selection.reason_against(exercise, check.profile, check.constraints)
    if by is not None:
        raise ExerciseExcluded(by, words("refused", "excluded", bench.reader, why=excluded_words(by, bench.reader)))
    mended, found = tried(exercise, others, check, bench)
    errors = [finding.code for finding in found if finding.severity == "error"]
    if errors:
        raise refused("same_kind" if "V02" in errors else "not_safe", bench.reader)
    if instead_of is not None and {mended["role"], instead_of["role"]} <= {"warmup", "mobility"}:
        mended["role"] = instead_of["role"]
    return program.item(mended, exercise, check.profile, bench.names, bench.language, bench.library)


def tried(exercise: Exercise, others: Sequence[Item], check: Check, bench: Bench) -> tuple[Item, list[Finding]]:
    """The exercise as a pick beside the others, mended, and what the check says of it."""
    pick = {
        "slug": exercise["slug"],
        "role": selection.role_of(exercise),
        "dose": dosing.dose_for(exercise, check.profile),
        "reason": program.reason(exercise, check.profile, bench.language),
    }
    return check.item(pick, others)


def check_of(content: Content, bench: Bench) -> Check:
    profile = Profile.from_dict(content["profile"])
    return Check(profile, constraints_for(profile), bench.library, bench.language)


def findings(content: Content, bench: Bench) -> list[Finding]:
    """What is wrong with the whole, by the library as it is now."""
    return check_of(content, bench).program(content)


def brought_up(content: Content, bench: Bench) -> Content:
    """The content with what follows from its items: minutes, summaries, warnings, findings."""
    check, items = check_of(content, bench), content["items"]
    whole = program.assemble(items, check.profile, check.constraints, (), None, bench.language)
    words = phrases(bench.language)
    chosen: str = read("editing")["few_chosen"][bench.language]
    limited = words["limited"] if words["limited"] in content["warnings"] else chosen
    derived_lines = (words["limited"], words["text_missing"], chosen)
    warnings = [line for line in content["warnings"] if line not in derived_lines]
    if len(items) < selection.MIN_ITEMS:
        warnings.append(limited)
    known = [bench.library[item["slug"]] for item in items if item["slug"] in bench.library]
    warnings += program.untranslated(known, bench.language)
    derived = {name: whole[name] for name in ("summary_for_patient", "summary_for_clinician", "total_minutes")}
    current = content | derived | {"warnings": warnings}
    return current | {"findings": [finding.as_dict() for finding in check.program(current)]}


def cautions(content: Mapping[str, Any]) -> list[str]:
    """The codes of the warnings that whoever approves must have seen. Source: domain.md 3.2."""
    flags = content["profile"].get("red_flags", ())
    met = {flag["code"] for flag in flags if flag["tier"] == "CAUTION" and flag["status"] == "fired"}
    return sorted(met | {caution["code"] for caution in content.get("cautions", ())})


def place_of(items: Sequence[Item], slug: str, bench: Bench) -> int:
    place = next((place for place, item in enumerate(items) if item["slug"] == slug), None)
    if place is None:
        raise Invalid(fields={"slug": [fault("not_in_program", bench.reader)]})
    return place


def excluded_words(by: str, language: str) -> str:
    """What keeps an exercise out, in words, as "hip precautions"."""
    known: Mapping[str, str] | None = read("editing")["excluded"].get(by) or labels().get(by)
    return known[language] if known else by.replace("_", " ")


@cache
def labels() -> dict[str, Mapping[str, str]]:
    return {entry["code"]: entry["label"] for entry in read("constraints")}


def words(group: str, name: str, language: str, /, **facts: Any) -> str:
    text: str = read("editing")[group][name][language if language in ("en", "da") else "en"]
    return text.format(**facts)


def fault(name: str, reader: str, **facts: Any) -> str:
    return words("faults", name, reader, **facts)


def refused(reason: str, reader: str, **facts: Any) -> EditRefused:
    return EditRefused(reason, words("refused", reason, reader, **facts))
