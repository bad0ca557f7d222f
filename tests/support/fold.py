"""State is what the log adds up to: `fold` computes it, and every run of the test suite is held against it."""

import json
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

Envelope = dict[str, Any]

ENDINGS = {"complete": "succeeded", "error": "failed", "cancelled": "cancelled"}
# What a row may say beside the log: a claim, and a wish to cancel, are in the row before the log tells of them.
ROWS_OF = {
    "active": {"queued", "running", "cancelling"},
    "paused": {"paused"},
    "cancelling": {"cancelling"},
}


def fold(events: Iterable[Envelope]) -> dict[str, Any]:
    """The state after these events; `status` of a live run is `active`, `paused` or `cancelling`."""
    state: dict[str, Any] = {
        "status": "active",
        "stage": None,
        "progress": 0.0,
        "error": None,
        "cancelled_by": None,
        "items": {},
        "last_seq": 0,
    }
    for event in events:
        name, data = event["event"], event["data"]
        state["last_seq"] = event["seq"]
        match name:
            case "progress":
                state["stage"], state["progress"] = data["stage"], data["progress"]
            case "item":
                state["items"].setdefault(data["path"], []).append(data["value"])
            case "paused" | "cancelling":
                state["status"] = name
            case "resumed":
                state["status"] = "active"
            case "complete" | "error" | "cancelled":
                state["status"] = ENDINGS[name]
                if name == "complete":
                    state["progress"] = 100.0
                elif name == "error":
                    state["error"] = data
                else:
                    state["cancelled_by"] = data["by"]
    return state


def assert_log(events: Sequence[Envelope]) -> None:
    """What is true of every log, live or ended."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert len({event["run_id"] for event in events}) == 1
    names = [event["event"] for event in events]
    assert names[0] == "queued"
    assert not any(name in ENDINGS for name in names[:-1])
    percents = [event["data"]["progress"] for event in events if event["event"] == "progress"]
    assert percents == sorted(percents)
    assert_once(event["data"]["stage"] for event in events if event["event"] == "stage_complete")
    items = [(event["data"]["path"], event["data"]["index"]) for event in events if event["event"] == "item"]
    for path in {path for path, _ in items}:
        indices = [index for of, index in items if of == path]
        assert indices == list(range(len(indices)))
    # Whoever takes a run over says so before anything else, and nobody says it with a former attempt's number.
    attempts = [event["data"]["attempt"] for event in events if event["event"] == "resumed"]
    assert attempts == sorted(attempts)


def assert_once(values: Iterable[Any]) -> None:
    seen = list(values)
    assert len(seen) == len(set(seen)), seen


def assert_agree(row: Mapping[str, Any], events: Sequence[Envelope]) -> None:
    """The row of a run, or its snapshot, and its log tell one story."""
    assert_log(events)
    state = fold(events)
    ended = state["status"] in ENDINGS.values()
    assert row["status"] in ROWS_OF.get(state["status"], {state["status"]}), (row["status"], state["status"])
    assert (row["stage"] or None) == state["stage"]
    # The log rounds to one decimal, the row does not.
    assert abs(row["progress"] - state["progress"]) <= 0.05
    assert row["error"] == state["error"]
    if ended:
        assert row["last_seq"] == state["last_seq"]
    if state["cancelled_by"] is not None:
        assert (row["cancelled_by"] or "") == state["cancelled_by"]
    program = (row.get("result") or {}).get("program")
    if state["status"] == "succeeded" and program:
        made = program["items"]
        assert [item["slug"] for item in state["items"].get("exercises", [])] == [item["slug"] for item in made]


# Runs whose rows tests have made, with logs that may say anything.
made_up: set[uuid.UUID] = set()

FIELDS = ("status", "stage", "progress", "error", "last_seq", "cancelled_by", "result")


def assert_rows_agree(using: str = "default") -> None:
    """Hold every run of a database against its log; what a test has made up or pruned is left out."""
    from generation.fields import CannotOpen
    from generation.models import Run
    from tests.support.event_schema import assert_data

    for run in Run.objects.using(using).filter(events__seq=1, events__name="queued").exclude(uid__in=made_up):
        try:
            log = [
                {"seq": event.seq, "event": event.name, "data": event.data, "run_id": str(run.uid)}
                for event in run.events.order_by("seq")
            ]
            row = {name: getattr(run, name) for name in FIELDS}
        except CannotOpen:
            continue
        assert_agree(row, log)
        for event in log:
            assert_data(event["event"], event["data"])


def assert_file_agrees(file: Path) -> None:
    """The same for the SQLite file of a server that has ended, with the keys that lie beside it."""
    from django.conf import settings
    from django.db import connections
    from django.test import override_settings

    keys = json.loads(file.with_name(f"{file.name}.keys").read_text())["FIELD_KEYS"]
    alias = "ended"
    connections.databases[alias] = {**connections.databases["default"], "NAME": str(file)}
    try:
        with override_settings(FIELD_KEYS=keys):
            assert settings.FIELD_KEYS == keys
            assert_rows_agree(alias)
    finally:
        connections[alias].close()
        del connections.databases[alias]
        del connections[alias]
