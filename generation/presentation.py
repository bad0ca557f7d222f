"""A run as its pages show it: plain values for the templates, in words."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext, ngettext, pgettext

from generation import page_words
from generation.models import Run, Step, User
from generation.models.runs import Status
from generation.profile_chips import chips

MASK = "••••"
STAGE_STEP = "stage:"


def outcome_of(run: Run) -> str | None:
    return run.result.get("outcome") if run.status == Status.SUCCEEDED and run.result else None


def masked_mrn(run: Run) -> str:
    """The last two characters; an MRN as short as that is hidden whole."""
    mrn: str = run.input.get("mrn", "")
    return f"{MASK}{mrn[-2:]}" if len(mrn) > 2 else MASK if mrn else ""


def duration_words(took: timedelta | None) -> str:
    if took is None:
        return ""
    seconds = max(0, round(took.total_seconds()))
    if seconds < 1:
        return gettext("under a second")
    if seconds < 60:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    return gettext("%(minutes)d min %(seconds)d s") % {"minutes": seconds // 60, "seconds": seconds % 60}


def took(run: Run) -> timedelta | None:
    return run.finished_at - run.created_at if run.finished_at else None


def engine_words(run: Run) -> str:
    """Which engine wrote the result; empty for a run without one."""
    engine = run.result.get("engine_used", "") if run.result else ""
    return str(page_words.ENGINES.get(engine, engine))


def history_row(run: Run, viewer: User) -> dict[str, Any]:
    outcome = outcome_of(run)
    program = run.result.get("program") if outcome == "program" and run.result else None
    stage = page_words.STAGES.get(run.stage) if run.live else None
    return {
        "run": run,
        "outcome": outcome,
        "outcome_words": page_words.OUTCOMES.get(outcome or "", ""),
        "title": program["title"] if program else "",
        "stage": stage,
        "engine": engine_words(run),
        "duration": duration_words(took(run)),
        "mrn": masked_mrn(run),
        "owner": "" if run.owner_id == viewer.pk else str(run.owner),
    }


def of_ended(run: Run) -> dict[str, Any]:
    """The context of a run's page once it has ended."""
    result: dict[str, Any] = run.result or {}
    outcome = outcome_of(run)
    return {
        "run": run,
        "outcome": outcome,
        "result": result,
        "program": result.get("program"),
        "items": [with_role_words(item) for item in (result.get("program") or {}).get("items", ())],
        "chips": chips(result["profile"], run.language) if "profile" in result else [],
        "emergency": (result.get("referral") or {}).get("tier") == "STOP-emergency",
        "title": page_title(run, outcome),
        "mrn": masked_mrn(run),
        "made": list(how_made(run)) if outcome else [],
        "failed_stage": page_words.STAGES.get((run.error or {}).get("stage", "")),
    }


def with_role_words(item: Mapping[str, Any]) -> dict[str, Any]:
    return {**item, "role_words": page_words.ROLES.get(item["role"], item["role"])}


def page_title(run: Run, outcome: str | None) -> str:
    """The title bar is seen by others, so it says nothing about the person."""
    if run.status == Status.FAILED:
        return gettext("Generation failed")
    if run.status == Status.CANCELLED:
        return gettext("Generation cancelled")
    return gettext("Program ready") if outcome == "program" else gettext("Result ready")


def how_made(run: Run) -> Iterable[tuple[str, str]]:
    """Label and words of each fact about the making: engine, checks, how many exercises were left out."""
    facts = stage_facts(run)
    yield gettext("Engine"), " · ".join(filter(None, (engine_words(run), run.model)))
    found = facts.get("fetching-exercises", {})
    if "offered" in found:
        yield (
            gettext("Library"),
            gettext("%(in_region)d exercises for the region, %(excluded)d left out by limits, %(offered)d offered")
            % found,
        )
    checked = facts.get("validating", {})
    if "checks" in checked:
        remarks = int(checked["checks"])
        text = gettext("passed, no remarks") if not remarks else gettext("passed, %(n)d remarks") % {"n": remarks}
        yield gettext("Safety checks"), text
    if run.attempt > 1:
        yield gettext("Attempts"), str(run.attempt)
    yield gettext("Time taken"), duration_words(took(run))
    yield pgettext("of the texts", "Language"), run.get_language_display()


def stage_facts(run: Run) -> dict[str, dict[str, Any]]:
    steps = Step.objects.filter(run=run, name__startswith=STAGE_STEP)
    return {step.name.removeprefix(STAGE_STEP): step.result for step in steps}
