"""A free-text scenario becomes a `Profile`. Source: domain.md 3.1.

Both dictionaries, English and Danish, are always used: people mix them. Nothing is guessed: what the
text does not say is listed in `unknowns`, and the default taken for it in `assumptions`.
"""

from typing import Any

from generation.clinical import measures, phase
from generation.clinical.data_files import phrases, read
from generation.clinical.profile import Profile
from generation.clinical.text import Mention, Scenario, pattern

_TERMS: dict[str, Any] = read("terms")
_CONDITIONS: dict[str, Any] = {entry["tag"]: entry for entry in read("conditions")}
_SURGERIES: dict[str, Any] = {entry["type"]: entry for entry in read("surgeries")}
_QUOTAS: dict[str, Any] = read("quotas")


def _compiled(entries: dict[str, Any]) -> dict[str, Any]:
    return {code: pattern([*entry["en"], *entry["da"]]) for code, entry in entries.items()}


_FIND = {
    name: _compiled(_TERMS[name])
    for name in (
        "regions",
        "side",
        "pain",
        "irritability",
        "acuity",
        "weight_bearing",
        "comorbidities",
        "restrictions",
        "equipment",
    )
}
_FIND |= {"conditions": _compiled(_CONDITIONS), "surgeries": _compiled(_SURGERIES)}
_FIND["goals"] = _compiled({entry["code"]: entry for entry in read("goals")})
_HOLDERS = pattern([*_TERMS["equipment_holders"]["en"], *_TERMS["equipment_holders"]["da"]])


def parse(text: str, language: str = "en") -> Profile:
    """Read the facts of a scenario. `language` is that of the assumptions written for a person."""
    return _Reader(Scenario(text), language).read()


