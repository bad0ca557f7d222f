"""Words of the pages that live in no template: codes of the wire, and what the scripts say."""

import re
from collections.abc import Iterable

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from generation.models.runs import Status

Word = str | Promise

STAGES: dict[str, Word] = {
    "started": _("Reading the case"),
    "fetching-exercises": _("Finding exercises"),
    "generating": _("Composing the program"),
    "validating": _("Checking safety"),
    "storing": _("Saving"),
    "complete": _("Done"),
}

OUTCOMES: dict[str, Word] = {
    "program": _("Program"),
    "referral": _("Refer first"),
    "insufficient_info": _("More information needed"),
}

ROLES: dict[str, Word] = {
    "warmup": _("Warm-up"),
    "mobility": _("Mobility"),
    "activation": _("Activation"),
    "strength": _("Strength"),
    "balance": _("Balance"),
    "function": _("Function"),
    "cooldown": _("Cool-down"),
}

ENGINES: dict[str, Word] = {
    "composer": _("Rule-based composer"),
    "llm": _("Language model"),
}

KINDS: dict[str, Word] = {
    "exercise_program": _("Home exercise program"),
}

# Of the history: all that have not ended.
IN_PROGRESS = "live"
HISTORY_FILTERS: tuple[tuple[str, Word], ...] = (
    ("", _("All")),
    (IN_PROGRESS, _("In progress")),
    (Status.SUCCEEDED.value, _("Succeeded")),
    (Status.FAILED.value, _("Failed")),
    (Status.CANCELLED.value, _("Cancelled")),
)

# `{name}` is filled by the script.
BUDGET_SPENT: Word = _("The clinic's budget for models is spent until midnight UTC.")

FOR_SCRIPTS: dict[str, Word] = {
    "budgetSpent": BUDGET_SPENT,
    "waiting": pgettext_lazy("stage", "waiting"),
    "now": pgettext_lazy("stage", "in progress"),
    "done": pgettext_lazy("stage", "done"),
    "skipped": pgettext_lazy("stage", "skipped"),
    "failed": pgettext_lazy("stage", "failed"),
    "cancelled": pgettext_lazy("stage", "cancelled"),
    "queued": _("Waiting for its turn"),
    "queuedAs": _("Waiting for its turn, number {n} in the queue"),
    "paused": _("Paused"),
    "stepOf": _("Step {n} of {total}: {stage}"),
    "count": _("Exercises so far: {n}"),
    "connecting": _("Connecting"),
    "live": _("Live"),
    "reconnecting": _("Reconnecting in {n} s"),
    "offline": _("Offline – the run goes on without you"),
    "ended": _("Closed"),
    "cancel": _("Cancel"),
    "cancelGeneration": _("Cancel generation"),
    "cancelling": _("Cancelling…"),
    "pause": _("Pause"),
    "pauseWaiting": _("Pausing…"),
    "resume": _("Resume"),
    "resumeWaiting": _("Resuming…"),
    "close": _("Close"),
    "cancelledToast": _("Generation cancelled"),
    "cancelNotSent": _("The server can't be reached, so the run was not cancelled. Try again."),
    "cancelRefused": _("The run was not cancelled. Try again."),
    "failedTitle": _("Generation failed"),
    "lostTitle": _("The live view stopped"),
    "formTitle": _("Generate"),
    "readyTitle": _("Program ready"),
    "resultTitle": _("Result ready"),
    "writing": _("Writing the program"),
    "opening": _("Opening the result"),
    "signedOut": _("You are signed out. Sign in again in another tab; your text is kept on this page."),
    "signIn": _("Sign in"),
    "gone": _("This run no longer exists."),
    "unreachable": _("The server can't be reached. Your text is kept; try again in a moment."),
    "unexpected": _("Something went wrong on our side. Your text is kept; try again in a moment."),
    "tryAgainIn": _("Try again in {n} s."),
    "moreNeeded": _("{n} more characters needed"),
    "oneMoreNeeded": _("1 more character needed"),
    "written": _("{n} of {max} characters"),
    "tooShort": _("Describe the case in at least {n} characters."),
    "enough": _("The case is long enough."),
    # De-identified, and rich enough for every part of a program.
    "example": _(
        "68-year-old woman, right knee osteoarthritis for 8 months. Pain 4/10 on stairs, 5/10 at worst. "
        "No falls, blood pressure controlled. Has a chair and stairs at home. "
        "Wants to climb stairs and walk 30 minutes."
    ),
}

FOR_PROGRAM_SCRIPTS: dict[str, Word] = {
    "copied": _("Copied"),
    "notCopied": _("The text could not be copied. Open it and copy it by hand."),
    "notSent": _("The server can't be reached, so nothing was changed. Try again."),
    "refused": _("Nothing was changed. Reload the page and try again."),
}

