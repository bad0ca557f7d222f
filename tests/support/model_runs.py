"""Our application with the model server of the tests behind it, and what both of them keep of a call."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from tests.support.clients import Envelope
from tests.support.fold import assert_file_agrees
from tests.support.model_answers import asked_by
from tests.support.model_exchange import Call, Exchange
from tests.support.model_scenarios import Played, named
from tests.support.model_server import ModelServer
from tests.support.servers import Kind, Prepared, Server

# Dollars for a million tokens.
READ, WRITTEN = 3.0, 15.0
# Limits that no test here meets by accident.
ROOMY = {"MAX_ACTIVE_RUNS_PER_USER": 1000, "MAX_STARTS_PER_MINUTE": 100_000, "MAX_OPEN_STREAMS_PER_USER": 1000}
CALLS = """
    SELECT outcome, input_tokens, output_tokens, cost_usd, estimated FROM generation_modelcall
    WHERE run_uid = ? ORDER BY id
"""
TOTALS = "SELECT input_tokens, output_tokens, cost_usd FROM generation_run WHERE uid = ?"
ASKED_AT = "SELECT cancel_requested_at FROM generation_run WHERE uid = ?"


@contextmanager
def serving(
    kind: Kind, folder: Path, prepared: Prepared, unblock: Callable[[], Any], **settings: Any
) -> Iterator[Server]:
    """A server of ours on a prepared SQLite file; at the end its runs must be what their logs add up to."""
    assert prepared.file is not None
    server = Server(kind, folder, prepared, settings).start()
    yield server
    server.close()
    with unblock():
        assert_file_agrees(prepared.file)


class DirectedModel(ModelServer):
    """Does what `plays` names, whatever model it is asked for: one server of ours can then meet every scenario."""

    plays = ""

    async def _play(self, played: Played | None, exchange: Exchange, connection: Any) -> bool:
        if self.plays:
            played = named(self.plays)
            exchange._tokens_per_s = played.tokens_per_s if played else None
        return await super()._play(played, exchange, connection)


def settings_for(model: ModelServer, name: str, **more: object) -> dict[str, object]:
    """What a server is started with so that this model, at these prices, writes its programs."""
    return {
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_MODEL": name,
        "MODEL_PRICES": f"{name}={READ}:{WRITTEN}",
        **ROOMY,
        **more,
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """A stored call."""

    outcome: Literal["open", "answered", "failed", "broken"]
    input_tokens: int
    output_tokens: int
    cost_usd: float
    estimated: bool


def kept_calls(server: Server, run_id: str) -> list[Kept]:
    """The calls of a run, oldest first, from the server's SQLite file."""
    return [
        Kept(outcome, read, written, float(cost), bool(estimated))
        for outcome, read, written, cost, estimated in server.rows(CALLS, UUID(run_id).hex)
    ]


def totals(server: Server, run_id: str) -> tuple[int, int, float]:
    """Tokens read and written, and dollars, as the row of the run has them."""
    [(read, written, cost)] = server.rows(TOTALS, UUID(run_id).hex)
    return read, written, float(cost)


def asked_to_cancel_at(server: Server, run_id: str) -> float:
    """When the run was asked to stop, as `time.monotonic` would have told it."""
    [(at,)] = server.rows(ASKED_AT, UUID(run_id).hex)
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
    return moment - (time.time() - time.monotonic())


def cost_of(read: int, written: int) -> float:
    return (read * READ + written * WRITTEN) / 1e6


def decided_in(call: Call) -> list[str]:
    """The slugs that the request says are decided already."""
    seen: dict[str, Mapping[str, Any]] = {}
    return list(asked_by(call.body, seen).decided)


def items_in(log: list[Envelope]) -> list[str]:
    """The slugs of the exercises in a log."""
    return [event["data"]["value"]["slug"] for event in log if event["event"] == "item"]
