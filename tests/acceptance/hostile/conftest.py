"""Input made to break things: each is refused in our own words, and the server goes on (reliability.md 2.4)."""

import pytest

from tests.acceptance.asking import client_of, finished_run, runs_made
from tests.acceptance.hostile.alarms import alarms_in


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    return finished_run(standing_server)


@pytest.fixture
def unharmed(standing_server):
    """Afterwards nothing was started, nothing surprised the server, and it serves on."""
    before, said = runs_made(standing_server), len(standing_server.log_text)
    yield
    with client_of(standing_server, "alice") as client:
        assert client.get("/api/runs?page_size=1").status_code == 200
    assert runs_made(standing_server) == before
    lines = standing_server.log_text[said:].splitlines()
    # uvicorn's word for a client that left.
    log = "\n".join(line for line in lines if "ClientDisconnected" not in line)
    assert not alarms_in(log), log[-3000:]
