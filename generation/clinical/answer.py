"""What a provider answers: the shape of its JSON, and the reading of it. Source: domain.md 4, V01."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from jiter import from_json
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

_SCALES = {"rpe10": (0, 10), "borg6_20": (6, 20), "rir": (0, 10)}
# What a dose has that no provider decides. No rule tells how many kilograms are safe, so a load is the exercise's own.
_OURS = {"range_note", "pain_limit", "estimated_minutes", "load"}
# Of one pick; more would say the same again.
_MOST_FAULTS = 5

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Role = Literal["warmup", "mobility", "activation", "strength", "balance", "function", "cooldown"]


def _plain(text: str) -> str:
    """One line of what can be seen: no control characters, no marks that turn the direction of the text."""
    return " ".join("".join(" " if unicodedata.category(sign)[0] in "CZ" else sign for sign in text).split())


Words = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
# Bounds are checked apart; this only keeps a number within what can be reckoned with.
Count = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Effort(_Strict):
    scale: Literal["rpe10", "borg6_20", "rir"]
    min: int
    max: int

    @model_validator(mode="after")
    def _within_scale(self) -> Self:
        low, high = _SCALES[self.scale]
        if not low <= self.min <= self.max <= high:
            raise ValueError(f"{self.scale} goes from {low} to {high}, and min is not above max")
        return self


class Frequency(_Strict):
    per_day: Count | None = None
    days_per_week: Count | None = None
    named_days: Annotated[list[Weekday], Field(max_length=7)] | None = None
    rest_days_between: Count | None = None


class Dose(_Strict):
    """Only what differs from the exercise's own dose; its bounds are checked apart from its shape."""

    sets: Count | None = None
    reps: Count | None = None
    hold_s: Count | None = None
    duration_s: Count | None = None
    rest_s: Count | None = None
    tempo: Annotated[str, Field(pattern=r"^\d{1,2}-\d{1,2}-\d{1,2}$")] | None = None
    effort: Effort | None = None
    frequency: Frequency | None = None
    side: Literal["left", "right", "both", "alternating", "affected", "na"] | None = None


class Choice(_Strict):
    slug: str
    role: Role | None = None
    dose: Dose | None = None
    reason: Words


class ReportedFlag(_Strict):
    """A red flag that the provider sees in the case and that nobody has met yet."""

    code: Annotated[str, Field(max_length=50)]
    matched_text: Words


class Answer(_Strict):
    # First, since some servers hold a model to this order: it should look for danger before it chooses.
    red_flags: list[ReportedFlag] = []
    exercises: list[Choice]


SCHEMA: dict[str, Any] = Answer.model_json_schema()


def choice(value: Any) -> tuple[dict[str, Any] | None, list[str]]:
    """V01 of one pick as it arrives: the pick, or None with what is wrong with its shape, one sentence each.

    A missing dose or reason is left to be filled.
    """
    if not isinstance(value, Mapping):
        return None, ["an exercise is not an object"]
    given = {"reason": "", **value}
    if given.get("dose") is None:
        given["dose"] = {}
    if isinstance(given["dose"], Mapping):
        given["dose"] = {name: part for name, part in given["dose"].items() if name not in _OURS}
    try:
        return Choice.model_validate(given).model_dump(exclude_none=True), []
    except ValidationError as error:
        # Without the input: it is not ours, and may hold anything.
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return None, [f"exercise {'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in found[:_MOST_FAULTS]]


def frame_faults(raw: str) -> list[str]:
    """V01 of an answer around its picks, one sentence each: whole JSON of the two lists and nothing else."""
    try:
        whole = from_json(raw.encode(errors="replace"), allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:
        return ["the answer is not whole JSON"]
    if not isinstance(whole, dict):
        return ["the answer is not an object"]
    faults = [f"{name} is not wanted" for name in whole if name not in Answer.model_fields]
    lists = {"exercises": whole.get("exercises"), "red_flags": whole.get("red_flags", [])}
    return faults + [f"{name} is not a list" for name, value in lists.items() if not isinstance(value, list)]


def reported(value: Any) -> dict[str, Any] | None:
    """V01 of one red flag as it arrives; None when it names no sign.

    A sign of danger is not lost for a slip of form: its code is read as it is meant, and its words may be missing.
    """
    given = value if isinstance(value, Mapping) else {"code": value}
    code, words = given.get("code"), given.get("matched_text")
    if not isinstance(code, str):
        return None
    name = re.sub(r"[^a-z]+", "_", code[:50].lower()).strip("_")
    return {"code": name, "matched_text": _plain(words[:200]) if isinstance(words, str) else ""}
