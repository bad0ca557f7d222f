"""What /readyz says of the model server: an operator sees it, a load balancer need not act on it."""

import json
from collections.abc import Iterator

import pytest

from generation.providers import breaker
from hepcompanion import guard
from tests.faults.asgi import http
from tests.generation.executing import executing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("unstarted")]


@pytest.fixture
def unstarted(monkeypatch) -> None:
    """The application starts no executor of its own."""

    async def started() -> None:
        pass

    monkeypatch.setattr(guard, "ensure_started", started)


@pytest.fixture
def server() -> Iterator[breaker.Breaker]:
    """The circuit of a model server that was asked before."""
    yield breaker.breaker_of("models.example")
    breaker.forget()


async def readiness(cast) -> tuple[int, dict[str, str]]:
    async with executing():
        asked = http("GET", "/readyz", cast["alice"].token)
        asked.open()
        await asked.until(lambda sent: asked.answered)
        await asked.ended()
    return asked.status, json.loads(asked.body)["checks"]


async def test_without_a_model_there_is_none(cast):
    status, checks = await readiness(cast)
    assert (status, checks["model"]) == (200, "none")


async def test_a_server_that_was_not_asked_yet_is_taken_to_work(cast, settings):
    settings.MODEL = "small"
    assert (await readiness(cast))[1]["model"] == "ok"


async def test_a_server_that_keeps_failing_is_told_but_makes_nothing_unready(cast, settings, server):
    settings.MODEL = "small"
    for _ in range(breaker.FAILURES):
        server.failed()
    status, checks = await readiness(cast)
    assert (status, checks) == (200, {"database": "ok", "channel_layer": "ok", "engine": "ok", "model": "open"})
    server.clock = lambda clock=server.clock: clock() + breaker.REST_S
    assert (await readiness(cast))[1]["model"] == "trying"
    server.succeeded()
    assert (await readiness(cast))[1]["model"] == "ok"
