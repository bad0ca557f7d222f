"""A run's log as an operator reads it: when, what, and codes and counts, but no text of a case."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from generation.events import PAGE, read
from generation.fields import CannotOpen
from generation.models import Run
from generation.wire import TERMINAL, Frame

# Fields of an event's data that hold codes, counts and durations.
SHOWN = (
    "stage", "progress", "duration_ms", "code", "path", "index", "position", "attempt", "from_stage", "by", "reason",
    "upstream_closed_ms",
)  # fmt: skip
# Under the same name other events hold a code; in this one it is written by whoever reviewed the text.
WRITTEN = {"iteration": ("reason",)}
ESTIMATE = ("ms", "low_ms", "high_ms", "basis")
# Events that say what a run was doing, not what it made.
DOING = frozenset({"progress", "stage_complete", "paused", "resumed", "cancelling", "warning"}) | TERMINAL
# As many events of a log are drawn and replayed at most.
MOST = 2_000


class Entry(NamedTuple):
    """An event without the text of a case. `facts` has the names of SHOWN, and `eta` when an estimate was told: null
    where it was told that there is none."""

    seq: int
    name: str
    at_ms: int
    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Log:
    """The first entries of a log. When it goes on past them, `later` has those that say what the run was doing, and
    `last_seq` is the number of its last event. When it is `sealed`, no key of this server opens it: no entries."""

    entries: Sequence[Entry]
    later: Sequence[Entry] = ()
    last_seq: int = 0
    sealed: bool = False

    @property
    def cut(self) -> bool:
        return bool(self.entries) and self.last_seq > self.entries[-1].seq

    @property
    def told(self) -> Sequence[Entry]:
        return [*self.entries, *self.later]


def log_of(run: Run, most: int = MOST) -> Log:
    """Read a run's log; without entries when retention took it, or its key is lost."""
    try:
        return opened(run, most)
    except CannotOpen:
        return Log((), sealed=True)


def opened(run: Run, most: int) -> Log:
    """Raises CannotOpen."""
    entries: list[Entry] = []
    while len(entries) < most:
        after = entries[-1].seq if entries else 0
        page = read(run.pk, str(run.uid), after, limit=min(PAGE, most - len(entries)))
        if not page:
            return Log(entries, last_seq=after)
        entries += map(entry_of, page)
    rest = run.events.filter(seq__gt=entries[-1].seq)
    later = [
        Entry(row.seq, row.name, row.ts_ms, facts_of(row.name, row.data)) for row in rest.filter(name__in=DOING)[:most]
    ]
    newest = rest.order_by("-seq").values_list("seq", flat=True).first()
    return Log(entries, later, newest or entries[-1].seq)


def entry_of(frame: Frame) -> Entry:
    envelope = frame.envelope
    at_ms = round(datetime.fromisoformat(envelope["ts"]).timestamp() * 1000)
    return Entry(frame.seq, frame.name, at_ms, facts_of(frame.name, envelope["data"]))


def facts_of(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """What may be shown of an event's data."""
    written = WRITTEN.get(name, ())
    facts = {field: data[field] for field in SHOWN if field not in written and data.get(field) is not None}
    eta = data.get("eta")
    if isinstance(eta, dict):
        facts["eta"] = {field: eta.get(field) for field in ESTIMATE}
    elif "eta" in data:
        facts["eta"] = None
    return facts
