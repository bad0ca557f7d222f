"""A run's log as an operator reads it: when, what, and codes and counts, but no text of a case."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from generation.wire import Frame

# Fields of an event's data that hold codes, counts and durations.
SHOWN = ("stage", "progress", "duration_ms", "code", "index", "position", "attempt", "from_stage", "by", "reason")


def entries(frames: Sequence[Frame]) -> Iterator[tuple[int, str, str, str]]:
    """(number, seconds since the first event, event, codes and counts) of each event."""
    began: datetime | None = None
    for frame in frames:
        envelope = frame.envelope
        at = datetime.fromisoformat(envelope["ts"])
        began = began or at
        data = envelope["data"]
        facts = {name: data[name] for name in SHOWN if data.get(name) is not None}
        what = ", ".join(f"{name} {value}" for name, value in facts.items())
        yield frame.seq, f"{(at - began).total_seconds():.3f} s", frame.name, what
