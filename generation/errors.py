"""Everything that can go wrong, as the wire names it.

    HepError
    ├── Invalid              VALIDATION_ERROR      400
    │   ├── TooLarge                               413
    │   └── MethodNotAllowed                       405
    ├── NotSignedIn          AUTHENTICATION_ERROR  401
    ├── NotAllowed           PERMISSION_DENIED     403
    ├── NotFound             NOT_FOUND             404
    │   └── NoResult                               410
    ├── Conflict             CONFLICT              409
    │   ├── StaleVersion                           409
    │   ├── EditRefused                            409
    │   │   └── ExerciseExcluded                   409
    │   ├── ChecksFailed                           409
    │   └── NotApproved                            409
    ├── IdempotencyConflict  IDEMPOTENCY_CONFLICT  409
    ├── CursorExpired        CURSOR_EXPIRED        410
    ├── RateLimited          RATE_LIMITED          429
    │   └── BudgetSpent                            429
    ├── TooManyRuns          TOO_MANY_RUNS         429
    ├── ModelError           OPENAI_API_ERROR      502
    │   ├── ModelUnreachable                       502
    │   │   └── ModelResting                       502
    │   ├── ModelRejected                          502
    │   ├── ModelInterrupted                       502
    │   │   └── ModelGarbled     OUTPUT_INVALID    502
    │   ├── ModelRateLimited OPENAI_RATE_LIMITED   502
    │   └── ModelTimedOut    OPENAI_TIMEOUT        502
    │       ├── ModelConnectTimedOut               502
    │       └── ModelTimeSpent                     502
    ├── OutputInvalid        OUTPUT_INVALID        502
    ├── Restarting           SERVER_ERROR          503
    ├── WorkerLost           WORKER_LOST           500
    └── ServerError          SERVER_ERROR          500

    LeaseLost, LogClosed and Paused are for the runner alone and reach no client.

`code` is for programs and never changes, `retryable` says whether the same request may succeed later, and
the sentence serves the log, the API and the page alike.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def first_fault(fields: Mapping[str, Any] | None) -> str | None:
    """What is wrong with the first field at fault, as a sentence for a person."""
    for name, faults in (fields or {}).items():
        fault = faults[0] if isinstance(faults, list | tuple) and faults else None
        return f"{name}: {fault}" if fault else f"{name} is not valid."
    return None


class HepError(Exception):
    code = "SERVER_ERROR"
    status = 500
    retryable = False
    sentence = "Something went wrong on our side."

    def __init__(
        self,
        sentence: str | None = None,
        *,
        fields: Mapping[str, Any] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        self.sentence = sentence or first_fault(fields) or self.sentence
        self.fields = fields
        self.retry_after_s = retry_after_s
        super().__init__(self.sentence)

    def event(self, stage: str | None) -> dict[str, Any]:
        """The data of the `error` event that ends a run, and what its row keeps."""
        return {"code": self.code, "message": self.sentence, "retryable": self.retryable, "stage": stage}

    def body(self) -> dict[str, Any]:
        """The JSON body of an HTTP answer."""
        error: dict[str, Any] = {"code": self.code, "message": self.sentence}
        if self.fields:
            error["fields"] = dict(self.fields)
        return {"error": error}


class Invalid(HepError):
    code, status, sentence = "VALIDATION_ERROR", 400, "The request is not valid."


class TooLarge(Invalid):
    status, sentence = 413, "The request is too large."


class MethodNotAllowed(Invalid):
    status, sentence = 405, "This address does not take that method."

    def __init__(self, *allowed: str) -> None:
        self.allowed = allowed
        super().__init__()


class NotSignedIn(HepError):
    code, status, sentence = "AUTHENTICATION_ERROR", 401, "Please sign in."


class NotAllowed(HepError):
    code, status, sentence = "PERMISSION_DENIED", 403, "This is not allowed."


class NotFound(HepError):
    code, status, sentence = "NOT_FOUND", 404, "There is no such run."


class NoResult(NotFound):
    status, sentence = 410, "This run ended without a result."


class Conflict(HepError):
    code, status, sentence = "CONFLICT", 409, "The run is not in a state for this."


class StaleVersion(Conflict):
    """The program has changed since the person looked at it; `version` is the current one."""

    sentence = "The program was changed meanwhile; look at it again."

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__()

    def body(self) -> dict[str, Any]:
        return {"error": {**super().body()["error"], "reason": "stale_version", "version": self.version}}


class EditRefused(Conflict):
    """`reason` is a code that never changes."""

    def __init__(self, reason: str, sentence: str) -> None:
        self.reason = reason
        super().__init__(sentence)

    def body(self) -> dict[str, Any]:
        return {"error": {**super().body()["error"], "reason": self.reason}}


class ExerciseExcluded(EditRefused):
    """`by` is the code of the constraint, or phase, level, equipment or age."""

    def __init__(self, by: str, sentence: str) -> None:
        self.by = by
        super().__init__("excluded", sentence)

    def body(self) -> dict[str, Any]:
        return {"error": {**super().body()["error"], "excluded_by": self.by}}


class ChecksFailed(Conflict):
    """`checks` are the codes of the checks that found an error."""

    sentence = "The safety checks found errors; mend them before approving."

    def __init__(self, checks: Sequence[str]) -> None:
        self.checks = list(checks)
        super().__init__()

    def body(self) -> dict[str, Any]:
        return {"error": {**super().body()["error"], "reason": "checks_failed", "checks": self.checks}}


class NotApproved(Conflict):
    """Only what a clinician has approved may leave the clinic."""

    sentence = "The program is a draft; approve it before it is shared."

    def body(self) -> dict[str, Any]:
        return {"error": {**super().body()["error"], "reason": "not_approved"}}


class IdempotencyConflict(HepError):
    code, status, sentence = "IDEMPOTENCY_CONFLICT", 409, "This key was used for another request."


class CursorExpired(HepError):
    code, status, sentence = "CURSOR_EXPIRED", 410, "These events are no longer kept; load the run itself."

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__()

    def body(self) -> dict[str, Any]:
        return {"error": {**super().body()["error"], "snapshot": f"/api/runs/{self.run_id}"}}


class RateLimited(HepError):
    code, status, retryable = "RATE_LIMITED", 429, True
    sentence = "Too many requests; try again in a moment."


class BudgetSpent(RateLimited):
    sentence = "The clinic's budget for models is spent until midnight UTC."

    def body(self) -> dict[str, Any]:
        return {"error": {**super().body()["error"], "reason": "budget_spent"}}


class TooManyRuns(HepError):
    code, status, retryable = "TOO_MANY_RUNS", 429, True
    sentence = "Too many of your runs are active; wait for one to end."


class ModelError(HepError):
    code, status, retryable = "OPENAI_API_ERROR", 502, True
    sentence = "The model server failed."


class ModelUnreachable(ModelError):
    sentence = "The model server can't be reached."


class ModelResting(ModelUnreachable):
    sentence = "The model server failed too often; it is left alone for a while."


class ModelRejected(ModelError):
    """Asking again would be answered the same: the key, the model's name or the request is wrong."""

    retryable, sentence = False, "The model server rejected the request."


