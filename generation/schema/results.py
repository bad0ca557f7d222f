"""What a run of each kind results in: wire.md 3. Fields may be added; none that is here goes."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

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
    """A red flag that the text touches; only `fired` ones count. `cleared` is stated as excluded by the clinician."""

    code: str
    tier: Literal["STOP-emergency", "STOP-urgent", "CAUTION"]
    matched_text: str
    status: Literal["fired", "cleared", "negated", "listed"]


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
    exercise_version: int
    """The version of the library's exercise that the texts are from."""
    name: str
    role: Literal["warmup", "mobility", "activation", "strength", "balance", "function", "cooldown"]
    level: Annotated[int, Field(ge=1, le=5)]
    equipment: list[str]
    positions: list[str]
    dose: Dose
    dose_text: str
    """The dose in plain words."""
    reason: Annotated[str, Field(max_length=200)]
    """Why it was chosen, naming a fact of the profile."""
    setup: str
    """What to get ready, and how to begin."""
    steps: list[str]
    progress_when: str
    progress_to: str | None
    """The slug of the next harder exercise that the limits allow."""
    regress_to: str | None
    """The slug of an easier one."""
    precaution: str
    patient_note: str
    """Added by a clinician afterwards; empty when there is none."""


class Goal(Documented):
    text: str
    measure: str
    """What is counted or scored."""
    target: str
    by_week: Count


# `from` is a word of Python.
PainZone = TypedDict("PainZone", {"colour": Literal["green", "amber", "red"], "from": Count, "to": Count})


class Caution(Documented):
    """A red flag that a clinician has to acknowledge before approving."""

    code: str
    message: str


class Exclusion(Documented):
    code: str
    count: Count
    text: str
    """As "41 excluded: hip precautions"."""


class Finding(Documented):
    code: str
    severity: Literal["error", "warning"]
    message: str


class Program(Documented):
    id: Id
    title: str
    summary_for_patient: str
    summary_for_clinician: str
    goals: list[Goal]
    duration_weeks: Count
    review_in_days: Count
    total_minutes: Count
    items: list[ProgramItem]
    pain_rule: str
    pain_zones: list[PainZone]
    """The same as numbers, the lowest first."""
    stop_rules: list[str]
    progression_rules: list[str]
    precautions: list[str]
    """The limits as advice for the patient."""
    education: list[str]
    warnings: list[str]
    fallback: NotRequired[str]
    """Why rules wrote what a model was asked for; only where they did."""
    cautions: list[Caution]
    assumptions: list[str]
    exclusions: list[Exclusion]
    """Which exercises were left out and why, most first."""
    sources: list[str]
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
