"""What one person may use at once: active runs, starts in a minute, open streams (wire.md 1.5)."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

import httpx
import pytest

from tests.acceptance.asking import (
    STARTS,
    STREAMS,
    TLS,
    all_until_closed,
    answer_to,
    client_of,
    error_of,
    runs_made,
    socket_to,
    token,
)
from tests.acceptance.asking import CANONICAL
from tests.acceptance.cases import KNEE
from tests.support import servers
from tests.support.servers import Server

ACTIVE, STARTS_A_MINUTE, OPEN = 5, 8, 3
LIMITS = {
    "MAX_ACTIVE_RUNS_PER_USER": ACTIVE,
    "MAX_STARTS_PER_MINUTE": STARTS_A_MINUTE,
    "MAX_OPEN_STREAMS_PER_USER": OPEN,
    # Longer than the tests take, so that what is active stays so.
    "COMPOSER_PACE_S": 300,
}
# Limits are of a person: each test takes its own, and so one server of each kind is enough.
PEOPLE = ("alice", "bob", "charlie", "dana")


@pytest.fixture(scope="module", params=servers.KINDS)
def strict_server(request, tmp_path_factory, prepared):
    folder = tmp_path_factory.mktemp(f"strict-{request.param}")
    server = Server(request.param, folder, prepared.copy_to(folder), LIMITS).start()
    yield server
    server.close()


@pytest.fixture
def newcomer(strict_server):
    """Makes an account that has used nothing yet."""

    def make(name: str) -> str:
        strict_server.cast = {**strict_server.cast, name: strict_server.add_account(name)}
        return name

    return make
