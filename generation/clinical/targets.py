"""What a program is meant to reach, and what it rests on, in words. Source: domain.md 2.4."""

from typing import Any

from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile
from generation.clinical.reasons import the_region
from generation.clinical.selection import Offer

_GOALS: dict[str, Any] = {entry["code"]: entry for entry in read("goals")}
_OUTCOMES: dict[str, Any] = read("outcomes")
_PACKS: dict[str, Any] = read("packs")
# The change that a person notices. Source: domain.md 1 "Outcomes".
_NOTICED = 2
_LEAST_MINUTES = 30
_GUIDANCE = ("ACSM", "AAOS")


def goals(profile: Profile, weeks: int, language: str) -> list[dict[str, Any]]:
    """The stated goals, or else the use of the region, and less pain where there is much: `{text, measure, target}`."""
    words = phrases(language)["goal"]
    found = [_stated(code, language) for code in profile.goals]
    if not found:
        region = the_region(profile.region, language)
        texts = (words["everyday"].format(region=region), words["everyday_measure"], words["everyday_target"])
        found.append(texts)
    worst = max((pain for pain in (profile.pain_now, profile.pain_worst) if pain is not None), default=0)
    if worst > _NOTICED:
        found.append((words["pain"], words["pain_measure"], words["pain_target"].format(pain=worst - _NOTICED)))
    names = ("text", "measure", "target")
    return [dict(zip(names, texts, strict=True)) | {"by_week": weeks} for texts in found]


def for_clinician(profile: Profile, what: str, chosen: int, offer: Offer | None, language: str) -> str:
    """The facts that the program rests on, in one paragraph; of an `offer`, also from how many it was chosen."""
    words, say = phrases(language), phrases(language)["clinician_facts"]
    values = {
        "pain": profile.pain_now if profile.pain_now is not None else profile.pain_worst,
        "age": profile.age,
        "weeks" if profile.surgery else "onset": None if profile.weeks is None else f"{profile.weeks:g}",
        "wb": profile.wb_status,
    }
    facts = "".join(say[name].format(value=value) for name, value in values.items() if value is not None)
    text: str = words["clinician"].format(
        what=what[:1].upper() + what[1:], phase=words["phase"][profile.phase], facts=facts
    )
    if offer is not None:
        counts = {"considered": offer.in_region, "offered": len(offer.candidates), "chosen": chosen}
        text += words["clinician_counts"].format(**counts)
    return text.rstrip()


def sources(profile: Profile, library_version: str, language: str) -> list[str]:
    """Where exercises and doses come from, in one line."""
    named = [_PACKS[tag]["source"] for tag in profile.condition_tags if "source" in _PACKS.get(tag, {})]
    guidance = ", ".join(dict.fromkeys([*_GUIDANCE, *named]))
    return [phrases(language)["sources"].format(version=library_version or "1", names=guidance)]


def _stated(code: str, language: str) -> tuple[str, str, str]:
    words, label = phrases(language)["goal"], _GOALS[code]["label"][language]
    text = label[:1].upper() + label[1:]
    outcome = _OUTCOMES.get(code)
    if outcome is None:
        return text, words["everyday_measure"], words["everyday_target"]
    return text, outcome["measure"][language], outcome["target"][language].format(minutes=_LEAST_MINUTES)
