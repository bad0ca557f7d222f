"""What a provider answers: the shape of its JSON, and the reading of it. Source: domain.md 4, V01."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Role = Literal["warmup", "mobility", "activation", "strength", "balance", "function", "cooldown"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Load(_Strict):
    kind: Literal["none", "band", "kg", "bodyweight", "percent_1rm"]
    value: float | None = None
    band_colour_text: str | None = None


class Effort(_Strict):
    scale: Literal["rpe10", "borg6_20", "rir"]
    min: int
    max: int


class Frequency(_Strict):
    per_day: int | None = None
    days_per_week: int | None = None
    named_days: list[str] | None = None
    rest_days_between: int | None = None


class Dose(_Strict):
    """Only what differs from the exercise's own dose; its bounds are checked apart from its shape."""

    sets: int | None = None
    reps: int | None = None
    hold_s: int | None = None
    duration_s: int | None = None
    rest_s: int | None = None
    tempo: Annotated[str, Field(pattern=r"^\d+-\d+-\d+$")] | None = None
    load: Load | None = None
    effort: Effort | None = None
    frequency: Frequency | None = None
    side: Literal["left", "right", "both", "alternating", "affected", "na"] | None = None


class Choice(_Strict):
    slug: str
    role: Role | None = None
    dose: Dose
    reason: Annotated[str, Field(max_length=200)]


class ReportedFlag(_Strict):
    """A red flag that the provider sees in the case and that nobody has met yet."""

    code: str
    matched_text: str


class Answer(_Strict):
    exercises: list[Choice]
    red_flags: list[ReportedFlag] = []


SCHEMA: dict[str, Any] = Answer.model_json_schema()


def read(raw: str) -> tuple[dict[str, Any] | None, list[str]]:
    """The answer as plain data, or None with what is wrong with it, one sentence each."""
    try:
        answer = Answer.model_validate_json(raw)
    except ValidationError as error:
        # Without the input: it is not ours, and may hold anything.
        found = error.errors(include_url=False, include_input=False, include_context=False)
        return None, [f"{'.'.join(map(str, fault['loc'])) or 'answer'}: {fault['msg']}" for fault in found]
    return answer.model_dump(exclude_none=True), []
