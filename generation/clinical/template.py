"""A program without the person it was made for, and the program that begins from it. Source: domain.md 6 and 7."""

from collections.abc import Sequence

from generation.clinical import dosing, program
from generation.clinical.constraints import constraints_for, first_excluding
from generation.clinical.data_files import read
from generation.clinical.editing import Bench, Content, Exercise, Item, brought_up
from generation.clinical.profile import Profile

CAUTION = "from_template"
# What was measured of the person, and no limit that the exercises keep to.
_MEASURED = ("bp_high", "pregnancy_weeks", "time_budget")
_DERIVED = ("title", "goals", "pain_rule", "pain_zones", "stop_rules", "progression_rules", "assumptions")
_WINDOWS = sorted({w["weeks_below"] for entry in read("constraints") for w in entry["when"] if "weeks_below" in w})


def impersonal(content: Content, bench: Bench) -> Content:
    """The content without the person: no words of a case, no facts of theirs, no red flags and no notes for them."""
    known = [bench.library[item["slug"]] for item in content["items"] if item["slug"] in bench.library]
    profile = nobody(Profile.from_dict(content["profile"]), known)
    lines = dict(zip((e["slug"] for e in known), program.reasons(known, profile, bench.language), strict=True))
    items = [for_nobody(item, lines.get(item["slug"], ""), profile, bench) for item in content["items"]]
    flagged = [caution["message"] for caution in content.get("cautions", ())]
    warnings = [line for line in content["warnings"] if line not in flagged]
    whole = program.assemble(items, profile, constraints_for(profile), (), None, bench.language)
    own = {"profile": profile.as_dict(), "items": items, "cautions": [], "warnings": warnings}
    return brought_up(content | {name: whole[name] for name in _DERIVED} | own, bench)


def nobody(profile: Profile, exercises: Sequence[Exercise]) -> Profile:
    """What the exercises were chosen for, without what is one person's: age, pain, side, times and measured values."""
    values = profile.as_dict()
    restrictions = [e | {"source_text": ""} for e in values["restrictions"] if e["code"] not in _MEASURED]
    unknowns = ["age", "pain", "side", "surgery_date" if profile.surgery else "onset"]
    unknown = {"age": None, "pain_now": None, "pain_worst": None, "onset": None, "side": "unknown"}
    values |= unknown | {"evidence": {}, "red_flags": [], "restrictions": restrictions, "assumptions": []}
    values["unknowns"] = list(dict.fromkeys([*values["unknowns"], *unknowns]))
    if not profile.surgery:
        return Profile.from_dict(values)
    timeless = Profile.from_dict(values | {"surgery": {**profile.surgery, "weeks_post_op": None}})
    limits = constraints_for(timeless)
    if profile.weeks is None or not any(first_excluding(limits, exercise) for exercise in exercises):
        return timeless
    # Without any time it would count as just operated, and no later stage could be kept as a template.
    stage = max((float(weeks) for weeks in _WINDOWS if weeks <= profile.weeks), default=0.0)
    return Profile.from_dict(values | {"surgery": {**profile.surgery, "weeks_post_op": stage}})


def for_nobody(item: Item, reason: str, profile: Profile, bench: Bench) -> Item:
    side = "affected" if item["dose"]["side"] in ("left", "right") else item["dose"]["side"]
    dose = item["dose"] | {"side": side, "pain_limit": dosing.pain_limit(profile)}
    plain = item | {"dose": dose, "dose_text": dosing.dose_text(dose, bench.language), "reason": reason}
    exercise = bench.library.get(item["slug"])
    if exercise is not None:
        fresh = program.item(plain, exercise, profile, bench.names, bench.language, bench.library)
        plain |= {"progress_when": fresh["progress_when"]}
    return plain | {"patient_note": ""}


def begun(content: Content, bench: Bench) -> Content:
    """What a person's program begins with, and with a caution, since it was made for nobody yet."""
    message = caution(bench.language)
    told: Content = {
        "warnings": [message, *content["warnings"]],
        "cautions": [{"code": CAUTION, "message": message}, *content.get("cautions", ())],
    }
    return brought_up(content | told, bench)


def caution(language: str) -> str:
    text: str = read("editing")["template_warning"][language]
    return text
