"""Runs in this process that ask the model server of the tests, and what must hold of each once it has ended."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import override_settings

from generation.database import in_database
from generation.models import ModelCall, Run, User
from generation.pipelines.exercise_program import STAGES
from generation.providers import breaker, dialect, openai_sdk
from generation.providers import model as provider
from generation.wire import TERMINAL
from tests.generation.executing import executing, log_of, start
from tests.support.model_exchange import Call
from tests.support.model_server import ModelServer
from tests.support.waiting import eventually

KEY = "sk-a-key-that-nobody-may-read"
# Dollars for a million tokens, read and written, of whatever model.
PRICES = (2.0, 10.0)
# So long that a busy machine meets none of them by accident.
PATIENT = {"MODEL_FIRST_TOKEN_TIMEOUT_S": 10, "MODEL_IDLE_TIMEOUT_S": 10, "MODEL_TOTAL_TIMEOUT_S": 15}
ENDS_WITHIN_S = 20
STAGE_MESSAGES = {message for stage in STAGES for message in stage.message.values()}


class Prices(dict[str, tuple[float, float]]):
    """The same for every model."""

    def get(self, model: str, default: Any = None) -> tuple[float, float]:
        return PRICES


def impatient(silence_s: float) -> dict[str, float]:
    return {"MODEL_FIRST_TOKEN_TIMEOUT_S": silence_s, "MODEL_IDLE_TIMEOUT_S": silence_s}


@asynccontextmanager
async def asked_at(base_url: str, model: str, **more: Any) -> AsyncIterator[None]:
    """A process that executes runs and asks this model server, of which it knows nothing yet."""
    # A later server may be given the port of an earlier one.
    breaker.forget()
    dialect.forget()
    given = {"MODEL": model, "MODEL_BASE_URL": base_url, "MODEL_API_KEY": KEY, "MODEL_PRICES": Prices()}
    with pytest.MonkeyPatch.context() as patch, override_settings(**{**PATIENT, **given, **more}):
        patch.setattr(provider, "FIRST_WAIT_S", 0.02)
        async with executing():
            yield
        known = openai_sdk._servers.pop(asyncio.get_running_loop(), None)
        if known is not None:
            await known.close()


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended, its log, the rows of its calls and the requests that the server saw, both in order."""

    run: Run
    log: list[dict[str, Any]]
    rows: list[ModelCall]
    requests: list[Call]

    @property
    def last(self) -> Mapping[str, Any]:
        return self.log[-1]

    @property
    def code(self) -> str | None:
        return self.last["data"].get("code") if self.last["event"] == "error" else None

    @property
    def outcomes(self) -> str:
        return " ".join(row.outcome for row in self.rows)

    def told(self, event: str) -> list[dict[str, Any]]:
        return [each["data"] for each in self.log if each["event"] == event]

    @property
    def said(self) -> list[str]:
        """What progress told beside the stages."""
        return [data["message"] for data in self.told("progress") if data["message"] not in STAGE_MESSAGES]

    @property
    def items(self) -> list[dict[str, Any]]:
        return [data["value"] for data in self.told("item")]

    @property
    def fell_back(self) -> bool:
        return "MODEL_FALLBACK" in [data["code"] for data in self.told("warning")]


async def run_ended(owner: User, server: ModelServer | None = None, **fields: Any) -> Ended:
    """Start a run and wait for its end; a process that executes runs must be there."""
    before = len(server.calls) if server else 0
    run = await start(owner, **fields)

    async def look() -> list[dict[str, Any]]:
        log = await log_of(run)
        return log if log and log[-1]["event"] in TERMINAL else []

    log = await eventually(look, ENDS_WITHIN_S)
    await in_database(run.refresh_from_db)
    rows = await in_database(lambda: list(ModelCall.objects.filter(run_uid=run.uid).order_by("pk")))
    return Ended(run, log, rows, server.calls[before:] if server else [])


@asynccontextmanager
async def model_server(model: str, **more: Any) -> AsyncIterator[ModelServer]:
    """The model server of the tests, and a process that executes runs and asks it.

    At the end no request is open any more.
    """
    with ModelServer() as server:
        async with asked_at(server.base_url, model, **more):
            yield server

            async def closed() -> bool:
                return server.open_streams == 0

            await eventually(closed, 2)


def assert_accounted(ended: Ended) -> None:
    """What is true however a run that asked a model has ended: one end, no call forgotten, and sums that agree.

    A row stands for one request, together with those before it in which the server refused a form that it does not
    know (400, 422); so a request that it refuses in every form is one row.
    """
    events = [each["event"] for each in ended.log]
    assert [name for name in events if name in TERMINAL] == events[-1:]
    assert ended.run.last_seq == len(ended.log)
    refused = [call.status in (400, 422) for call in ended.requests]
    if ended.requests:
        assert len(ended.rows) == refused.count(False) + refused[-1]
    assert ModelCall.Outcome.OPEN not in [row.outcome for row in ended.rows]
    for row in ended.rows:
        read, written = PRICES
        assert float(row.cost_usd) == pytest.approx((row.input_tokens * read + row.output_tokens * written) / 1e6)
        assert (row.input_tokens > 0) == (row.outcome != ModelCall.Outcome.FAILED)
        assert row.duration_ms is not None
    assert ended.run.input_tokens == sum(row.input_tokens for row in ended.rows)
    assert ended.run.output_tokens == sum(row.output_tokens for row in ended.rows)
    assert ended.run.cost_usd == sum(row.cost_usd for row in ended.rows)
    if ended.rows:
        assert ended.told("cost_update")[-1] == {
            "total_cost_usd": float(ended.run.cost_usd),
            "tokens_used": ended.run.input_tokens + ended.run.output_tokens,
            "input_tokens": ended.run.input_tokens,
            "output_tokens": ended.run.output_tokens,
        }
    assert KEY not in repr(ended.log)
