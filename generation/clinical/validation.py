"""Checks on what was composed, by whichever engine: the composer, a model or a person. Source: domain.md 4, V01-V14.

An error means that the item or program must not be used as it is; warnings go with it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from difflib import get_close_matches
from typing import Any, Literal

from generation.clinical import claims, dosing, readability, selection
from generation.clinical.constraints import Constraint, first_excluding
from generation.clinical.data_files import read
from generation.clinical.profile import Profile
from generation.clinical.red_flags import RedFlag

Exercise = Mapping[str, Any]
Item = dict[str, Any]

_FLAGS: dict[str, Any] = {flag["code"]: flag for flag in read("red_flags")}
_REQUIRED = ("pain_rule", "stop_rules", "review_in_days")
# The minutes that sets, repetitions and holds of one item may come to, and the seconds of one part of a tempo.
_MOST_MINUTES, _MOST_TEMPO = 20, 10


@dataclass(frozen=True, slots=True)
class Finding:
    code: str
    severity: Literal["error", "warning"]
    message: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def is_known(code: str) -> bool:
    """Whether this is the code of a red flag."""
    return code in _FLAGS


def reported_stop(
    reported: Sequence[Mapping[str, Any]], screened: Sequence[RedFlag], language: str = "en"
) -> RedFlag | None:
    """V06: the first STOP flag that a model reports and our screen has not met; the run then ends as a referral.

    What the screen met and the text denies stays denied: that is the clinician's word. A mere caution is no denial.
    """
    met = {flag.code for flag in screened if flag.tier != "CAUTION" or flag.status in ("negated", "cleared")}
    for flag in reported:
        known = _FLAGS.get(flag["code"])
        if known is not None and known["tier"] != "CAUTION" and flag["code"] not in met:
            message = known["message"].get(language, known["message"]["en"])
            return RedFlag(flag["code"], known["tier"], message, flag["matched_text"], "fired")
    return None


@dataclass(frozen=True, slots=True)
class Check:
    """What items are checked against: the person, the limits and the exercises that were offered.

    `language` is the program's; without it, what the texts say is not checked.
    """

    profile: Profile
    constraints: Sequence[Constraint]
    offered: Mapping[str, Exercise] = field(default_factory=dict)
    language: str | None = None
    _claims: claims.Claims | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_claims", claims.Claims(self.profile) if self.language else None)

    def item(self, item: Item, earlier: Sequence[Item]) -> tuple[Item, list[Finding]]:
        """The item, mended where a rule says how, and what was found; any error means it must not be used."""
        exercise = self.offered.get(item["slug"])
        if exercise is None:
            return item, [_error("V03", self._unknown(item["slug"]))]
        found = [*self._repeats(exercise, earlier), *self._forbidden(exercise), *self._too_hard(exercise)]
        if not dosing.has_dose(exercise, self.profile.phase):
            # There is no dose to check it against.
            return item, found
        mended, dose_findings = self._dose(item, exercise)
        mended, side_findings = self._side(mended, exercise)
        return mended, [*found, *dose_findings, *side_findings, *self._reason(item)]

    def completed(self, pick: Mapping[str, Any]) -> Item:
        """The pick with a role and a whole dose; one that was not offered stays as it is, to be found by the check."""
        exercise = self.offered.get(pick["slug"])
        if exercise is None or not dosing.has_dose(exercise, self.profile.phase):
            return dict(pick)
        dose = dosing.completed(pick.get("dose") or {}, exercise, self.profile)
        role = selection.role_of(exercise)
        if role == "mobility" and pick.get("role") == "warmup":
            role = "warmup"
        return {**pick, "role": role, "dose": dose}

    def least(self) -> int:
        """How many exercises a program needs at least: four, or as many kinds as are on offer."""
        kinds = {exercise["variation_group"] for exercise in self.offered.values()}
        return min(selection.MIN_ITEMS, len(kinds))

    def open_choices(self, items: Sequence[Item]) -> list[str]:
        """The slugs of other kinds than those taken, the best fitting first, one of each kind."""
        taken = {self.offered[item["slug"]]["variation_group"] for item in items}
        best: dict[str, tuple[int, str]] = {}
        for slug, exercise in self.offered.items():
            kind, fit = exercise["variation_group"], (selection.score(exercise, self.profile), slug)
            if kind not in taken and not self._too_hard(exercise) and fit > best.get(kind, (-1000, "")):
                best[kind] = fit
        return [slug for _, slug in sorted(best.values(), reverse=True)]

    def fits(self, item: Item, earlier: Sequence[Item]) -> bool:
        """V10: whether the item is within the time, or among the four that a program has at least."""
        budget = selection.minutes_budget(self.profile)
        return len(earlier) < selection.MIN_ITEMS or _minutes([*earlier, item]) <= budget

    def program(self, program: Mapping[str, Any]) -> list[Finding]:
        """What is wrong with a whole program."""
        items = program["items"]
        found = [finding for i, item in enumerate(items) for finding in self.item(item, items[:i])[1]]
        if not selection.MIN_ITEMS <= len(items) <= selection.MAX_ITEMS:
            found.append(_warning("V02", f"{len(items)} exercises; 4 to 8 are wanted"))
        found += self.mixture(items)
        total, budget = _minutes(items), selection.minutes_budget(self.profile)
        if total > budget:
            found.append(_warning("V10", f"{total:.0f} minutes; {budget} are wanted"))
        found += [_error("V12", f"{name} is missing") for name in _REQUIRED if not program.get(name)]
        found += [_error("V12", f"{item['slug']} has no progression") for item in items if not item["progress_when"]]
        return [*found, *self._texts(program)]

    def _unknown(self, slug: str) -> str:
        near = get_close_matches(slug, self.offered, n=3, cutoff=0.6)
        nearest = f"; nearest: {', '.join(near)}" if near else ""
        return f"{slug} is not among the exercises that were offered{nearest}"

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
        slug, phase, cap = exercise["slug"], self.profile.phase, selection.level_cap(self.profile)
        if "power" in exercise["purposes"] and self.profile.restriction("hop_jump_cleared") is None:
            return [_error("V07", f"{slug} is power training, which is not cleared")]
        if exercise["level"] > cap:
            return [_error("V07", f"{slug} is level {exercise['level']}; the phase allows {cap}")]
        if phase not in exercise["phases"] or not dosing.has_dose(exercise, phase):
            return [_error("V07", f"{slug} is not for the phase {phase}")]
        return []

    def _dose(self, item: Item, exercise: Exercise) -> tuple[Item, list[Finding]]:
        """A dose up to 20 % outside its bounds is brought inside; further out, or in a wrong unit, is an error."""
        dose, found = item["dose"], []
        for name, (low, high) in (dosing.LIMITS | dosing.bounds_for(exercise)).items():
            value = dose["frequency"].get(name, dose.get(name))
            if value is None or low <= value <= high:
                continue
            near = low * 0.8 <= value <= high * 1.2
            found.append(_found(near, f"{exercise['slug']}: {name} {value} not in {low}-{high}"))
        if dosing.lacks_rest(dose, exercise):
            found.append(_found(True, f"{exercise['slug']}: hard strength work needs a day between"))
        mended = dosing.clamp(dose, exercise)
        cap, effort = dosing.effort_cap(self.profile), dose["effort"] and dosing.rpe10(dose["effort"])
        if effort and effort["max"] > cap:
            found.append(
                _found(effort["max"] <= cap * 1.2, f"{exercise['slug']}: effort {effort['max']}, {cap} at most")
            )
            mended["effort"] = effort | {"min": min(effort["min"], cap), "max": cap}
        found += [_found(False, f"{exercise['slug']}: {wrong}") for wrong in self._units(dose, exercise)]
        if self._is_too_slow(dose["tempo"], exercise):
            found.append(_found(False, f"{exercise['slug']}: tempo {dose['tempo']} is too slow"))
        if not dose["duration_s"] and dosing.minutes(mended) > _MOST_MINUTES:
            found.append(_found(False, f"{exercise['slug']}: takes more than {_MOST_MINUTES} minutes"))
        return (item | {"dose": dosing.timed(mended)} if found else item), found

    def _is_too_slow(self, tempo: str | None, exercise: Exercise) -> bool:
        """An exercise's own tempo may be slower, as the minute in each position of Brandt-Daroff."""
        if tempo is None or tempo == dosing.dose_for(exercise, self.profile)["tempo"]:
            return False
        return max(map(int, tempo.split("-"))) > _MOST_TEMPO

    def _units(self, dose: Mapping[str, Any], exercise: Exercise) -> Iterator[str]:
        usual = dosing.default_dose(exercise, self.profile.phase)
        if usual["duration_s"]:
            if dose["reps"] or not dose["duration_s"]:
                yield "is measured in time"
        elif usual["reps"] is None:
            if dose["reps"] or not dose["hold_s"]:
                yield "is a hold, without repetitions"
        elif dose["duration_s"] or not dose["reps"]:
            yield "is counted in repetitions"

    def _side(self, item: Item, exercise: Exercise) -> tuple[Item, list[Finding]]:
        right = dosing.side_for(exercise, self.profile)
        if item["dose"]["side"] == right:
            return item, []
        note = _warning("V08", f"{exercise['slug']}: side {item['dose']['side']} set to {right}")
        return item | {"dose": dosing.timed(item["dose"] | {"side": right})}, [note]

    def mixture(self, items: Sequence[Item]) -> list[Finding]:
        """Two of mobility, strength and balance; balance for older people and those who fall, if any is on offer."""
        mixture = selection.MIXTURE.keys()
        kinds = {selection.kind_of(item["role"]) for item in items if "role" in item} & mixture
        other = [role for kind in mixture - kinds for role in selection.MIXTURE[kind]]
        found = []
        if len(kinds) < 2 and self._could_have(other):
            found.append(_warning("V09", "mobility, strength and balance are not mixed"))
        lacks = selection.needs_balance(self.profile) and not any(item.get("role") == "balance" for item in items)
        if lacks and self._could_have(["balance"]):
            found.append(_warning("V09", "no balance exercise"))
        return found

    def _could_have(self, roles: Sequence[str]) -> bool:
        """Whether anything that was offered, and that this person may do, has one of the roles."""
        return any(
            selection.role_of(exercise) in roles
            and selection.is_near(exercise, self.profile)
            and selection.reason_against(exercise, self.profile, self.constraints) is None
            for exercise in self.offered.values()
        )

    def _reason(self, item: Item) -> list[Finding]:
        """V11 and V14 of a line that an engine wrote itself."""
        text = item.get("reason")
        if not text or self.language is None or self._claims is None:
            return []
        found = [_error("V11", f"the reason of {item['slug']} {fault}") for fault in self._claims.faults(text)]
        if claims.wrong_language(text, self.language):
            found.append(_error("V14", f"the reason of {item['slug']} is not in the language {self.language}"))
        if kinds := claims.identifies(text, self.language):
            found.append(_error("V14", f"the reason of {item['slug']} holds: {', '.join(kinds)}"))
        return found

    def _texts(self, program: Mapping[str, Any]) -> list[Finding]:
        """V13 and V14 of what the patient reads; the library's own texts are checked when they are written."""
        if self.language is None:
            return []
        lines = [program.get("summary_for_patient", ""), program["pain_rule"] or "", *(program["stop_rules"] or ())]
        lines += [*program.get("education", ()), *(item["progress_when"] for item in program["items"])]
        found = [_warning("V13", fault) for fault in readability.problems(readability.sentences(lines), self.language)]
        if claims.wrong_language(" ".join(lines), self.language):
            found.append(_error("V14", f"the program is not in the language {self.language}"))
        return found


def _minutes(items: Sequence[Item]) -> float:
    return sum(float(item["dose"]["estimated_minutes"]) for item in items)


def _found(near: bool, message: str) -> Finding:
    return (_warning if near else _error)("V04", message)


def _error(code: str, message: str) -> Finding:
    return Finding(code, "error", message)


def _warning(code: str, message: str) -> Finding:
    return Finding(code, "warning", message)
