"""What the player of a log is given: the entries as envelopes without the text of a case, and where each is drawn."""

from typing import Any

from generation.models import Run
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.timeline.lanes import Timeline
from generation.timeline.log import Log
from generation.timeline.scale import scale_of
from generation.timeline.words import words_of_facts
from generation.wire import TERMINAL, timestamp


def replay_of(run: Run, log: Log, timeline: Timeline) -> dict[str, Any]:
    """`events` in order, each with `x`, its place in the drawing in percent, and `what`, its facts in words.

    `end_ms` counts from the first event; null while the run goes on.
    """
    scale = scale_of(timeline)
    last = log.told[-1]
    return {
        "stages": stage_codes(PIPELINES[run.kind]) if run.kind in PIPELINES else (),
        "end_ms": last.at_ms - log.entries[0].at_ms if last.name in TERMINAL else None,
        "events": [
            {
                "seq": entry.seq,
                "event": entry.name,
                "ts": timestamp(entry.at_ms),
                "data": entry.facts,
                "x": scale.at(entry.at_ms - timeline.zero_ms),
                "what": words_of_facts(entry.facts),
            }
            for entry in log.entries
        ],
    }
