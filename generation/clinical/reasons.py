"""Why each exercise is in the program, in a line that names a fact of the profile. Source: domain.md 3.5, 4 V11."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from generation.clinical import dosing, selection
from generation.clinical.constraints import constraints_for, facts_of, label
from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile

Exercise = Mapping[str, Any]

MOST = 200
_PACKS: dict[str, Any] = read("packs")
LABELS: dict[str, Any] = {entry["tag"]: entry["label"] for entry in read("conditions")}
LABELS |= {f"after_{entry['type']}": entry["label"] for entry in read("surgeries")}
_GOALS: dict[str, Any] = {entry["code"]: entry for entry in read("goals")}
_EQUIPMENT: dict[str, Any] = read("terms")["equipment"]
# How many places a fact falls back each time it is named.
_AGAIN = 3
_LEGS = {"hip", "knee", "ankle_foot"}
# How the demands on a region begin.
_DEMANDS = {
    "hip": ("hip_",), "knee": ("kn_",), "ankle_foot": ("an_",), "shoulder": ("sh_",), "neck": ("neck_",),
    "lumbar": ("sp_",), "thoracic": ("sp_",), "elbow": ("elbow_", "grip_"), "wrist_hand": ("wrist_", "grip_"),
}  # fmt: skip


def reasons(exercises: Sequence[Exercise], profile: Profile, language: str) -> list[str]:
    """A reason for each, as varied as the facts allow: what was named for an earlier one comes last."""
    used: list[str] = []
    lines: list[str] = []
    for exercise in exercises:
        facts = [
            (place + _AGAIN * used.count(kind), kind, _line(exercise, text, profile, language))
            for place, (kind, text) in enumerate(_facts(exercise, profile, language))
        ]
        new = [fact for fact in facts if fact[2] not in lines]
        _, kind, line = min(new or facts)
        used.append(kind)
        lines.append(line)
    return lines


def reason(exercise: Exercise, profile: Profile, language: str) -> str:
    """Why one exercise fits this person; at most 200 characters."""
    return reasons([exercise], profile, language)[0]


def subject(profile: Profile, language: str) -> str:
    """What the program is about, as "knee osteoarthritis (right)"."""
    words = phrases(language)
    known = next((LABELS[tag][language] for tag in profile.condition_tags if tag in LABELS), None)
    what = known or words["region"].get(profile.region, words["region"]["whole_body"])
    return f"{what} ({words['side'][profile.side]})" if profile.side != "unknown" else what


def _named(tags: set[str], profile: Profile, language: str) -> str:
    """The first of some conditions in words, with the side where it is what the program is about."""
    tag = next((tag for tag in profile.condition_tags if tag in tags and tag in LABELS), None)
    first = next((tag for tag in profile.condition_tags if tag in LABELS), None)
    return subject(profile, language) if tag in (None, first) else str(LABELS[tag][language])


def the_region(region: str | None, language: str) -> str:
    """As "the knee"."""
    names: Mapping[str, str] = phrases(language)["region_the"]
    return names.get(region or "", names["whole_body"])


def _line(exercise: Exercise, because: str, profile: Profile, language: str) -> str:
    words = phrases(language)
    does = words["does"][dosing.dose_class(exercise)].format(region=the_region(_trained(exercise, profile), language))
    return str(words["reason"].format(does=does, because=because))[:MOST]


def _trained(exercise: Exercise, profile: Profile) -> str:
    """What it trains most; of the whole body, the person's own joint when moved, else the legs."""
    first = str(exercise["body_regions"][0])
    if first != "whole_body" or "whole_body" in profile.regions[:1]:
        return first
    return "legs" if not _LEGS.isdisjoint(exercise["body_regions"]) else first


