"""What whoever writes an exercise program is asked."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from generation.clinical import answer, redaction, selection
from generation.clinical.brief import brief
from generation.clinical.profile import Profile
from generation.clinical.validation import Check
from generation.pipelines import prompts
from generation.providers.base import Repair, Task

KIND = "exercise_program"


def task_for(
    given: Mapping[str, Any],
    language: str,
    profile: Profile,
    check: Check,
    decided: Sequence[Mapping[str, Any]] = (),
    repair: Repair | None = None,
) -> Task:
    """What a provider is told: the case without what identifies a person, the profile, and the exercises offered.

    The words the profile was read from stay here: they may name a person.
    """
    case, prompt = redacted(given, language), prompts.load(KIND)
    told = profile.as_dict() | {"evidence": {}, "red_flags": [], "assumptions": []}
    told["restrictions"] = [restriction | {"source_text": ""} for restriction in told["restrictions"]]
    facts = {
        "profile": told,
        "candidates": [selection.view(exercise, language) for exercise in check.offered.values()],
        "decided": [{key: item[key] for key in ("slug", "role", "dose", "reason")} for item in decided],
    }
    return Task(
        purpose=KIND,
        facts=facts,
        brief=brief(case.text, profile, check, [item["slug"] for item in decided], language),
        prompt=prompt.version,
        instructions=prompt.text,
        schema=answer.SCHEMA,
        language=language,
        repair=repair,
        redacted=case.counts,
    )


def redacted(given: Mapping[str, Any], language: str) -> redaction.Redacted:
    """The case as a provider may see it."""
    return redaction.redact(given["prompt"], datetime.now(UTC).date(), language, known=[given.get("mrn", "")])
