"""A batch as its page shows it: plain values for the templates, in words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.formats import number_format
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext

from generation import batches, page_words
from generation.models import Run
from generation.models.runs import ENDED, Status
from generation.record_numbers import MASK, masked
from generation.serializers import opened

CASE_CHARS = 110
# What somebody must look at, the most pressing first.
ATTENTION = ("referral", Status.FAILED.value, "insufficient_info")


def rows_of(found: Iterable[Run], by_attention: bool = False) -> list[dict[str, Any]]:
    rows = [row_of(run) for run in found]
    return sorted(rows, key=lambda row: (row["rank"], row["run"].row)) if by_attention else rows


def row_of(run: Run) -> dict[str, Any]:
    """One line of the table; `kind` is the outcome of a run that succeeded, else its status."""
    given, result = opened(run, "input"), opened(run, "result") or {}
    outcome = result.get("outcome", "") if run.status == Status.SUCCEEDED else ""
    kind = outcome or run.status
    program = result.get("program") if outcome == "program" else None
    return {
        "run": run,
        "number": (run.row or 0) + 1,
        "kind": kind,
        "rank": ATTENTION.index(kind) if kind in ATTENTION else len(ATTENTION),
        "words": page_words.OUTCOMES.get(outcome) or run.get_status_display(),
        "stage": page_words.STAGES.get(run.stage, "") if run.status == Status.RUNNING else "",
        "case": Truncator(given["prompt"]).chars(CASE_CHARS) if given else MASK,
        "mrn": masked(given.get("mrn", "")) if given else "",
        "title": program["title"] if program else "",
        "reason": (result.get("referral") or {}).get("message") or result.get("reason") or "",
        "failure": failure_words(run),
        "may_cancel": run.live,
        "may_retry": run.status in batches.RETRIED,
    }


def failure_words(run: Run) -> str:
    """Why there is no result; empty for a run that did not end so."""
    if run.status == Status.FAILED:
        return (run.error or {}).get("message") or gettext("Something went wrong on our side.")
    if run.status == Status.CANCELLED and run.cancelled_by:
        return gettext("Cancelled by %(by)s.") % {"by": run.cancelled_by}
    return ""


def totals_words(rows: Sequence[dict[str, Any]], usage: Mapping[str, Any]) -> str:
    """`7 of 20 done, 1 refer, 1 failed`: of those that have ended in whatever way, what asks for somebody.

    Followed by what models have cost, if anything.
    """
    kinds = [row["kind"] for row in rows]
    ended = sum(row["run"].status in ENDED for row in rows)
    parts = [gettext("%(ended)d of %(all)d done") % {"ended": ended, "all": len(rows)}]
    wording = (
        ("referral", ngettext("%(n)d refer", "%(n)d refer", kinds.count("referral"))),
        (
            "insufficient_info",
            ngettext("%(n)d needs more information", "%(n)d need more information", kinds.count("insufficient_info")),
        ),
        (Status.FAILED, ngettext("%(n)d failed", "%(n)d failed", kinds.count(Status.FAILED))),
        (Status.CANCELLED, ngettext("%(n)d cancelled", "%(n)d cancelled", kinds.count(Status.CANCELLED))),
    )
    parts += [words % {"n": kinds.count(kind)} for kind, words in wording if kind in kinds]
    if usage["cost_usd"]:
        words = gettext("about %(cost)s USD") if usage["estimated"] else gettext("%(cost)s USD")
        parts.append(words % {"cost": number_format(usage["cost_usd"], decimal_pos=4)})
    return ", ".join(parts)
