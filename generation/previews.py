"""What would leave this server for a run: nothing, or exactly these messages to a model. Source: domain.md 7."""

from collections.abc import Mapping
from typing import Any

from generation import limits, record_numbers, runs, shelf
from generation.models import User
from generation.pipelines import exercise_program, exercise_task
from generation.providers import choose


def preview(actor: User, kind: str, cleaned: Mapping[str, Any]) -> dict[str, Any]:
    """The case as a provider may see it, what was taken out of it by kind, and the first messages a model gets of it.

    `provider` names who would get them; null when the embedded composer writes, which sends nothing anywhere. `task` is
    `{prompt, messages}`, null when the case ends before anybody is asked. Raises Invalid, RateLimited.
    """
    assert kind == exercise_program.KIND
    limits.take_preview(actor)
    given, clinic, parent = runs.settled(actor, cleaned)
    language = runs.language_of(actor, given, parent)
    redacted = exercise_task.redacted(given, language)
    task = exercise_program.preview(given, language, shelf.library(clinic.pk if clinic else None))
    provider = choose(given.get("engine", "auto"), kind)
    return {
        "case": redacted.text,
        "redacted": redacted.counts,
        "mrn": record_numbers.masked(given.get("mrn", "")) or None,
        "provider": None if provider.name == "composer" else provider.name,
        "task": {"prompt": task.prompt, "messages": provider.messages(task)} if task else None,
    }
