"""What a provider answers: the shape of its JSON, and the reading of it. Source: domain.md 4, V01."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from jiter import from_json
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

_SCALES = {"rpe10": (0, 10), "borg6_20": (6, 20), "rir": (0, 10)}
# What a dose has that no provider decides.
_OURS = {"range_note", "pain_limit", "estimated_minutes"}

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Role = Literal["warmup", "mobility", "activation", "strength", "balance", "function", "cooldown"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Load(_Strict):
    kind: Literal["none", "band", "kg", "bodyweight", "percent_1rm"]
    # Kilograms, or percent of the most that can be lifted once.
    value: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)] | None = None
    band_colour_text: Annotated[str, Field(max_length=20, pattern=r"^[A-Za-zÆØÅæøå]+$")] | None = None


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
    per_day: int | None = None
    days_per_week: int | None = None
    named_days: Annotated[list[Weekday], Field(max_length=7)] | None = None
    rest_days_between: int | None = None


class Dose(_Strict):
    """Only what differs from the exercise's own dose; its bounds are checked apart from its shape."""

    sets: int | None = None
    reps: int | None = None
    hold_s: int | None = None
    duration_s: int | None = None
    rest_s: int | None = None
    tempo: Annotated[str, Field(pattern=r"^\d{1,2}-\d{1,2}-\d{1,2}$")] | None = None
    load: Load | None = None
    effort: Effort | None = None
    frequency: Frequency | None = None
    side: Literal["left", "right", "both", "alternating", "affected", "na"] | None = None


class Choice(_Strict):
    slug: str
    role: Role | None = None
    dose: Dose | None = None
    reason: Annotated[str, Field(max_length=200)]


class ReportedFlag(_Strict):
    """A red flag that the provider sees in the case and that nobody has met yet."""

    code: Annotated[str, Field(max_length=50)]
    matched_text: Annotated[str, Field(max_length=200)]


class Answer(_Strict):
    # First, since some servers hold a model to this order: it should look for danger before it chooses.
    red_flags: list[ReportedFlag] = []
    exercises: list[Choice]


SCHEMA: dict[str, Any] = Answer.model_json_schema()


def choice(value: Any) -> dict[str, Any] | None:
    """V01 of one pick as it arrives; None when it has not the shape. A missing dose or reason is left to be filled."""
    if not isinstance(value, Mapping):
        return None
    given = {"reason": "", **value}
    if given.get("dose") is None:
        given["dose"] = {}
    if isinstance(given["dose"], Mapping):
        given["dose"] = {name: part for name, part in given["dose"].items() if name not in _OURS}
    return _shaped(Choice, given)


def frame_faults(raw: str) -> list[str]:
    """V01 of an answer around its picks, one sentence each: whole JSON of the two lists and nothing else."""
    try:
        whole = from_json(raw.encode(errors="replace"), allow_inf_nan=False)
    except ValueError:
        return ["the answer is not whole JSON"]
    if not isinstance(whole, dict):
        return ["the answer is not an object"]
    faults = [f"{name} is not wanted" for name in whole if name not in Answer.model_fields]
    lists = {"exercises": whole.get("exercises"), "red_flags": whole.get("red_flags", [])}
    return faults + [f"{name} is not a list" for name, value in lists.items() if not isinstance(value, list)]


def reported(value: Any) -> dict[str, Any] | None:
    """V01 of one red flag as it arrives; None when it has not the shape."""
    return _shaped(ReportedFlag, value)


def _shaped(model: type[_Strict], value: Any) -> dict[str, Any] | None:
    try:
        return model.model_validate(value).model_dump(exclude_none=True)
    except ValidationError:
        return None


def read(raw: str) -> tuple[dict[str, Any] | None, list[str]]:
    """The answer as plain data, or None with what is wrong with it, one sentence each."""
    try:
        answer = Answer.model_validate_json(raw)
    except ValidationError as error:
        # Without the input: it is not ours, and may hold anything.
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return None, [f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}" for fault in found]
    return answer.model_dump(exclude_none=True), []
