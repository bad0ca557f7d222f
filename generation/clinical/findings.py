"""The clinical dictionaries searched in a scenario: what is affirmed, of now, and of this person.

Source: domain.md 3.1. A diagnosis or an operation of the past counts only when nothing of now is named.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from generation.clinical.data_files import read
from generation.clinical.sides import Anchor, lettered, owner
from generation.clinical.text import Mention, Scenario, pattern

_TERMS: dict[str, Any] = read("terms")
_CONDITIONS: dict[str, Any] = {entry["tag"]: entry for entry in read("conditions")}
_SURGERIES: dict[str, Any] = {entry["type"]: entry for entry in read("surgeries")}
# Regions of the whole person, which never come before a joint.
WHOLE = ("whole_body", "respiratory")


def _compiled(entries: dict[str, Any]) -> dict[str, re.Pattern[str]]:
    return {code: pattern([*entry["en"], *entry["da"]]) for code, entry in entries.items() if entry["en"]}


def _words(name: str) -> re.Pattern[str]:
    return pattern([*_TERMS["words"][name]["en"], *_TERMS["words"][name]["da"]])


FIND = {name: _compiled(_TERMS[name]) for name in _TERMS if name != "words"}
FIND |= {"conditions": _compiled(_CONDITIONS), "surgeries": _compiled(_SURGERIES)}
FIND["goals"] = _compiled({entry["code"]: entry for entry in read("goals")})
_HOLDERS, _HURTING, _AT_HAND = _words("holders"), _words("hurting"), _words("at_hand")
_WELL, _IDIOMS, _PLANNED, _PLANNED_AFTER = (_words(name) for name in ("well", "idioms", "planned", "planned_after"))
_OPERATED, _ELSEWHERE, _NOW = _words("operated"), _words("operated_elsewhere"), _words("now")
_NOT_BEFORE = re.compile(_words("not_before").pattern + r"(?: (?:the|his|her|their|out of))* $")
_APPROACHES = ("hip_precautions_posterior", "hip_precautions_anterior", "hip_precautions_lateral")
_REACH = 60
# Each side is compared with each place, so their number is bounded.
_MOST = 40
# Each place of an operation is compared with each time.
_FEW = 8
_LINE = re.compile(r"[.;\n]")
_YEAR = re.compile(r"^[ ,(]*(?:\w+ ){0,4}?((?:19|20)\d\d)\b(?!-\d)")
_ONE_WORD = re.compile(r"^\w+ ")
_JOINED = re.compile(r"[^\d.;\n]{0,40}")


@dataclass(frozen=True, slots=True)
class Operation:
    """`also` are the other operations that have been, by their kind; `again` the other places of this kind."""

    kind: str
    region: str
    mention: Mention
    also: Mapping[str, Mention] = field(default_factory=dict)
    again: tuple[Mention, ...] = ()


def stated(scenario: Scenario, table: str) -> dict[str, Mention]:
    """The codes of a dictionary that the text affirms, in the order of the text."""
    found = {code: scenario.first(expression) for code, expression in FIND[table].items()}
    return _in_order({code: mention for code, mention in found.items() if mention is not None})


def first(scenario: Scenario, table: str) -> tuple[str, Mention] | None:
    return next(iter(stated(scenario, table).items()), None)


def restrictions(scenario: Scenario) -> dict[str, Mention]:
    """The restrictions stated. A cast that is off is none, unless another is on now; a cast to come off is on.

    Hip precautions with their approach need no second entry without it.
    """
    found = stated(scenario, "restrictions")
    found.pop("cast_off", None)
    off = next((m for m in scenario.find(FIND["restrictions"]["cast_off"]) if _is_off(scenario, m)), None)
    if off:
        casts = scenario.find(FIND["restrictions"]["cast"])
        again = next((m for m in casts if m.affirmed and is_current(scenario, m) and not _touch(m, off)), None)
        found.pop("cast", None)
        found |= {"cast": again} if again else {"cast_off": off}
    if found.keys() & set(_APPROACHES):
        found.pop("hip_precautions", None)
    return _in_order(found)


def _is_off(scenario: Scenario, mention: Mention) -> bool:
    before = scenario.text[max(0, mention.start - 24) : mention.start]
    return mention.affirmed and not _planned(scenario, mention) and not _NOT_BEFORE.search(before)


def is_current(scenario: Scenario, mention: Mention) -> bool:
    """Whether "now" stands right before, as in "was NWB, now FWB"."""
    return bool(_NOW.search(scenario.text[max(0, mention.start - 14) : mention.start]))


def regions(scenario: Scenario) -> dict[str, Mention]:
    """The regions named as affected, in the order of the text."""
    current, past = _split(scenario, "regions")
    found = _in_order(current or past)
    return {region: mention for region, mention in found.items() if not _inside_another(mention, [*found.values()])}


def places(scenario: Scenario) -> list[Anchor]:
    """Every place a region is spoken of, well ones too: a side belongs to the nearest."""
    return [
        Anchor(region, mention)
        for region, expression in FIND["regions"].items()
        for mention in islice(scenario.find(expression), _MOST)
    ]


def sides(scenario: Scenario) -> dict[str, list[Mention]]:
    """The sides stated; of a well or a former one only where no other is."""
    found = [
        (side, mention)
        for side, expression in FIND["side"].items()
        for mention in islice(scenario.find(expression), _MOST)
    ]
    found += lettered(scenario, [*places(scenario), *named_troubles(scenario)])
    kept = [entry for entry in found if entry[1].affirmed and not _overlaps(scenario, entry[1], _IDIOMS)]
    kept = [(side, mention) for side, mention in kept if not _is_well(scenario, mention, skip=2)]
    kept = [entry for entry in kept if entry[1].status == "affirmed"] or kept
    grouped: dict[str, list[Mention]] = {}
    for side, mention in kept:
        grouped.setdefault(side, []).append(mention)
    return grouped


def named_troubles(scenario: Scenario) -> list[Anchor]:
    """Every place a diagnosis or an operation is spoken of, with the region it is of."""
    found = []
    for table, entries in (("conditions", _CONDITIONS), ("surgeries", _SURGERIES)):
        for code, expression in FIND[table].items():
            region = entries[code]["region"] if table == "surgeries" else next(iter(entries[code]["regions"]), "")
            found += [Anchor(region, mention) for mention in islice(scenario.find(expression), _MOST)]
    return found


def conditions(scenario: Scenario, operation: Operation | None) -> dict[str, Mention]:
    """Condition tags, the specific before the general; those inside the name of an operation are not diagnoses."""
    current, past = _split(scenario, "conditions")
    local = {tag for tag in current if not _CONDITIONS[tag].get("general")}
    if not local and operation is None and not _split(scenario, "regions")[0]:
        current |= past
    current |= {tag: mention for tag, mention in past.items() if _CONDITIONS[tag].get("general")}
    others = [*current.values(), *([operation.mention] if operation else [])]
    kept = {
        tag: mention
        for tag, mention in _in_order(current).items()
        if not _names(operation, tag, mention) and not _inside_another(mention, others)
    }
    if any(
        _touch(kept["fracture"], mention) for tag, mention in kept.items() if "fracture" in kept and tag != "fracture"
    ):
        del kept["fracture"]
    specific = {
        region for tag in kept if not _CONDITIONS[tag].get("nonspecific") for region in _CONDITIONS[tag]["regions"]
    }
    if operation and operation.kind != "other":
        specific.add(operation.region)
    return {
        tag: mention
        for tag, mention in kept.items()
        if not _CONDITIONS[tag].get("nonspecific") or not specific & set(_CONDITIONS[tag]["regions"])
    }


def _names(operation: Operation | None, tag: str, mention: Mention) -> bool:
    """Whether a diagnosis is part of the name of an operation; a fracture that was fixed is a fracture still."""
    if operation is None or not _touch(mention, operation.mention):
        return False
    return operation.kind != "other" or not _CONDITIONS[tag].get("broken")


def by_region(scenario: Scenario, affected: tuple[str, ...], known: dict[str, Mention]) -> dict[str, Mention]:
    """The condition tags with those that need a region to be one: "OA" of the knee, "radiating" from the back."""
    region = next(iter(affected), None)
    here = [tag for tag in known if region in _CONDITIONS[tag]["regions"]]
    vague = [tag for tag in here if _CONDITIONS[tag].get("nonspecific")]
    named, anchors = [m for spoken in _split(scenario, "conditions") for m in spoken.values()], places(scenario)
    found: dict[str, Mention] = {}
    for name, mention in _split(scenario, "findings")[0].items():
        tag = _TERMS["findings"][name]["becomes"].get(region)
        if not tag or here != vague or tag in known or _inside_another(mention, named):
            continue
        if owner(mention, anchors, scenario) == region:
            found[tag] = mention
    specific = [tag for tag in found if not _CONDITIONS[tag].get("nonspecific")]
    return {tag: mention for tag, mention in known.items() if not specific or tag not in vague} | found


def operation(scenario: Scenario, this_year: int) -> Operation | None:
    """The first operation or fracture that has been, is not planned, and is not of a former year or the past."""
    done: dict[str, list[Mention]] = {}
    for kind, expression in FIND["surgeries"].items():
        mentions = [m for m in islice(scenario.find(expression), _MOST) if _done(scenario, m, this_year)]
        if mentions:
            done[kind] = mentions
    ordered = _in_order({kind: mentions[0] for kind, mentions in done.items()})
    for kind, mention in ordered.items():
        chief = ordered.get("aclr")
        # A meniscus stitched along with the ligament follows the ligament's time table.
        if chief and kind == "meniscus_repair" and _JOINED.fullmatch(scenario.text[mention.end : chief.start]):
            kind, mention = "aclr", chief
        also = {other: m for other, m in ordered.items() if other != kind}
        again = tuple(other for other in done[kind] if other is not mention)[:_FEW]
        return Operation(kind, _SURGERIES[kind]["region"], mention, also, again)
    return _other_operation(scenario, this_year)


def instead(operation: Operation, kind: str) -> Operation:
    """Another of the operations that have been, as the one that counts."""
    also = {**operation.also, operation.kind: operation.mention}
    return Operation(kind, _SURGERIES[kind]["region"], also.pop(kind), also)


def _other_operation(scenario: Scenario, this_year: int) -> Operation | None:
    """An operation of no listed kind, on the region named nearest to it in its sentence."""
    named, _ = _split(scenario, "regions")
    for mention in scenario.find(_OPERATED):
        if not _done(scenario, mention, this_year) or _elsewhere(scenario, mention):
            continue
        near = {
            region: min(abs(mention.start - place.end), abs(place.start - mention.end))
            for region, place in named.items()
            if place.sentence == mention.sentence and region not in WHOLE
        }
        if near and min(near.values()) <= _REACH:
            return Operation("other", min(near, key=lambda region: (near[region], region)), mention)
    return None


def equipment(scenario: Scenario) -> dict[str, Mention]:
    """Things the text says the person has; "has pain on stairs" owns no stairs. `none` is "no equipment"."""
    holders = [holder for holder in scenario.find(_HOLDERS) if holder.affirmed]
    owned: dict[str, Mention] = {}
    for code, expression in FIND["equipment"].items():
        for thing in scenario.find(expression):
            if thing.affirmed and (code == "none" or _held(scenario, thing, holders)):
                owned.setdefault(code, thing)
    return _in_order(owned)


def _held(scenario: Scenario, thing: Mention, holders: list[Mention]) -> bool:
    if _AT_HAND.match(scenario.text[thing.end :][:24].lstrip(" ,")):
        return True
    for holder in holders:
        if holder.start <= thing.start and thing.end <= holder.end:
            return True
        between = scenario.text[holder.end : thing.start]
        if (
            holder.sentence == thing.sentence
            and 0 <= thing.start - holder.end < _REACH
            and not _HURTING.search(between)
        ):
            return True
    return False


def _split(scenario: Scenario, table: str) -> tuple[dict[str, Mention], dict[str, Mention]]:
    """The first mention of each code that is meant of now, and of the past."""
    current: dict[str, Mention] = {}
    past: dict[str, Mention] = {}
    for code, expression in FIND[table].items():
        for mention in scenario.find(expression):
            if not mention.affirmed or _is_well(scenario, mention) or _overlaps(scenario, mention, _IDIOMS):
                continue
            (current if mention.status == "affirmed" else past).setdefault(code, mention)
    return current, {code: mention for code, mention in past.items() if code not in current}


def _is_well(scenario: Scenario, mention: Mention, skip: int = 0) -> bool:
    """Whether the part is said to be fine, as the left one in "right knee swollen, left knee fine"."""
    after = scenario.text[mention.end :][:60].lstrip(" :-")
    for _ in range(skip):
        if _WELL.match(after):
            return True
        after = _ONE_WORD.sub("", after, count=1)
    return bool(_WELL.match(after))


def _done(scenario: Scenario, mention: Mention, this_year: int) -> bool:
    year = _YEAR.match(scenario.text[mention.end :][:40])
    if year and int(year[1]) < this_year:
        return False
    return (mention.status == "affirmed" or bool(year and mention.affirmed)) and not _planned(scenario, mention)


def _planned(scenario: Scenario, mention: Mention) -> bool:
    before = _LINE.split(scenario.text[max(0, mention.start - 50) : mention.start])[-1]
    return bool(_PLANNED.search(before) or _PLANNED_AFTER.match(scenario.text[mention.end :][:30].lstrip(" ,")))


def _elsewhere(scenario: Scenario, mention: Mention) -> bool:
    return bool(_ELSEWHERE.search(scenario.text[max(0, mention.start - 24) : mention.end + 12]))


def _overlaps(scenario: Scenario, mention: Mention, expression: re.Pattern[str]) -> bool:
    around = max(0, mention.start - 30)
    found = expression.finditer(scenario.text, around, mention.end + 30)
    return any(match.start() < mention.end and mention.start < match.end() for match in found)


def _touch(one: Mention, other: Mention) -> bool:
    return one.start < other.end and other.start < one.end


def _inside_another(mention: Mention, others: list[Mention]) -> bool:
    """Whether a longer finding holds this one, as "wrist fracture" holds "fracture"."""
    length = mention.end - mention.start
    return any(
        other.start <= mention.start and mention.end <= other.end and other.end - other.start > length
        for other in others
    )


def _in_order(found: dict[str, Mention]) -> dict[str, Mention]:
    return dict(sorted(found.items(), key=lambda item: item[1].start))
