"""Checks on what was composed, by whichever engine. Source: domain.md 4, codes V02-V05, V07-V10, V12.

An item's errors keep it out of the program; warnings go with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from generation.clinical import dosing, selection
from generation.clinical.constraints import Constraint, first_excluding
from generation.clinical.profile import Profile

Exercise = Mapping[str, Any]
Item = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Finding:
    code: str
    severity: Literal["error", "warning"]
    message: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """What items are checked against: the person, the limits and the exercises that were offered."""

    profile: Profile
    constraints: Sequence[Constraint]
    offered: Mapping[str, Exercise] = field(default_factory=dict)

    def item(self, item: Item, earlier: Sequence[Item]) -> tuple[Item, list[Finding]]:
        """The item, mended where a rule says how, and what was found; any error means it must not be used."""
        exercise = self.offered.get(item["slug"])
        if exercise is None:
            return item, [_error("V03", f"{item['slug']} is not among the exercises that were offered")]
        found = [*self._repeats(exercise, earlier), *self._forbidden(exercise), *self._too_hard(exercise)]
        mended, dose_findings = self._dose(item, exercise)
        mended, side_findings = self._side(mended, exercise)
        return mended, [*found, *dose_findings, *side_findings]

    def program(self, program: Mapping[str, Any]) -> list[Finding]:
        """What is wrong with a whole program."""
        items = program["items"]
        found = [finding for i, item in enumerate(items) for finding in self.item(item, items[:i])[1]]
        if not selection.MIN_ITEMS <= len(items) <= selection.MAX_ITEMS:
            found.append(_warning("V02", f"{len(items)} exercises; 4 to 8 are wanted"))
        found += self._mixture(items)
        total = sum(item["dose"]["estimated_minutes"] for item in items)
        budget = selection.minutes_budget(self.profile)
        if total > budget:
            found.append(_warning("V10", f"{total:.0f} minutes; {budget} are wanted"))
        needed = ("pain_rule", "stop_rules", "review_in_days")
        found += [_error("V12", f"{name} is missing") for name in needed if not program.get(name)]
        found += [_error("V12", f"{item['slug']} has no progression") for item in items if not item["progress_when"]]
        return found

    def _repeats(self, exercise: Exercise, earlier: Sequence[Item]) -> list[Finding]:
        if any(item["slug"] == exercise["slug"] for item in earlier):
            return [_error("V02", f"{exercise['slug']} is there already")]
        groups = {self.offered[item["slug"]]["variation_group"] for item in earlier if item["slug"] in self.offered}
        if exercise["variation_group"] in groups:
            return [_error("V02", f"{exercise['slug']} repeats the kind {exercise['variation_group']}")]
        return []

    def _forbidden(self, exercise: Exercise) -> list[Finding]:
        constraint = first_excluding(self.constraints, exercise)
        return [_error("V05", f"{exercise['slug']} is excluded by {constraint.code}")] if constraint else []

    def _too_hard(self, exercise: Exercise) -> list[Finding]:
        cap = selection.level_cap(self.profile)
        if exercise["level"] > cap:
            return [_error("V07", f"{exercise['slug']} is level {exercise['level']}; the phase allows {cap}")]
        if self.profile.phase not in exercise["phases"]:
            return [_error("V07", f"{exercise['slug']} is not for the phase {self.profile.phase}")]
        return []

    def _dose(self, item: Item, exercise: Exercise) -> tuple[Item, list[Finding]]:
        """A dose up to 20 % outside its bounds is brought inside; further out is an error."""
        dose = item["dose"]
        clamped = dosing.timed(dosing.clamp(dose, exercise))
        found = []
        for name, (low, high) in dosing.bounds_for(exercise).items():
            value = dose["frequency"].get(name, dose.get(name))
            if value is None or low <= value <= high:
                continue
            near = low * 0.8 <= value <= high * 1.2
            found.append(
                (_warning if near else _error)("V04", f"{exercise['slug']}: {name} {value} not in {low}-{high}")
            )
        return (item | {"dose": clamped} if found else item), found

    def _side(self, item: Item, exercise: Exercise) -> tuple[Item, list[Finding]]:
        right = dosing.side_for(exercise, self.profile)
        if item["dose"]["side"] == right:
            return item, []
        note = _warning("V08", f"{exercise['slug']}: side {item['dose']['side']} set to {right}")
        return item | {"dose": dosing.timed(item["dose"] | {"side": right})}, [note]

    def _mixture(self, items: Sequence[Item]) -> list[Finding]:
        """Two of mobility, strength and balance; balance for older people and those who fall."""
        kinds = {
            {"warmup": "mobility", "activation": "strength", "function": "balance"}.get(item["role"], item["role"])
            for item in items
        } & {"mobility", "strength", "balance"}
        found = [_warning("V09", "mobility, strength and balance are not mixed")] if len(kinds) < 2 else []
        needs_balance = "falls_risk" in self.profile.condition_tags or (self.profile.age or 0) >= 65
        if needs_balance and not any(item["role"] == "balance" for item in items):
            found.append(_warning("V09", "no balance exercise"))
        return found


def _error(code: str, message: str) -> Finding:
    return Finding(code, "error", message)


def _warning(code: str, message: str) -> Finding:
    return Finding(code, "warning", message)
