"""Which phase of rehabilitation a profile is in. Source: domain.md 3.3 and 3.4."""

from typing import Any

from generation.clinical import constraints
from generation.clinical.data_files import read
from generation.clinical.profile import Profile

PHASES = ("protect", "restore", "load", "perform", "maintain")

_SURGERIES: dict[str, Any] = {entry["type"]: entry for entry in read("surgeries")}
_SPORT = {entry["code"] for entry in read("goals") if entry.get("sport")}
_LASTING = {entry["tag"] for entry in read("conditions") if entry.get("lasting")}
_BROKEN = {entry["tag"] for entry in read("conditions") if entry.get("broken")}
_BACK = {"restore": "protect", "load": "restore", "perform": "load", "maintain": "restore"}


def acuity_of(weeks: float) -> str:
    """Acute under a week, subacute to three months (Danish usage), persistent beyond."""
    return "acute" if weeks < 1 else "subacute" if weeks <= 12 else "persistent"


def window(profile: Profile) -> tuple[float, float]:
    """The weeks after an operation at which its protect and its restore window end.

    A meniscus stitched along with the ligament keeps its own longer ones.
    """
    kinds = [(profile.surgery or {})["type"], *(["meniscus_repair"] if profile.restriction("meniscus_repair") else [])]
    windows = [_SURGERIES[kind] for kind in kinds]
    return max(entry["protect_until"] for entry in windows), max(entry["restore_until"] for entry in windows)


def is_past(kind: str, weeks: float) -> bool:
    """Whether the windows of a kind of operation are over."""
    return weeks >= float(_SURGERIES[kind]["restore_until"])


def phase_for(profile: Profile) -> str:
    """High irritability, or a joint in a cast, means protect; pain of 7 or more puts it one phase back."""
    immobilised = profile.restriction("cast") or "immobilisation" in constraints.assumed(profile)
    if profile.irritability == "high" or immobilised:
        return "protect"
    phase = _by_surgery(profile) if profile.surgery else _by_time(profile)
    return _BACK.get(phase, phase) if profile.pain >= 7 else phase


def _by_surgery(profile: Profile) -> str:
    protect, restore = window(profile)
    weeks = profile.weeks
    if weeks is None or weeks < protect:
        return "protect"
    if weeks < restore:
        return "restore"
    return "perform" if weeks > 12 and _later(profile) == "perform" else "load"


def _by_time(profile: Profile) -> str:
    weeks = profile.weeks
    if weeks is not None and weeks < 1:
        return "protect"
    if weeks is None and profile.acuity == "acute":
        return "protect"
    healing = weeks is not None and weeks < 12 and _BROKEN & set(profile.condition_tags)
    if _LASTING & set(profile.condition_tags) and not healing:
        return "maintain"
    if weeks is None:
        return _later(profile) if profile.acuity == "persistent" else "restore"
    if weeks <= 6 or healing:
        return "restore"
    return "load" if weeks <= 12 else _later(profile)


def _later(profile: Profile) -> str:
    return "perform" if profile.pain <= 3 and _SPORT & set(profile.goals) else "maintain"
