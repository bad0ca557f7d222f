"""The server under test, as one person meets it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NoReturn

import httpx
import pytest

from tests.acceptance.cases import KNEE
from tests.support.clients import TLS, Envelope, authorised
from tests.support.servers import Server

START = {"kind": "exercise_program", "input": {"prompt": KNEE}}
LIVE = ("queued", "running", "paused", "cancelling")
TOO_FAST = "runs end before they can be steered; start the server with COMPOSER_PACE_S=0.8"
STEERABLE_S = 1.5
LOOK_S = 0.03
WITHIN_S = 60
# Of a batch in which one should wait; a server that is not paced writes a few while it is asked about that.
ROWS, ROWS_ELSEWHERE = 3, 12


@dataclass
class Target:
    """A `server` was started for this suite: whatever can't be reached there is a failure, not a skip."""

    base_url: str
    token: str
    other_token: str | None = None
    server: Server | None = None
    # A run of the token's owner that has failed.
    failed: str | None = None
    started: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)
    # How long a run takes here.
    run_s: float | None = None
    # Runs that have ended, by their state: no command changes them, so all tests may share them.
    ended: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        headers = authorised(self.token)
        self.client = httpx.Client(base_url=self.base_url, headers=headers, timeout=60, trust_env=False, verify=TLS)

    def close(self) -> None:
        self.client.close()
        if self.server is not None:
            self.server.close()

    def unreachable(self, reason: str) -> NoReturn:
        """Skip what this server can't be brought to."""
        if self.server:
            pytest.fail(reason)
        pytest.skip(reason)

    def post(self, path: str, body: Any = None, **headers: str) -> httpx.Response:
        """POST, and wait for as long as a limit says."""
        give_up = time.monotonic() + 2 * WITHIN_S
        while (answer := self.client.post(path, json=body, headers=headers)).status_code == 429:
            assert time.monotonic() < give_up, answer.text
            time.sleep(int(answer.headers["retry-after"]))
        return answer

    def start(self) -> str:
        """The id of a new run."""
        answer = self.post("/api/runs", START)
        assert answer.status_code == 201, answer.text
        return self.remember(answer.json()["id"])

    def require_pace(self) -> None:
        """The test ends here where runs are over before they can be steered."""
        if self.run_s is None:
            run = self.until(self.start(), "succeeded")
            began, ended = (datetime.fromisoformat(run[name]) for name in ("started_at", "finished_at"))
            self.run_s = (ended - began).total_seconds()
        if self.run_s < STEERABLE_S:
            self.unreachable(TOO_FAST)

    def start_batch(self, rows: int | None = None) -> list[str]:
        """The ids of the runs of a new batch that is worked on one by one."""
        count = rows or (ROWS if self.server else ROWS_ELSEWHERE)
        body = {"kind": START["kind"], "inputs": [START["input"]] * count, "max_parallel": 1}
        answer = self.post("/api/batches", body)
        assert answer.status_code == 201, answer.text
        self.batches.append(answer.json()["id"])
        runs = [run["id"] for run in answer.json()["runs"]]
        self.started += runs
        return runs

    def remember(self, run: str) -> str:
        self.started.append(run)
        return run

    def tidy(self) -> None:
        """End what was started."""
        for batch in self.batches:
            self.post(f"/api/batches/{batch}/cancel")
        for run in self.started:
            if self.snapshot(run)["status"] in LIVE:
                self.command(run, "cancel")
                self.until(run, "cancelled")
        self.started.clear()
        self.batches.clear()

    def command(self, run: str, name: str) -> httpx.Response:
        return self.post(f"/api/runs/{run}/{name}")

    def snapshot(self, run: str) -> dict[str, Any]:
        snapshot: dict[str, Any] = self.client.get(f"/api/runs/{run}").raise_for_status().json()
        return snapshot

    def until(self, run: str, *states: str) -> dict[str, Any]:
        """The snapshot of a run once it is in one of these states, or has ended in another."""
        give_up = time.monotonic() + WITHIN_S
        while (snapshot := self.snapshot(run))["status"] not in states and snapshot["status"] in LIVE:
            assert time.monotonic() < give_up, snapshot["status"]
            time.sleep(LOOK_S)
        return snapshot

    def events(self, run: str) -> list[Envelope]:
        """The log so far, by polling."""
        events: list[Envelope] = []
        while True:
            after = events[-1]["seq"] if events else 0
            page = self.client.get(f"/api/runs/{run}/events?after={after}&wait=0").raise_for_status().json()
            events += page["events"]
            if not page["events"]:
                return events

    def until_event(self, run: str, *names: str) -> Envelope:
        """The first event of one of these names. The test ends here when the log does not hold it."""
        after, give_up = 0, time.monotonic() + WITHIN_S
        while time.monotonic() < give_up:
            page = self.client.get(f"/api/runs/{run}/events?after={after}&wait=10").raise_for_status().json()
            for event in page["events"]:
                if event["event"] in names:
                    found: Envelope = event
                    return found
            after = page["last_seq"]
            if page["done"]:
                self.unreachable(TOO_FAST)
        raise AssertionError(f"no {' or '.join(names)} in {WITHIN_S} s")


def names(events: Iterable[Envelope]) -> list[str]:
    return [event["event"] for event in events]


def seqs(events: Iterable[Envelope]) -> list[int]:
    return [event["seq"] for event in events]
