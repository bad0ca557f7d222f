"""What the tests of faults begin with."""

import pytest

from generation.database import in_database
from hepcompanion import guard
from tests.generation.factories import held_run


@pytest.fixture
async def held(alice, monkeypatch):
    """A run and its log, which the test writes: in this process no executor runs."""

    async def started() -> None:
        pass

    monkeypatch.setattr(guard, "ensure_started", started)
    run, log = await in_database(lambda: held_run(alice))
    return run, log