FOR_HISTORY_SCRIPTS: dict[str, Word] = {
    "unreachable": _("The list could not be loaded. Check the connection and try again."),
    "signedOut": _("You are signed out. Sign in again in another tab."),
}

BATCH_ORDERS: tuple[tuple[str, Word], ...] = (
    ("", _("In order")),
    ("attention", _("Needs attention first")),
)

FOR_BATCH_SCRIPTS: dict[str, Word] = {
    **{name: FOR_SCRIPTS[name] for name in ("connecting", "live", "reconnecting", "ended", "signIn")},
    **{f"status:{status.value}": status.label for status in Status},
    **{f"stage:{code}": label for code, label in STAGES.items()},
    "budgetSpent": BUDGET_SPENT,
    "offline": _("Offline – the batch goes on without you"),
    "title": _("Batch"),
    "finished": _("Batch finished"),
    "signedOut": _("You are signed out; the batch goes on without you."),
    "gone": _("This batch no longer exists."),
    "notSent": _("The server can't be reached, so nothing was changed. Try again."),
    "refused": _("Nothing was changed. Try again."),
    "stale": _("Some rows could not be brought up to date. Reload the page."),
}


def stages(codes: Iterable[str]) -> list[tuple[str, Word]]:
    return [(code, STAGES[code]) for code in codes]


# The sentences of refusals that a page may show. The API says them in English, pages in the reader's language.
REFUSALS = (
    gettext_noop("Something went wrong on our side."),
    gettext_noop("The request is not valid."),
    gettext_noop("The request is too large."),
    gettext_noop("This is not allowed."),
    gettext_noop("Only its owner and the clinicians of its clinic may do this."),
    gettext_noop("The run is not in a state for this."),
    gettext_noop("The program was changed meanwhile; look at it again."),
    gettext_noop("The safety checks found errors; mend them before approving."),
    gettext_noop("The program is a draft; approve it before it is shared."),
    gettext_noop("A template is copied, not shared."),
    gettext_noop("A template is copied, not approved."),
    gettext_noop("There is no such program."),
    gettext_noop("There is no such template."),
    gettext_noop("There is no such link."),
    gettext_noop("The program has no such version."),
    gettext_noop("This key was used for another request."),
    gettext_noop("Too many requests; try again in a moment."),
    gettext_noop("The clinic's budget for models is spent until midnight UTC."),
    gettext_noop("Too many of your runs are active; wait for one to end."),
    gettext_noop("The model server failed."),
    gettext_noop("The model server failed (%(n)s)."),
    gettext_noop("The model server failed too often; it is left alone for a while."),
    gettext_noop("The model server can't be reached."),
    gettext_noop("The model server was not reached in %(n)s s."),
    gettext_noop("The model server did not begin in %(n)s s."),
    gettext_noop("The model server fell silent for %(n)s s."),
    gettext_noop("The model server took more than %(n)s s in all."),
    gettext_noop("The model server rejected the request (%(n)s)."),
    gettext_noop("The model server refused the key."),
    gettext_noop("The model server has no such model or address."),
    gettext_noop("The account at the model server has no credit left."),
    gettext_noop("The case and its exercises are too long for this model."),
    gettext_noop("The model declined to write this."),
    gettext_noop("The model's answer is far too long."),
    gettext_noop("The model's draft failed the checks %(n)s."),
    gettext_noop("No model is configured on this server."),
    gettext_noop("The model server was not reached in time."),
    gettext_noop("The model server rejected the request."),
    gettext_noop("The model server is too busy; try again later."),
    gettext_noop("The model server took too long."),
    gettext_noop("The model server took too long in all."),
    gettext_noop("The model server sent what no one can read."),
    gettext_noop("The model's answer broke off."),
    gettext_noop("The draft did not pass the safety checks."),
    gettext_noop("The server is restarting; the run goes on."),
    gettext_noop("The server stopped several times during this run."),
    gettext_noop("There is no such clinic among yours."),
    gettext_noop("There is no such run."),
    gettext_noop("No model is configured on this server."),
    gettext_noop("You do not work in the clinic of that run; give the record number anew."),
    gettext_noop("The record number is of another clinic; give it anew."),
    gettext_noop("This is not one of the choices."),
)


# What a sentence may hold that is not always the same: codes of checks, or a figure.
PART = re.compile(r"V\d\d(?:, V\d\d)*|\d+(?:\.\d+)?")


def said(sentence: object) -> str:
    """What a refusal says, in the reader's language where the sentence is known."""
    text = str(sentence)
    part = PART.search(text)
    if part and (pattern := PART.sub("%(n)s", text, count=1)) in REFUSALS:
        return gettext(pattern) % {"n": part[0]}
    return gettext(text) if text else ""
