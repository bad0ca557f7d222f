"""The estimates that everything else asks for: outlooks on the profiles that the database holds."""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import Q

from metrics import calibration
from metrics.models import Learning, StageProfile
from metrics.outlook import Estimate, Outlook
from metrics.profiles import ANY_MODEL, BY_RULE, Key, Mark, Profile

__all__ = ["Estimate", "Mark", "Outlook", "forget", "outlook"]

# Every stage of every run asks; what is expected does not change within seconds.
REMEMBER_S = 5.0


class Lazily(Mapping[Key, Profile]):
    """Profiles by key, each decoded when it is first asked for."""

    def __init__(self, states: dict[Key, dict[str, Any]]) -> None:
        self.states = states
        self.decoded: dict[Key, Profile] = {}

    def __getitem__(self, key: Key) -> Profile:
        if key not in self.decoded:
            self.decoded[key] = Profile.of(self.states[key])
        return self.decoded[key]

    def __iter__(self) -> Iterator[Key]:
        return iter(self.states)

    def __len__(self) -> int:
        return len(self.states)


_remembered: dict[tuple[str, tuple[str, ...], str, str], tuple[float, Outlook]] = {}


def forget() -> None:
    """Drop what was remembered of the profiles."""
    _remembered.clear()


def outlook(kind: str, stages: Sequence[str], provider: str, model: str = "") -> Outlook:
    """What is to be expected of a run of this kind by this writer. Reads the database, at most every REMEMBER_S."""
    key = (kind, tuple(stages), provider, model)
    kept = _remembered.get(key)
    if kept is not None and kept[0] > time.monotonic():
        return kept[1]
    # Learning keeps names as the columns hold them.
    provider, model = provider[:40], model[:80]
    # In one query with the profiles, for another build may take over at any moment.
    build = Learning.objects.filter(pk=1).values("build")[:1]
    rows = StageProfile.objects.filter(
        Q(provider=provider, model=model) | Q(provider__in=(ANY_MODEL, BY_RULE), model=""), build=build, kind=kind
    )
    names = ("kind", "stage", "provider", "model", "size", "state")
    profiles = Lazily({row[:5]: row[5] for row in rows.order_by().values_list(*names)})
    levels = calibration.of_kind(kind).levels(kind, provider, model)
    found = Outlook(kind, stages, provider, model, profiles, *levels)
    _remembered[key] = (time.monotonic() + REMEMBER_S, found)
    return found
