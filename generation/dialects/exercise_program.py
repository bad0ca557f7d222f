"""The older dialect of exercise programs (wire.md 2.1): stage frames, then the result. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from generation.errors import HepError

STAGES = {
    "started": 5,
    "fetching-exercises": 15,
    "generating": 40,
    "validating": 70,
    "storing": 85,
    "complete": 100,
}


def error_code(code: str) -> str:
    """Our code in the words of this dialect."""
    if code.startswith("OPENAI_") or code == "OUTPUT_INVALID":
        return "OPENAI_API_ERROR"
    known = (
        "AUTHENTICATION_ERROR",
        "VALIDATION_ERROR",
        "PERMISSION_DENIED",
        "RATE_LIMITED",
        "TOO_MANY_RUNS",
        "CANCELLED",
    )
    return code if code in known else "SERVER_ERROR"


def stage_frame(stage: str, message: str, progress: float, remaining_ms: int | None) -> dict[str, Any]:
    return {"stage": stage, "message": message, "progress": progress, "estimatedTimeRemaining": remaining_ms}


class Translator:
    """Turns one run's envelopes, in their order, into frames of this dialect.

    A cancelled or failed run ends with the stage it was in, so the translator remembers the last stage frame.
    """

    def __init__(self) -> None:
        self.last = stage_frame("started", "", 0, None)

    def refusal(self, error: HepError) -> dict[str, Any]:
        """The frame of a request that was refused, or of a stream that broke, where the run had got to."""
        fields = {"fields": dict(error.fields)} if error.fields else {}
        return {**self.last, "message": error.sentence, "error": error_code(error.code), **fields}

    def frames(self, envelope: Mapping[str, Any], result: Any = None) -> Sequence[dict[str, Any]]:
        """The frames of one event; `result` is the run's, and needed at `complete` only."""
        data = envelope["data"]
        match envelope["event"]:
            case "progress":
                eta = data["eta"] and data["eta"]["ms"]
                remaining = 0 if data["stage"] == "complete" else eta
                self.last = stage_frame(data["stage"], data["message"], data["progress"], remaining)
                return (self.last,)
            case "paused":
                return ({**self.last, "message": "Paused"},)
            case "complete":
                return ({"type": "result", "data": result},)
            case "error":
                return ({**self.last, "message": data["message"], "error": error_code(data["code"])},)
            case "cancelled":
                return ({**self.last, "message": "Cancelled", "error": "CANCELLED"},)
        return ()
