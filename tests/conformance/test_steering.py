"""Table 1.6 over REST: each command in each state."""

from typing import Any

import pytest

from tests.conformance.states import REACH
from tests.conformance.target import LIVE, Target, names

# state: command: status of the answer, and what the run may be in it.
TABLE: dict[str, dict[str, tuple[int, set[str]]]] = {
    "queued": {
        "cancel": (202, {"cancelled"}),
        "pause": (202, {"paused"}),
        "resume": (200, {"queued"}),
        "retry": (409, {"queued"}),
    },
    "running": {
        "cancel": (202, {"cancelling", "cancelled"}),
        "pause": (202, {"running", "paused"}),
        "resume": (200, {"running"}),
        "retry": (409, {"running"}),
    },
    "paused": {
        "cancel": (202, {"cancelling", "cancelled"}),
        "pause": (200, {"paused"}),
        "resume": (202, {"queued", "running"}),
        "retry": (409, {"paused"}),
    },
    "cancelling": {
        "cancel": (200, {"cancelling"}),
        "pause": (409, {"cancelling"}),
        "resume": (409, {"cancelling"}),
        "retry": (409, {"cancelling"}),
    },
    "cancelled": {
        "cancel": (200, {"cancelled"}),
        "pause": (409, {"cancelled"}),
        "resume": (409, {"cancelled"}),
        "retry": (201, {"cancelled"}),
    },
    "succeeded": {name: (409, {"succeeded"}) for name in ("cancel", "pause", "resume")}
    | {"retry": (201, {"succeeded"})},
    "failed": {name: (409, {"failed"}) for name in ("cancel", "pause", "resume")} | {"retry": (201, {"failed"})},
}
CELLS = [(state, command) for state, row in TABLE.items() for command in row if state != "cancelling"]
# What a command that was accepted leads to.
LEADS_TO = {"cancel": ("cancelled",), "pause": ("paused",), "resume": ("running", "succeeded")}
# They move with the clock and with the work.
MOVING = ("eta", "position", "progress", "stage", "last_seq")


def still(snapshot: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in snapshot.items() if name not in MOVING}


@pytest.mark.parametrize(("state", "command"), CELLS)
def test_a_command_is_answered_as_the_table_says(target: Target, state: str, command: str) -> None:
    run = REACH[state](target)
    before = target.snapshot(run)
    answer = target.command(run, command)
    status, states = TABLE[state][command]
    assert answer.status_code == status, answer.text
    if status == 409:
        error = answer.json()["error"]
        assert error["code"] == "CONFLICT"
        assert state in error["message"]
        assert still(target.snapshot(run)) == still(before)
    elif status == 201:
        again = answer.json()
        assert answer.headers["location"] == f"/api/runs/{target.remember(again['id'])}"
        assert again["id"] != run
        assert (again["parent"], again["kind"], again["input"]) == (run, before["kind"], before["input"])
        assert still(target.snapshot(run)) == still(before)
    elif status == 200:
        assert still(answer.json()) == still(before)
    else:
        assert answer.json()["status"] in states
        assert target.until(run, *LEADS_TO[command])["status"] in LEADS_TO[command]


@pytest.mark.parametrize("command", TABLE["cancelling"])
def test_a_command_to_a_run_that_stops_is_answered_by_how_far_it_is(target: Target, command: str) -> None:
    """`cancelling` ends by itself, so the answer may be that of the next state; a 409 says which one it was."""
    run = REACH["cancelling"](target)
    answer = target.command(run, command)
    if answer.status_code == 201:
        target.remember(answer.json()["id"])
        assert command == "retry"
        assert target.snapshot(run)["status"] == "cancelled"
    elif answer.status_code == 200:
        assert command == "cancel"
        assert answer.json()["status"] in ("cancelling", "cancelled")
    else:
        assert answer.status_code == 409
        assert command != "cancel"
        message = answer.json()["error"]["message"]
        assert "cancelling" in message or (command != "retry" and "cancelled" in message)
    assert target.until(run, "cancelled")["status"] == "cancelled"


def test_a_run_paused_before_it_began_begins_when_it_is_resumed(target: Target) -> None:
    run = REACH["queued"](target)
    target.command(run, "pause")
    # Its turn comes, and passes.
    for other in [one for one in target.started if one != run]:
        target.command(other, "cancel")
    assert names(target.events(run)) == ["queued", "paused"]
    assert target.command(run, "resume").status_code == 202
    assert target.until(run, "succeeded")["status"] == "succeeded"


def test_a_pause_taken_back_before_it_is_carried_out_leaves_the_run_at_work(target: Target) -> None:
    run = REACH["running"](target)
    target.command(run, "pause")
    assert target.command(run, "resume").status_code in (200, 202)
    assert target.until(run, "succeeded")["status"] == "succeeded"


def test_a_paused_run_does_no_work(target: Target) -> None:
    run = REACH["paused"](target)
    events = target.events(run)
    assert events[-1]["event"] == "paused"
    # A poll that waits is told of the next event, if there were one.
    page = target.client.get(f"/api/runs/{run}/events?after={len(events)}&wait=2").json()
    assert page == {"events": [], "last_seq": len(events), "done": False}
    assert target.snapshot(run)["status"] == "paused"


def test_a_resumed_run_ends_as_one_that_never_paused(target: Target) -> None:
    straight, run = target.start(), REACH["paused"](target)
    target.command(run, "resume")
    results = [target.until(each, "succeeded")["result"] for each in (straight, run)]
    programs = [result["program"] | {"id": None} for result in results]
    assert programs[0] == programs[1]
    items = [event["data"]["index"] for event in target.events(run) if event["event"] == "item"]
    assert items == list(range(len(items)))


def test_each_row_of_a_batch_is_steered_alone(target: Target) -> None:
    runs = target.start_batch(rows=4)
    target.command(runs[1], "pause")
    target.command(runs[2], "cancel")
    assert target.until(runs[3], "succeeded")["status"] == "succeeded"
    assert [target.snapshot(run)["status"] for run in runs] == ["succeeded", "paused", "cancelled", "succeeded"]
    assert target.snapshot(runs[1])["status"] in LIVE
