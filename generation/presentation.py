"""A run as its pages show it: plain values for the templates, in words."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language, gettext, ngettext, pgettext

from generation import page_words, purge, rights
from generation.correction_forms import CorrectionForm, correctable
from generation.models import Program, Run, Step, User
from generation.models.runs import Status
from generation.profile_chips import chips
from generation.record_numbers import masked

STAGE_STEP = "stage:"


def outcome_of(run: Run) -> str | None:
    return run.result.get("outcome") if run.status == Status.SUCCEEDED and run.result else None


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
    """Which engine wrote the result, or was asked for one; empty where none was."""
    asked = run.provider and ("composer" if run.provider == "composer" else "llm")
    engine = run.result.get("engine_used", "") if run.result else asked
    return str(page_words.ENGINES.get(engine, engine))


def history_row(run: Run, viewer: User) -> dict[str, Any]:
    outcome = outcome_of(run)
    written = run.result.get("program") if outcome == "program" and run.result else None
    program = getattr(run, "program", None)
    return {
        "run": run,
        "outcome": outcome,
        "outcome_words": page_words.OUTCOMES.get(outcome or "", ""),
        "title": written["title"] if written else "",
        "stage": page_words.STAGES.get(run.stage) if run.live else None,
        "engine": engine_words(run),
        "duration": duration_words(took(run)),
        "mrn": masked(run.input.get("mrn", "")),
        "owner": "" if run.owner_id == viewer.pk else str(run.owner),
        "program": program,
        "standing": standing_words(program) if program else "",
        "may_copy": program is not None and rights.may_change(viewer, program),
    }


def standing_words(program: Program) -> str:
    """Whether it is approved, and when a draft goes."""
    if program.status == Program.Status.APPROVED:
        return gettext("approved")
    until = purge.draft_until(program)
    if until is None:
        return gettext("changed since it was approved")
    days = max(0, (until - timezone.now()).days)
    return ngettext("draft, deleted in %(n)d day", "draft, deleted in %(n)d days", days) % {"n": days}


def of_ended(run: Run, viewer: User) -> dict[str, Any]:
    """The context of a run's page once it has ended without a program."""
    result: dict[str, Any] = run.result or {}
    outcome = outcome_of(run)
    return {
        "run": run,
        "outcome": outcome,
        "result": result,
        "chips": chips(result["profile"], reader_language()) if "profile" in result else [],
        "emergency": (result.get("referral") or {}).get("tier") == "STOP-emergency",
        "title": page_title(run, outcome),
        "mrn": masked(run.input.get("mrn", "")),
        "made": list(how_made(run)) if outcome else [],
        "failed_stage": page_words.STAGES.get((run.error or {}).get("stage", "")),
        **(corrections(run) if outcome == "insufficient_info" and may_correct(viewer, run) else {}),
    }


def reader_language() -> str:
    """Of the page, for words that the clinical data has in both."""
    return "da" if (get_language() or "").startswith("da") else "en"


def may_correct(viewer: User, run: Run) -> bool:
    """Whether they may generate again from this case: whoever might change its program."""
    return bool(run.result and "profile" in run.result) and rights.may_change(viewer, run)


def correction_form(run: Run, posted: Any = None) -> CorrectionForm:
    assert run.result is not None
    return CorrectionForm(run.result["profile"], reader_language(), posted)


def corrections(run: Run, form: CorrectionForm | None = None) -> dict[str, Any]:
    """What was understood of a run, ready to be corrected."""
    assert run.result is not None
    shown = form or correction_form(run)
    return {"correction": shown, "facts": list(correctable(chips(run.result["profile"], reader_language()), shown))}


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
