"""Which phase of rehabilitation a profile is in. Source: domain.md 3.3 and 3.4."""

from typing import Any

from generation.clinical.data_files import read
from generation.clinical.profile import Profile

PHASES = ("protect", "restore", "load", "perform", "maintain")

_SURGERIES: dict[str, Any] = {entry["type"]: entry for entry in read("surgeries")}
_SPORT = {entry["code"] for entry in read("goals") if entry.get("sport")}
_LASTING = {"knee_oa", "hip_oa", "falls_risk", "osteoporosis", "deconditioning"}
_BACK = {"restore": "protect", "load": "restore", "perform": "load", "maintain": "restore"}


def acuity_of(weeks: float) -> str:
    """Acute under a week, subacute to three months (Danish usage), persistent beyond."""
    return "acute" if weeks < 1 else "subacute" if weeks <= 12 else "persistent"


def phase_for(profile: Profile) -> str:
    """High irritability means protect; pain of 7 or more puts it one phase back."""
    if profile.irritability == "high":
        return "protect"
    phase = _by_surgery(profile) if profile.surgery else _by_time(profile)
    return _BACK.get(phase, phase) if profile.pain >= 7 else phase


def _by_surgery(profile: Profile) -> str:
    window = _SURGERIES[(profile.surgery or {})["type"]]
    weeks = profile.weeks
    if weeks is None or weeks < window["protect_until"]:
        return "protect"
    return "restore" if weeks < window["restore_until"] else "load"


def _by_time(profile: Profile) -> str:
    weeks = profile.weeks
    if weeks is not None and weeks < 1:
        return "protect"
    if weeks is None and profile.acuity == "acute":
        return "protect"
    if _LASTING & set(profile.condition_tags):
        return "maintain"
    if weeks is None:
        return _later(profile) if profile.acuity == "persistent" else "restore"
    if weeks <= 6:
        return "restore"
    return "load" if weeks <= 12 else _later(profile)


def _later(profile: Profile) -> str:
    return "perform" if profile.pain <= 3 and _SPORT & set(profile.goals) else "maintain"
