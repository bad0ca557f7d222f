"""What a run of each kind results in: wire.md 3. Fields may be added; none that is here goes."""

from typing import Annotated, Any, Literal

from pydantic import Field

from generation.event_types import Count, Documented, Id

Phase = Literal["protect", "restore", "load", "perform", "maintain"]


class Onset(Documented):
    value: float
    unit: Literal["day", "week", "month", "year"]


class Surgery(Documented):
    type: str
    weeks_post_op: float | None


class Restriction(Documented):
    code: str
    value: Any
    source_text: str


class FlagMet(Documented):
    """A red flag that the text touches; `negated` and `listed` ones did not fire."""

    code: str
    tier: Literal["STOP-emergency", "STOP-urgent", "CAUTION"]
    matched_text: str
    status: Literal["fired", "negated", "listed"]


class Profile(Documented):
    """What was understood of the scenario. Nothing in it is a guess."""

    regions: list[str]
    """The first one is the primary region."""
    side: Literal["left", "right", "both", "unknown"]
    condition_tags: list[str]
    onset: Onset | None
    acuity: str | None
    phase: Phase
    pain_now: Annotated[int, Field(ge=0, le=10)] | None
    pain_worst: Annotated[int, Field(ge=0, le=10)] | None
    irritability: str
    age: int | None
    pregnant: bool
    comorbidities: list[str]
    restrictions: list[Restriction]
    surgery: Surgery | None
    wb_status: str | None
    equipment_available: list[str]
    goals: list[str]
    red_flags: list[FlagMet]
    unknowns: list[str]
    """Fields that the text says nothing of."""
    assumptions: list[str]
    """What was assumed for them, in words."""
    evidence: dict[str, str]
    """The words that a field was read from, by the field's name."""


class Frequency(Documented):
    per_day: int
    days_per_week: int
    named_days: list[str]
    rest_days_between: int


class Dose(Documented):
    sets: int
    reps: int | None
    hold_s: float | None
    duration_s: float | None
    rest_s: float
    tempo: str | None
    load: dict[str, Any]
    effort: dict[str, Any] | None
    frequency: Frequency
    side: str
    range_note: str | None
    pain_limit: Annotated[int, Field(ge=0, le=10)]
    estimated_minutes: float
    """Minutes of one session."""


class ProgramItem(Documented):
    slug: str
    name: str
    role: Literal["warmup", "mobility", "activation", "strength", "balance", "function", "cooldown"]
    dose: Dose
    dose_text: str
    """The dose in plain words."""
    reason: Annotated[str, Field(max_length=200)]
    """Why it was chosen, naming a fact of the profile."""
    steps: list[str]
    progress_when: str
    precaution: str


class Finding(Documented):
    code: str
    severity: Literal["error", "warning"]
    message: str


class Program(Documented):
    id: Id
    title: str
    summary_for_patient: str
    duration_weeks: Count
    review_in_days: Count
    total_minutes: Count
    items: list[ProgramItem]
    pain_rule: str
    stop_rules: list[str]
    education: list[str]
    warnings: list[str]
    assumptions: list[str]
    findings: list[Finding]


class Referral(Documented):
    """The red flag for which no program was written."""

    code: str
    tier: Literal["STOP-emergency", "STOP-urgent"]
    message: str
    matched_text: str


class ExerciseProgramResult(Documented):
    outcome: Literal["program", "referral", "insufficient_info"]
    profile: Profile
    program: Program | None
    referral: Referral | None
    reason: str | None
    """Why there is no program, when it is neither written nor a referral."""
    excluded: dict[str, Count]
    """How many exercises each restriction kept out."""
    engine_used: Literal["composer", "llm"]


RESULTS: dict[str, type[Any]] = {"exercise_program": ExerciseProgramResult}
