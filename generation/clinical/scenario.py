"""A free-text scenario becomes a `Profile`. Source: domain.md 3.1.

Both dictionaries, English and Danish, are always used: people mix them. Nothing is guessed: what the
text does not say is listed in `unknowns`, and the default taken for it in `assumptions`.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from generation.clinical import bearing, constraints, findings, measures, phase, timing
from generation.clinical.data_files import phrases, read
from generation.clinical.findings import FIND, Operation
from generation.clinical.profile import Profile
from generation.clinical.sides import Anchor, nearest_to, side_of
from generation.clinical.text import Mention, Scenario

# Between the words quoted from different places of the text.
QUOTES = " … "
_CONDITIONS: dict[str, Any] = {entry["tag"]: entry for entry in read("conditions")}
_QUOTAS: dict[str, Any] = read("quotas")
_MIDLINE = {*_QUOTAS["midline"], "vestibular", "pelvic_floor"}
# The most cautious first.
_BEARING = ("NWB", "TTWB", "PWB", "WBAT", "FWB")


def parse(text: str, language: str = "en", today: date | None = None) -> Profile:
    """Read the facts of a scenario.

    `language` is that of the assumptions written for a person; `today` is what "since March" is counted to.
    """
    return _Reader(Scenario(text), language, today or date.today()).read()


class _Reader:
    def __init__(self, scenario: Scenario, language: str, today: date) -> None:
        self.scenario = scenario
        self.today = today
        self.assume: dict[str, str] = phrases(language)["assume"]
        self.evidence: dict[str, str] = {}
        self.unknowns: list[str] = []
        self.assumptions: list[str] = []

    def read(self) -> Profile:
        operation = self.operation()
        conditions = findings.conditions(self.scenario, operation)
        named = findings.regions(self.scenario)
        regions = self.regions(conditions, operation, named)
        conditions = findings.by_region(self.scenario, regions, conditions)
        restrictions = self.restrictions(regions, operation)
        values: dict[str, Any] = {
            "regions": regions,
            "side": self.side(regions, conditions, operation),
            "condition_tags": self.tags(conditions, operation),
            "goals": tuple(self.stated("goals")),
            "comorbidities": self.comorbidities(conditions, regions),
            "equipment_available": self.equipment(),
            **self.pain(),
            **self.age(),
            **self.time(operation),
            **self.pregnancy(restrictions),
        }
        values["irritability"] = self.irritability(values["pain_now"], values["pain_worst"])
        values["wb_status"] = self.weight_bearing(restrictions)
        draft = self.assumed(Profile(**values, restrictions=tuple(restrictions), evidence=self.evidence))
        return Profile.from_dict(
            draft.as_dict()
            | {
                "phase": phase.phase_for(draft),
                "unknowns": self.unknowns,
                "assumptions": self.assumptions,
            }
        )

    def operation(self) -> Operation | None:
        """The operation that has been; of two of one kind, as of both knees, the latest.

        One that is long healed gives way to one of another kind that is not.
        """
        found = findings.operation(self.scenario, self.today.year)
        if found is None:
            return None
        places = [found.mention, *found.again]
        chosen = timing.latest(self.scenario, places, self.today)
        found = replace(found, mention=chosen, again=tuple(place for place in places if place is not chosen))
        if self.healed(found.kind, found.mention):
            fresh = (kind for kind, mention in found.also.items() if self.healed(kind, mention) is False)
            found = next((findings.instead(found, kind) for kind in fresh), found)
        return found

    def healed(self, kind: str, mention: Mention) -> bool | None:
        """Whether an operation is past its windows; None when no time is said of it."""
        since = timing.tied(self.scenario, mention, self.today)
        return phase.is_past(kind, since.weeks) if since else None

    def stated(self, table: str, field: str | None = None) -> dict[str, Mention]:
        """The codes of a dictionary that the text affirms, in the order of the text."""
        found = findings.stated(self.scenario, table)
        self.quote(field or table, found.values())
        return found

    def quote(self, field: str, mentions: Iterable[Mention]) -> None:
        words = dict.fromkeys(mention.matched for mention in mentions if mention.matched)
        if words:
            self.evidence[field] = QUOTES.join(words)

    def regions(
        self, conditions: dict[str, Mention], operation: Operation | None, named: dict[str, Mention]
    ) -> tuple[str, ...]:
        """Regions, the primary one first: operated on, then diagnosed, then named, then those of a whole person."""
        implied = [operation.mention] if operation else [*conditions.values()][:1]
        self.quote("regions", named.values() or implied)
        general = [tag for tag in conditions if _CONDITIONS[tag].get("general")]
        local = [region for tag in conditions if tag not in general for region in _CONDITIONS[tag]["regions"]]
        whole = [region for tag in general for region in _CONDITIONS[tag]["regions"]]
        operated = [operation.region] if operation else []
        parts = [region for region in named if region not in findings.WHOLE]
        ordered = dict.fromkeys([*operated, *local, *parts, *whole, *named])
        if len(ordered) > 1:
            ordered.pop("respiratory", None)
        return tuple(ordered)

    def tags(self, conditions: dict[str, Mention], operation: Operation | None) -> tuple[str, ...]:
        self.quote("condition_tags", conditions.values())
        return tuple([*([f"after_{operation.kind}"] if operation else []), *conditions])

    def side(self, regions: tuple[str, ...], conditions: dict[str, Mention], operation: Operation | None) -> str:
        primary = regions[0] if regions else None
        anchors = findings.places(self.scenario)
        anchors += [Anchor(r, m) for tag, m in conditions.items() for r in _CONDITIONS[tag]["regions"][:1]]
        stated = findings.sides(self.scenario)
        if operation:
            anchors.append(Anchor(operation.region, operation.mention))
            stated = nearest_to(stated, operation.mention, operation.again, self.scenario) or stated
        found = side_of(primary, stated, anchors, self.scenario)
        if found:
            self.quote("side", [found[1]])
            return found[0]
        if primary and primary not in _MIDLINE:
            self.unknown("side")
        return "unknown"

    def comorbidities(self, conditions: dict[str, Mention], regions: tuple[str, ...]) -> tuple[str, ...]:
        """Dizziness is the person's complaint when nothing else is; beside another complaint it is a caution."""
        found = self.stated("comorbidities")
        diagnosed = {"bppv", "vestibular_hypofunction"} & set(conditions)
        if diagnosed and regions[0] == "vestibular":
            found.pop("vertigo", None)
        elif diagnosed:
            found |= {"vertigo": conditions[min(diagnosed)]}
        self.evidence.pop("comorbidities", None)
        self.quote("comorbidities", found.values())
        return tuple(found)

    def pain(self) -> dict[str, Any]:
        pain = measures.pain(self.scenario, FIND["pain"])
        if pain.now is None and pain.worst is None:
            self.unknown("pain")
        if pain.said_now or pain.said_worst:
            self.evidence["pain_now"] = QUOTES.join(dict.fromkeys(filter(None, (pain.said_now, pain.said_worst))))
        if pain.said_worst:
            self.evidence["pain_worst"] = pain.said_worst
        return {"pain_now": pain.now, "pain_worst": pain.worst}

    def irritability(self, now: int | None, worst: int | None) -> str:
        """Source: domain.md 3.1: pain of 7 or more, or rest or night pain, means high."""
        stated = findings.first(self.scenario, "irritability")
        if stated:
            self.quote("irritability", [stated[1]])
            return stated[0]
        aching = self.scenario.first(FIND["pain"]["rest_or_night"])
        if aching:
            self.quote("irritability", [aching])
            return "high"
        self.unknown("irritability")
        return irritability_of(now, worst)

    def age(self) -> dict[str, Any]:
        found = measures.age(self.scenario)
        if found is None:
            self.unknown("age")
            return {"age": None}
        years, self.evidence["age"] = found
        if years >= 90:
            self.assumptions.append(self.assume["old_age"])
        return {"age": min(years, 90)}

    def time(self, operation: Operation | None) -> dict[str, Any]:
        """Onset, acuity and operation; a duration belongs to the operation when there is one."""
        if operation:
            since = timing.since_operation(self.scenario, operation.mention, self.today)
            self.evidence["surgery"] = QUOTES.join(
                dict.fromkeys([operation.mention.matched, *([since.matched] if since else [])])
            )
            if since is None:
                self.unknown("surgery_date")
            done = {"type": operation.kind, "weeks_post_op": since.weeks if since else None}
            return {"surgery": done, "onset": None, "acuity": "post_op"}
        onset = timing.onset(self.scenario, self.today)
        stated = findings.first(self.scenario, "acuity")
        if onset is None and stated is None:
            self.unknown("onset")
        if onset:
            self.evidence["onset"] = onset.matched
        if stated:
            self.quote("acuity", [stated[1]])
        acuity = phase.acuity_of(onset.weeks) if onset else stated[0] if stated else None
        return {"surgery": None, "onset": onset.as_dict() if onset else None, "acuity": acuity}

    def weight_bearing(self, restrictions: list[dict[str, Any]]) -> str | None:
        """Of several, the one said of now, else the most cautious."""
        percent = measures.weight_bearing_percent(self.scenario)
        if percent:
            restrictions.append({"code": "pwb_percent", "value": percent[0], "source_text": percent[1]})
        stated = findings.stated(self.scenario, "weight_bearing")
        current = [code for code, mention in stated.items() if findings.is_current(self.scenario, mention)]
        chosen = min(current or stated, key=_BEARING.index, default=None)
        if chosen:
            self.quote("wb_status", [stated[chosen]])
            return chosen
        if percent:
            self.evidence["wb_status"] = percent[1]
            return "PWB"
        return None

    def assumed(self, draft: Profile) -> Profile:
        """The profile with what is assumed for safety where nothing is said. Source: domain.md 2.5, 3.1 and 3.4."""
        weight = bearing.assumed(draft) if draft.wb_status is None else None
        if weight:
            self.unknowns.append("weight_bearing")
            self.assumptions.append(self.assume[bearing.WORDED[weight]])
            draft = replace(draft, wb_status=weight)
        self.assumptions += [self.assume[name] for name in constraints.assumed(draft)]
        return draft

    def pregnancy(self, restrictions: list[dict[str, Any]]) -> dict[str, Any]:
        found = measures.pregnancy(self.scenario)
        if found is None:
            return {"pregnant": False}
        weeks, self.evidence["pregnant"] = found
        restrictions.append({"code": "pregnancy_weeks", "value": weeks, "source_text": self.evidence["pregnant"]})
        return {"pregnant": True}

    def restrictions(self, regions: tuple[str, ...], operation: Operation | None) -> list[dict[str, Any]]:
        """Precautions for a hip are of a hip: others speak of an "approach", or of no restrictions, too."""
        stated = findings.restrictions(self.scenario)
        if operation and operation.kind == "aclr" and "meniscus_repair" in operation.also:
            stated["meniscus_repair"] = operation.also["meniscus_repair"]
        found = [
            {"code": code, "value": None, "source_text": mention.matched}
            for code, mention in stated.items()
            if "hip_precautions" not in code or "hip" in regions
        ]
        found += measures.limits(self.scenario)
        if found:
            self.evidence["restrictions"] = QUOTES.join(dict.fromkeys(str(entry["source_text"]) for entry in found))
        return found

    def equipment(self) -> tuple[str, ...]:
        owned = findings.equipment(self.scenario)
        self.quote("equipment_available", owned.values())
        if not owned:
            self.unknown("equipment")
        return tuple(code for code in owned if code != "none")

    def unknown(self, field: str) -> None:
        self.unknowns.append(field)
        self.assumptions.append(self.assume[field])


def irritability_of(now: int | None, worst: int | None) -> str:
    """What pain scores say of irritability where nothing else does. Source: domain.md 3.1."""
    if (now if now is not None else worst or 0) >= 7:
        return "high"
    return "low" if max(now or 0, worst or 0) <= 5 else "mod"
