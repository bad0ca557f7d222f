"""Red flags that a clinician states as excluded, put on record. Source: domain.md 3.2, rule (d)."""

from collections.abc import Mapping
from typing import Any

from generation import audit
from generation.models import AuditEntry, Run


def record(run: Run, result: Mapping[str, Any]) -> None:
    """Audit the STOP flags that the case of a run clears, by their codes: the words stay sealed in the run."""
    met = result["profile"]["red_flags"]
    codes = [flag["code"] for flag in met if flag["status"] == "cleared" and flag["tier"] != "CAUTION"]
    if codes:
        actor = run.owner.get_username()
        audit.record(actor, AuditEntry.Action.OVERRIDE, "run", run.uid, {"codes": codes, "outcome": result["outcome"]})
