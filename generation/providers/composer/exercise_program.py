"""Composes an exercise program by the rules of domain.md 3."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generation.clinical import program, selection
from generation.clinical.profile import Profile
from generation.providers.base import Chunk, Task


def compose(task: Task) -> Iterator[Chunk]:
    """The picks that are still to be made, as `{slug, role, dose, reason}` on the path `exercises`.

    `task.facts` holds `profile`, `candidates` and `decided`: the items that an earlier attempt stored.
    """
    profile = Profile.from_dict(task.facts["profile"])
    candidates: Sequence[Mapping[str, Any]] = task.facts["candidates"]
    plan = selection.plan(candidates, profile)
    # For the whole plan, since each reason depends on those before it.
    exercises = [pick.exercise for pick in plan]
    slugs = [exercise["slug"] for exercise in exercises]
    reasons = dict(zip(slugs, program.reasons(exercises, profile, task.language), strict=True))
    for pick in _remaining(plan, candidates, task.facts["decided"]):
        slug = pick.exercise["slug"]
        yield Chunk(
            path="exercises", value={"slug": slug, "role": pick.role, "dose": pick.dose, "reason": reasons[slug]}
        )


def _remaining(
    picks: Sequence[selection.Pick], candidates: Sequence[Mapping[str, Any]], decided: Sequence[Mapping[str, Any]]
) -> list[selection.Pick]:
    """The plan without what is decided, without its kinds, and no longer than the plan was.

    A plan does not depend on what is decided, so that an attempt that goes on ends as one that never stopped.
    """
    slugs = {item["slug"] for item in decided}
    groups = {c["variation_group"] for c in candidates if c["slug"] in slugs}
    rest = [pick for pick in picks if pick.exercise["variation_group"] not in groups]
    return rest[: max(0, len(picks) - len(decided))]