class ModelInterrupted(ModelError):
    sentence = "The model's answer broke off."


class ModelGarbled(ModelInterrupted):
    code, sentence = "OUTPUT_INVALID", "The model server sent what no one can read."


class ModelRateLimited(ModelError):
    code, sentence = "OPENAI_RATE_LIMITED", "The model server is too busy; try again later."


class ModelTimedOut(ModelError):
    code, sentence = "OPENAI_TIMEOUT", "The model server took too long."


class ModelConnectTimedOut(ModelTimedOut):
    sentence = "The model server was not reached in time."


class ModelTimeSpent(ModelTimedOut):
    sentence = "The model server took too long in all."


class OutputInvalid(HepError):
    code, status, retryable = "OUTPUT_INVALID", 502, True
    sentence = "The draft did not pass the safety checks."


class Restarting(HepError):
    status, retryable, sentence = 503, True, "The server is restarting; the run goes on."

    def __init__(self) -> None:
        super().__init__(retry_after_s=5)


class WorkerLost(HepError):
    code, retryable = "WORKER_LOST", True
    sentence = "The server stopped several times during this run."


class ServerError(HepError):
    retryable = True


class LeaseLost(Exception):
    """Another worker has taken the run over; this one must stop and write nothing more."""


class LogClosed(Exception):
    """The run's log has its terminal event, or could not be written any more."""


class Paused(Exception):
    """The run rests at a step border; its lease is given back."""