class _Reader:
    def __init__(self, scenario: Scenario, language: str) -> None:
        self.scenario = scenario
        self.assume: dict[str, str] = phrases(language)["assume"]
        self.evidence: dict[str, str] = {}
        self.unknowns: list[str] = []
        self.assumptions: list[str] = []

    def read(self) -> Profile:
        tags, surgery = self.mentions("conditions"), self.first_of("surgeries")
        condition_tags = tuple(tag for tag in tags if not self._within_surgery(tags[tag], surgery))
        regions = self.regions(condition_tags, surgery[0] if surgery else None)
        restrictions = self.restrictions()
        values: dict[str, Any] = {
            "regions": regions,
            "side": self.side(regions),
            "condition_tags": self.tags(condition_tags, surgery[0] if surgery else None),
            "goals": tuple(self.mentions("goals", "goals")),
            "comorbidities": tuple(self.mentions("comorbidities", "comorbidities")),
            "equipment_available": self.equipment(),
            **self.pain(),
            **self.age(),
            **self.time(surgery),
            **self.pregnancy(restrictions),
        }
        values["irritability"] = self.irritability(values["pain_now"], values["pain_worst"])
        values["wb_status"] = self.weight_bearing(regions, surgery, restrictions)
        draft = Profile(**values, restrictions=tuple(restrictions), evidence=self.evidence)
        return Profile.from_dict(
            draft.as_dict()
            | {
                "phase": phase.phase_for(draft),
                "unknowns": self.unknowns,
                "assumptions": self.assumptions,
            }
        )

    def mentions(self, table: str, field: str | None = None) -> dict[str, Mention]:
        """The codes of a dictionary that the text affirms, in the order of the text."""
        found = {code: self.scenario.first(expression) for code, expression in _FIND[table].items()}
        kept = {code: mention for code, mention in found.items() if mention is not None}
        ordered = dict(sorted(kept.items(), key=lambda item: item[1].start))
        if field and ordered:
            self.evidence[field] = ", ".join(mention.matched for mention in ordered.values())
        return ordered

    def first_of(self, table: str, field: str | None = None) -> tuple[str, Mention] | None:
        return next(iter(self.mentions(table, field).items()), None)

    @staticmethod
    def _within_surgery(mention: Mention, surgery: tuple[str, Mention] | None) -> bool:
        return surgery is not None and mention.start < surgery[1].end and surgery[1].start < mention.end

    def regions(self, tags: tuple[str, ...], surgery: str | None) -> tuple[str, ...]:
        """Regions, the primary one first: operated on, then diagnosed, then named."""
        named = self.mentions("regions", "regions")
        by_tag = [r for t in tags if not _CONDITIONS[t].get("general") for r in _CONDITIONS[t]["regions"]]
        general = [r for t in tags if _CONDITIONS[t].get("general") for r in _CONDITIONS[t]["regions"]]
        operated = [_SURGERIES[surgery]["region"]] if surgery else []
        return tuple(dict.fromkeys([*operated, *by_tag, *(r for r in named if r != "whole_body"), *general, *named]))

    def tags(self, tags: tuple[str, ...], surgery: str | None) -> tuple[str, ...]:
        if tags:
            self.evidence["condition_tags"] = ", ".join(m.matched for t, m in self.mentions("conditions").items())
        specific = [t for t in tags if t != "lbp_nonspecific"]
        lumbar_named = any("lumbar" in _CONDITIONS[t]["regions"] for t in specific)
        kept = specific if lumbar_named or surgery in ("discectomy", "spinal_fusion") else list(tags)
        return tuple([f"after_{surgery}"] * bool(surgery) + kept)

    def side(self, regions: tuple[str, ...]) -> str:
        found = self.mentions("side", "side")
        if "both" in found:
            return "both"
        if len(found) == 1:
            return next(iter(found))
        if found and regions:
            near = self._side_before(_FIND["regions"][regions[0]], found)
            if near:
                return near
        if regions and regions[0] not in _QUOTAS["midline"]:
            self.unknown("side")
        return "unknown"

    def _side_before(self, region: Any, found: dict[str, Mention]) -> str | None:
        """Which of two sides stands right before the region's first mention."""
        mention = self.scenario.first(region)
        near = {s: mention.start - m.end for s, m in found.items()} if mention else {}
        return next((side for side, gap in near.items() if 0 <= gap <= 12), None)

    def pain(self) -> dict[str, Any]:
        now, worst, evidence = measures.pain(self.scenario, _FIND["pain"])
        if now is None and worst is None:
            self.unknown("pain")
        if evidence:
            self.evidence["pain_now"] = evidence
        return {"pain_now": now, "pain_worst": worst}

    def irritability(self, now: int | None, worst: int | None) -> str:
        """Source: domain.md 3.1: pain of 7 or more, or rest or night pain, means high."""
        stated = self.first_of("irritability", "irritability")
        if stated:
            return stated[0]
        self.unknown("irritability")
        if self.scenario.first(_FIND["pain"]["rest_or_night"]) or (now if now is not None else worst or 0) >= 7:
            return "high"
        return "low" if max(now or 0, worst or 0) <= 5 else "mod"

    def age(self) -> dict[str, Any]:
        found = measures.age(self.scenario)
        if found is None:
            self.unknown("age")
            return {"age": None}
        years, self.evidence["age"] = found
        if years >= 90:
            self.assumptions.append(self.assume["old_age"])
        return {"age": min(years, 90)}

    def time(self, surgery: tuple[str, Mention] | None) -> dict[str, Any]:
        """Onset, acuity and operation; a duration belongs to the operation when there is one."""
        onset = measures.duration(self.scenario, after_surgery=surgery is not None)
        stated = self.first_of("acuity", "acuity")
        if onset:
            self.evidence["onset"] = onset.matched
        if surgery:
            self.evidence["surgery"] = surgery[1].matched
            if onset is None:
                self.unknown("surgery_date")
            done = {"type": surgery[0], "weeks_post_op": onset.weeks if onset else None}
            return {"surgery": done, "onset": None, "acuity": "post_op"}
        if onset is None and stated is None:
            self.unknown("onset")
        acuity = phase.acuity_of(onset.weeks) if onset else stated[0] if stated else None
        return {"surgery": None, "onset": onset.as_dict() if onset else None, "acuity": acuity}

    def weight_bearing(
        self, regions: tuple[str, ...], surgery: tuple[str, Mention] | None, restrictions: list[dict[str, Any]]
    ) -> str | None:
        """Source: domain.md 3.1: lower-limb surgery with none stated counts as partial, to be confirmed."""
        percent = measures.weight_bearing_percent(self.scenario)
        if percent:
            restrictions.append({"code": "pwb_percent", "value": percent[0], "source_text": percent[1]})
        stated = self.first_of("weight_bearing", "wb_status")
        if stated:
            return stated[0]
        if percent:
            return "PWB"
        if surgery and regions[0] in _QUOTAS["lower_limb"]:
            self.unknown("weight_bearing")
            return "PWB"
        return None

    def pregnancy(self, restrictions: list[dict[str, Any]]) -> dict[str, Any]:
        found = measures.pregnancy(self.scenario)
        if found is None:
            return {"pregnant": False}
        weeks, self.evidence["pregnant"] = found
        restrictions.append({"code": "pregnancy_weeks", "value": weeks, "source_text": self.evidence["pregnant"]})
        return {"pregnant": True}

    def restrictions(self) -> list[dict[str, Any]]:
        stated = [
            {"code": code, "value": None, "source_text": mention.matched}
            for code, mention in self.mentions("restrictions", "restrictions").items()
        ]
        return stated + measures.limits(self.scenario)

    def equipment(self) -> tuple[str, ...]:
        """Things the text says the person has; "pain on stairs" owns no stairs."""
        holders = [holder for holder in self.scenario.find(_HOLDERS) if holder.affirmed]
        owned = [
            code
            for code, expression in _FIND["equipment"].items()
            if any(thing.affirmed and self._held(thing, holders) for thing in self.scenario.find(expression))
        ]
        if not owned:
            self.unknown("equipment")
        else:
            self.evidence["equipment_available"] = ", ".join(owned)
        return tuple(owned)

    @staticmethod
    def _held(thing: Mention, holders: list[Mention]) -> bool:
        return any(h.sentence == thing.sentence and 0 <= thing.start - h.end < 60 for h in holders)

    def unknown(self, field: str) -> None:
        self.unknowns.append(field)
        self.assumptions.append(self.assume[field])
