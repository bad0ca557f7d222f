"""Weight bearing that a text does not state. Source: domain.md 3.1, row "WB", and 3.4."""

from typing import Any

from generation.clinical import phase
from generation.clinical.data_files import read
from generation.clinical.profile import Profile

_SURGERIES: dict[str, Any] = {entry["type"]: entry for entry in read("surgeries")}
_LOWER_LIMB: list[str] = read("quotas")["lower_limb"]
_BROKEN = {entry["tag"] for entry in read("conditions") if entry.get("broken")}
_BONE_HEALS = 12
# Under which name the assumption is worded.
WORDED = {"PWB": "weight_bearing", "WBAT": "weight_tolerated"}


def assumed(profile: Profile) -> str | None:
    """PWB after an operation or a fracture of the leg while it heals, WBAT for a new joint; None where none is needed.

    Unknown weeks count as early.
    """
    if profile.region not in _LOWER_LIMB:
        return None
    if profile.surgery:
        usual: str = _SURGERIES[profile.surgery["type"]].get("usual_weight", "PWB")
        return usual if _within(profile, phase.window(profile)[1]) else None
    return "PWB" if _BROKEN & set(profile.condition_tags) and _within(profile, _BONE_HEALS) else None


def _within(profile: Profile, weeks: float) -> bool:
    return profile.weeks is None or profile.weeks < weeks
