"""What was understood of a scenario."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any


@dataclass(frozen=True, slots=True)
class Profile:
    """ClinicalProfile of domain.md 2.4: JSON-able values; nothing in it is a guess.

    `restrictions` are `{code, value, source_text}`; `surgery` is `{type, weeks_post_op}`; `onset` is
    `{value, unit}`. What was not stated is in `unknowns`, and what was assumed for it, in words, in
    `assumptions`. `evidence` maps a field to the words it was read from.
    """

    regions: tuple[str, ...] = ()
    side: str = "unknown"
    condition_tags: tuple[str, ...] = ()
    onset: Mapping[str, Any] | None = None
    acuity: str | None = None
    phase: str = "restore"
    pain_now: int | None = None
    pain_worst: int | None = None
    irritability: str = "low"
    age: int | None = None
    pregnant: bool = False
    comorbidities: tuple[str, ...] = ()
    restrictions: tuple[Mapping[str, Any], ...] = ()
    surgery: Mapping[str, Any] | None = None
    wb_status: str | None = None
    equipment_available: tuple[str, ...] = ()
    goals: tuple[str, ...] = ()
    red_flags: tuple[Mapping[str, Any], ...] = ()
    unknowns: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()
    evidence: Mapping[str, str] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Profile":
        known = {f.name for f in fields(cls)}
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items() if k in known}
        return cls(**given)

    @property
    def region(self) -> str | None:
        """The primary region."""
        return self.regions[0] if self.regions else None

    @property
    def pain(self) -> int:
        """The pain that dosing goes by; 4 where none is stated. Source: domain.md 3.1."""
        if self.pain_now is not None:
            return self.pain_now
        return self.pain_worst if self.pain_worst is not None else 4

    @property
    def weeks(self) -> float | None:
        """Weeks since the operation, else since onset; None when not stated."""
        if self.surgery is not None:
            weeks = self.surgery.get("weeks_post_op")
            return None if weeks is None else float(weeks)
        return onset_weeks(self.onset)

    def restriction(self, code: str) -> Mapping[str, Any] | None:
        return next((r for r in self.restrictions if r["code"] == code), None)


_WEEKS = {"day": 1 / 7, "week": 1.0, "month": 52 / 12, "year": 52.0}


def onset_weeks(onset: Mapping[str, Any] | None) -> float | None:
    return None if onset is None else round(float(onset["value"]) * _WEEKS[onset["unit"]], 1)