def _facts(exercise: Exercise, profile: Profile, language: str) -> Iterator[tuple[str, str]]:
    """The facts that led to it, by kind and in words, the most telling first; there is always one."""
    say = _sayer(language)
    what, after = subject(profile, language), "_after" if profile.surgery else ""
    goal = next((goal for goal in profile.goals if exercise["slug"] in _GOALS[goal]["slugs"]), None)
    if goal:
        yield "goal", say("goal", goal=_GOALS[goal]["label"][language])
    of = {tag for tag in profile.condition_tags if exercise["slug"] in selection.pack_of(tag, profile.phase)}
    if of:
        yield (
            "pack",
            say(f"pack{after}", what=_named(of, profile, language), phase=phrases(language)["phase"][profile.phase]),
        )
    yield from _limits(exercise, profile, language)
    role = selection.role_of(exercise)
    if profile.age is not None and profile.age >= 65 and role == "balance":
        yield "age", say("age", age=profile.age)
    own, trained = set(profile.regions) & set(exercise["body_regions"]), exercise["body_regions"][0]
    if (
        not selection.is_direct(exercise, profile)
        and not own
        and profile.region
        and trained not in ("respiratory", "whole_body")
    ):
        facts = {"near": the_region(trained, language), "region": the_region(profile.region, language)}
        yield "neighbour", say("neighbour", **facts)
    if profile.surgery:
        yield "surgery", _since(profile, what, say)
    if profile.age is not None and profile.age >= 65 and role == "strength":
        yield "age", say("age", age=profile.age)
    good = set(profile.condition_tags) & set(exercise["conditions_good"])
    if good:
        yield "condition", say(f"condition{after}", what=_named(good, profile, language))
    if dosing.is_painful(profile) or profile.phase == "protect":
        if profile.pain_now is not None:
            yield "pain", say("pain", pain=profile.pain_now)
        elif profile.irritability == "high":
            yield "irritable", say("irritable")
    elif profile.pain_now:
        yield "pain", say("bearable", pain=profile.pain_now)
    owned = set(profile.equipment_available) & set(exercise["equipment"])
    named = next((_EQUIPMENT[code]["label"][language] for code in sorted(owned) if "label" in _EQUIPMENT[code]), None)
    if named:
        yield "equipment", say("equipment", equipment=named)
    budget = profile.restriction("time_budget")
    if budget:
        yield "budget", say("budget", minutes=budget["value"])
    second = next((region for region in profile.regions[1:] if region in exercise["body_regions"]), None)
    if second and profile.region not in exercise["body_regions"]:
        yield "second", say("second", region=the_region(second, language))
    elif trained == profile.region and role in ("mobility", "activation", "strength"):
        yield "region", say("region", region=the_region(trained, language))
    if profile.weeks is not None and profile.surgery is None:
        yield "onset", say("onset", weeks=f"{profile.weeks:.0f}")
    yield "phase", say("phase", phase=phrases(language)["phase"][profile.phase])


def _since(profile: Profile, what: str, say: Callable[..., str]) -> str:
    weeks = profile.weeks
    if weeks is None:
        return say("surgery_early", what=what)
    if weeks < 2:
        return say("surgery_days", what=what, days=round(weeks * 7))
    return say("surgery", what=what, weeks=f"{weeks:g}")


def _limits(exercise: Exercise, profile: Profile, language: str) -> Iterator[tuple[str, str]]:
    """The limits on what this exercise trains, which it keeps."""
    say = _sayer(language)
    steady = selection.role_of(exercise) == "balance"
    begins = ("balance_",) if steady else _DEMANDS.get(exercise["body_regions"][0], ())
    for constraint in constraints_for(profile) if begins else ():
        if any(demand.startswith(begins) for demand in constraint.forbids):
            yield "limit", say("limit", limit=label(constraint.code, language))
            break
    on_leg = "limb:lower" in facts_of(profile) and not _LEGS.isdisjoint(exercise["body_regions"])
    if profile.wb_status in ("NWB", "TTWB", "PWB") and exercise["weight_bearing"] == "none" and on_leg:
        yield "wb", say("wb", wb=profile.wb_status)


def _sayer(language: str) -> Callable[..., str]:
    because: Mapping[str, str] = phrases(language)["because"]

    def say(kind: str, **facts: Any) -> str:
        text = because[kind].format(**facts)
        return text

    return say
