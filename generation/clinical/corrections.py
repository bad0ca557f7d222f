"""What a clinician corrects of what was understood, and what follows from it.

A correction replaces what was read: it is no longer an unknown or an assumption, and its evidence says who
said so. Whatever is derived (phase, acuity, the operation's tag, irritability and weight bearing that nobody
stated) is derived anew. A correction adds red flags (an age under 16) and never removes one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from generation.clinical import bearing, constraints, phase, red_flags
from generation.clinical.correctable import FIELDS, choices, problems, restriction_of
from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile
from generation.clinical.red_flags import RedFlag
from generation.clinical.scenario import irritability_of

_CONDITIONS: dict[str, Any] = {entry["tag"]: entry for entry in read("conditions")}
_SURGERIES: dict[str, Any] = {entry["type"]: entry for entry in read("surgeries")}
_PREGNANT = "pregnancy_weeks"
_TICKS = {"general_conditioning_ok": "general_conditioning_ok", "jump_cleared": "hop_jump_cleared"}
# What stands in `unknowns` for the fields of the profile.
_UNKNOWN = {
    "side": "side", "pain_now": "pain", "pain_worst": "pain", "irritability": "irritability", "age": "age",
    "onset": "onset", "surgery": "surgery_date", "wb_status": "weight_bearing", "equipment_available": "equipment",
}  # fmt: skip

__all__ = ["FIELDS", "choices", "corrected", "merged", "problems", "screened"]


def corrected(profile: Profile, corrections: Mapping[str, Any], language: str = "en") -> Profile:
    """The profile as the clinician says it is; `corrections` must be free of `problems`.

    `restrictions` is `{"add": [code or {code, value}], "remove": [code]}`; `surgery` is `{type, weeks_post_op}` or
    None for no operation; `onset` is `{value, unit}`. None for a number takes back what was read.
    """
    if not corrections:
        return profile
    return _Correction(profile, corrections, language).made()


def merged(earlier: Mapping[str, Any], later: Mapping[str, Any]) -> dict[str, Any]:
    """The corrections that hold once a case is corrected again; both must be free of `problems`.

    The later one wins, field by field. In `restrictions`, which says what to add and to remove, it wins code by code,
    also over what other fields say by way of a restriction.
    """
    asked, given = earlier.get("restrictions", {}), later.get("restrictions", {})
    added, removed = {restriction_of(entry)[0] for entry in given.get("add", ())}, set(given.get("remove", ()))
    settled = added | removed | {code for tick, code in _TICKS.items() if tick in later}
    if later.get("pregnant") is False:
        settled.add(_PREGNANT)
    taken_back = {tick for tick, code in _TICKS.items() if tick not in later and code in added | removed}
    whole = {**earlier, **later}
    for name in {"restrictions"} | taken_back:
        whole.pop(name, None)
    if "pregnant" not in later and earlier.get("pregnant") is False and _PREGNANT in added:
        del whole["pregnant"]
    lists = {
        "add": [entry for entry in asked.get("add", ()) if restriction_of(entry)[0] not in settled],
        "remove": [code for code in asked.get("remove", ()) if code not in settled],
    }
    limits = {name: [*entries, *given.get(name, ())] for name, entries in lists.items()}
    limits = {name: entries for name, entries in limits.items() if entries}
    return whole | ({"restrictions": limits} if limits else {})


def screened(text: str, read_as: Profile, profile: Profile, language: str = "en") -> list[RedFlag]:
    """The flags of a text under the profile as read and as corrected: what either raises is raised."""
    found = red_flags.screen(text, read_as, language)
    codes = {flag.code for flag in found if flag.status == "fired"}
    more = [
        flag for flag in red_flags.screen(text, profile, language) if flag.status == "fired" and flag.code not in codes
    ]
    kept = [flag for flag in found if flag.code not in {other.code for other in more}]
    return red_flags.by_gravity(kept + more)


class _Correction:
    def __init__(self, profile: Profile, corrections: Mapping[str, Any], language: str) -> None:
        self.before = profile
        self.given = corrections
        self.assume: Mapping[str, str] = phrases(language)["assume"]
        self.known_assumptions = [phrases(other)["assume"] for other in ("en", "da")]
        self.marker: str = phrases(language)["corrected"]
        self.values: dict[str, Any] = {f.name: getattr(profile, f.name) for f in fields(Profile)}
        self.values["evidence"] = dict(profile.evidence)
        self.unknowns = list(profile.unknowns)
        self.assumptions = list(profile.assumptions)

    def made(self) -> Profile:
        for name in ("side", "pain_now", "pain_worst", "irritability", "onset", "wb_status", "pregnant"):
            if name in self.given:
                self.say(name, self.given[name])
        for name in ("goals", "comorbidities", "equipment_available"):
            if name in self.given:
                self.say(name, tuple(dict.fromkeys(self.given[name])))
        if "age" in self.given:
            years = self.given["age"]
            self.say("age", None if years is None else min(years, 90))
        if "restrictions" in self.given or self.given.keys() & _TICKS.keys() or "pregnant" in self.given:
            self.restrict()
        if self.given.keys() & {"surgery", "condition_tags", "regions"}:
            self.diagnose()
        self.derive()
        return Profile(**self.values | {"unknowns": tuple(self.unknowns), "assumptions": tuple(self.assumptions)})

    def say(self, name: str, value: Any) -> None:
        """Set a field to what the clinician says; None means that it is not known, except where it means none."""
        self.values[name] = dict(value) if isinstance(value, Mapping) else value
        self.values["evidence"][name] = self.marker
        unknown = _UNKNOWN.get(name)
        if unknown is None:
            return
        self.forget(unknown)
        pain = unknown == "pain" and (self.values["pain_now"] is not None or self.values["pain_worst"] is not None)
        if value is None and name in ("age", "onset", "pain_now", "pain_worst") and not pain:
            self.unknown(unknown)

    def unknown(self, name: str) -> None:
        if name not in self.unknowns:
            self.unknowns.append(name)
            self.assumptions.append(self.assume[name])

    def forget(self, name: str) -> None:
        self.unknowns = [other for other in self.unknowns if other != name]
        gone = {assume[name] for assume in self.known_assumptions}
        other = {"age": "old_age", "weight_bearing": "weight_tolerated"}.get(name)
        if other:
            gone |= {assume[other] for assume in self.known_assumptions}
        self.assumptions = [line for line in self.assumptions if line not in gone]

    def restrict(self) -> None:
        asked = self.given.get("restrictions", {})
        adds = {code: value for code, value in map(restriction_of, asked.get("add", ()))}
        removed = set(asked.get("remove", ()))
        for tick, code in _TICKS.items():
            if tick in self.given:
                adds |= {code: None} if self.given[tick] else {}
                removed |= set() if self.given[tick] else {code}
        if self.given.get("pregnant") is False:
            removed.add(_PREGNANT)
        kept = [entry for entry in self.values["restrictions"] if entry["code"] not in removed | adds.keys()]
        added = [{"code": code, "value": value, "source_text": self.marker} for code, value in adds.items()]
        self.values["restrictions"] = tuple(kept + added)
        self.values["evidence"]["restrictions"] = self.marker

    def diagnose(self) -> None:
        """The operation, the diagnoses and the regions, which hang together; the first region is the primary one."""
        if "surgery" in self.given:
            surgery = self.given["surgery"]
            self.say("surgery", {"weeks_post_op": None} | dict(surgery) if surgery else None)
            if surgery and self.values["surgery"]["weeks_post_op"] is None:
                self.unknown("surgery_date")
        tags: Sequence[str] = self.given.get("condition_tags", self.before.condition_tags)
        diagnoses = [tag for tag in dict.fromkeys(tags) if not tag.startswith("after_")]
        surgery = self.values["surgery"]
        after = [f"after_{surgery['type']}"] if surgery else []
        if "condition_tags" in self.given:
            self.values["evidence"]["condition_tags"] = self.marker
        self.values["condition_tags"] = tuple(after + diagnoses)
        if "regions" in self.given:
            self.say("regions", tuple(dict.fromkeys(self.given["regions"])))
            return
        operated = [_SURGERIES[surgery["type"]]["region"]] if surgery else []
        new = [tag for tag in diagnoses if tag not in self.before.condition_tags]
        local = [region for tag in new if not _CONDITIONS[tag].get("general") for region in _CONDITIONS[tag]["regions"]]
        whole = [region for tag in new if _CONDITIONS[tag].get("general") for region in _CONDITIONS[tag]["regions"]]
        ordered = dict.fromkeys([*filter(None, operated), *local, *self.before.regions, *whole])
        self.values["regions"] = tuple(ordered)

    def derive(self) -> None:
        surgery = self.values["surgery"]
        if surgery:
            self.values |= {"acuity": "post_op", "onset": None}
            self.forget("onset")
        elif self.given.keys() & {"onset", "surgery"}:
            self.values["acuity"] = self.acuity()
        stated = "irritability" in self.given or "irritability" not in self.before.unknowns
        if not stated and self.given.keys() & {"pain_now", "pain_worst"}:
            self.values["irritability"] = irritability_of(self.values["pain_now"], self.values["pain_worst"])
        if "wb_status" not in self.given and self.given.keys() & {"surgery", "regions", "condition_tags", "onset"}:
            self.bear_weight()
        self.assume_anew()
        if "phase" in self.given:
            self.say("phase", self.given["phase"])
        elif self.before.evidence.get("phase") not in self.markers():
            self.values["phase"] = phase.phase_for(Profile(**self.values))

    def acuity(self) -> str | None:
        onset = self.values["onset"]
        if onset:
            return phase.acuity_of(Profile(onset=onset).weeks or 0.0)
        before: str | None = self.before.acuity
        if "onset" not in self.given and before != "post_op":
            return before
        self.unknown("onset")
        return None

    def bear_weight(self) -> None:
        """Weight bearing nobody stated goes with the operation. Source: domain.md 3.1, row "WB"."""
        if "weight_bearing" not in self.before.unknowns and self.values["wb_status"] is not None:
            return
        self.forget("weight_bearing")
        self.values["wb_status"] = weight = bearing.assumed(Profile(**self.values))
        if weight:
            self.unknowns.append("weight_bearing")
            self.assumptions.append(self.assume[bearing.WORDED[weight]])

    def assume_anew(self) -> None:
        """What constraints assume for want of a word on it, as it is after the corrections."""
        gone = {assume[name] for assume in self.known_assumptions for name in ("immobilisation", "hip_approach")}
        kept = [line for line in self.assumptions if line not in gone]
        self.assumptions = kept + [self.assume[name] for name in constraints.assumed(Profile(**self.values))]

    @staticmethod
    def markers() -> set[str]:
        return {phrases(language)["corrected"] for language in ("en", "da")}
