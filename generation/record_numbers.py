"""Record numbers (MRN): kept sealed, found by a keyed hash, shown masked, revealed only on the record.

A number never stands in an address, a log, an event or a metric. Source: domain.md 6 (History) and 7.
"""

import unicodedata
import uuid

from django.db.models import QuerySet

from generation import audit
from generation.fields import lookup_digests
from generation.models import AuditEntry, Run, User

# Of the newest runs with one number; who has more of them narrows the dates instead.
MOST_FOUND = 100
MASK = "••••"
PURPOSE = "record number"
# Two characters of a shorter one would tell too much of it.
SHOWN_FROM = 5
# Dashes and a minus, and what is written without being seen.
_LEFT_OUT = ("Pd", "Cf")
_MARKS = frozenset("./\N{MINUS SIGN}\N{HYPHEN BULLET}")


def digest(mrn: str | None) -> str:
    """What a run is found by; empty for no number. The same for `ab 12-3` and `AB123`."""
    written = normalised(mrn or "")
    return lookup_digests(written, PURPOSE)[0] if written else ""


def normalised(mrn: str) -> str:
    """Without spaces, dashes, dots and slashes, and the same in whatever width and case it was typed."""
    plain = unicodedata.normalize("NFKC", mrn).casefold()
    kept = (c for c in plain if c not in _MARKS and not c.isspace() and unicodedata.category(c) not in _LEFT_OUT)
    return "".join(kept)


def masked(mrn: str) -> str:
    """The last two characters; a short number is hidden whole."""
    return f"{MASK}{mrn[-2:]}" if len(normalised(mrn)) >= SHOWN_FROM else MASK if mrn else ""


def matching(visible: QuerySet[Run], actor: User, mrn: str) -> QuerySet[Run]:
    """The runs among `visible` with exactly this number, whichever key it was hashed with. Audited."""
    written = normalised(mrn)
    found = visible.filter(mrn_hash__in=lookup_digests(written, PURPOSE)) if written else visible.none()
    audit.record(actor.get_username(), AuditEntry.Action.SEARCH, "run", facts={"found": found.count()})
    return found


def reveal(actor: User, run: Run) -> str:
    """The number in full; who asked for it is on the record. Empty when the run has none."""
    mrn: str = run.input.get("mrn", "")
    if mrn:
        audit.record(actor.get_username(), AuditEntry.Action.REVEAL, "run", uuid.UUID(str(run.uid)))
    return mrn
