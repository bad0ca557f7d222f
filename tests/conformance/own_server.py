"""This project's server, started for the suite when no address is given."""

import time
from pathlib import Path

from tests.acceptance.cases import KNEE
from tests.conformance.target import Target
from tests.support.servers import Prepared, Server

# A run takes about two seconds and can be steered meanwhile; the limits are wider than the suite.
SETTINGS = {
    "COMPOSER_PACE_S": 0.5,
    "OWNED_STREAM_GRACE_S": 0.8,
    "HEARTBEAT_S": 2,
    "MAX_ACTIVE_RUNS_PER_USER": 100,
    "MAX_STARTS_PER_MINUTE": 10_000,
    "MAX_OPEN_STREAMS_PER_USER": 100,
}
# Losses in a row, without a step stored in between, after which a run is given up; the first attempt does store some.
LOSSES = 4


def target(server: Server, failed: str | None = None) -> Target:
    """A server that is started here, as Alice meets it."""
    server.start()
    return Target(server.base_url, server.token, server.cast["charlie"].token, server, failed)


def with_failed_run(prepared: Prepared, folder: Path) -> tuple[Prepared, str]:
    """A database in which a run of Alice has failed, its worker having been lost again and again; and the run's id."""
    database = prepared.copy_to(folder)
    server = Server("uvicorn", folder, database, {"COMPOSER_PACE_S": 300})
    try:
        run_id: str = server.start().start_run(KNEE)["id"]
        for attempt in range(1, LOSSES + 1):
            until_attempt(server, run_id, attempt)
            server.kill()
            server.start()
        assert server.snapshot(run_id)["status"] == "failed"
    finally:
        server.close()
    return database, run_id


def until_attempt(server: Server, run_id: str, attempt: int) -> None:
    give_up = time.monotonic() + 30
    while (run := server.snapshot(run_id))["attempt"] < attempt or run["stage"] != "generating":
        assert time.monotonic() < give_up, run
        time.sleep(0.05)
