"""A program by whatever model server HEP_TEST_OPENAI_BASE_URL and HEP_TEST_OPENAI_MODEL name; README says how."""

import logging
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.cases import KNEE
from tests.support.clients import Envelope, follow_sse, to_the_end
from tests.support.servers import Server
from tests.support.waiting import eventually

NAMES = ("HEP_TEST_OPENAI_BASE_URL", "HEP_TEST_OPENAI_MODEL")
# A small machine may need minutes to read the question; a program has a few hundred tokens.
PATIENCE = {
    "MODEL_FIRST_TOKEN_TIMEOUT_S": 120,
    "MODEL_IDLE_TIMEOUT_S": 60,
    "MODEL_TOTAL_TIMEOUT_S": 300,
    "MODEL_MAX_OUTPUT_TOKENS": 1000,
}
WITHIN_S = 400
STOPS_WITHIN_S = 5
BEGINS_AT = 40
MODEL_FAILED = {"OUTPUT_INVALID", "OPENAI_API_ERROR", "OPENAI_RATE_LIMITED", "OPENAI_TIMEOUT"}
CALLS = "SELECT outcome, first_text_ms, duration_ms, input_tokens, output_tokens FROM generation_modelcall ORDER BY id"
measured = logging.getLogger("measured")

pytestmark = pytest.mark.timeout(2 * WITHIN_S)


@pytest.fixture
def server(make_server: Callable[..., Server]) -> Server:
    lacking = [name for name in NAMES if not os.environ.get(name)]
    if lacking:
        # Not `missing`: nobody owes CI a model.
        pytest.skip(f"{' and '.join(lacking)} would name a model server to ask")
    return make_server(
        OPENAI_BASE_URL=os.environ[NAMES[0]],
        OPENAI_MODEL=os.environ[NAMES[1]],
        OPENAI_API_KEY=os.environ.get("HEP_TEST_OPENAI_API_KEY", ""),
        **PATIENCE,
    )


async def ended(server: Server, run_id: str) -> list[Envelope]:
    events = await to_the_end(follow_sse, server.base_url, run_id, server.token, within_s=WITHIN_S)
    measured.info("%s after %s", events[-1], server.rows(CALLS))
    return events


def result_of(server: Server, run_id: str) -> dict[str, Any]:
    with server.client() as client:
        result: dict[str, Any] = client.get(f"/api/runs/{run_id}/result").raise_for_status().json()
    return result


async def test_auto_gives_a_program_whatever_the_model_writes(server):
    run = server.start_run(KNEE, engine="auto")
    events = await ended(server, run["id"])
    assert events[-1]["event"] == "complete"
    result = result_of(server, run["id"])
    assert result["outcome"] == "program"
    assert len(result["program"]["items"]) >= 4
    fell_back = any(event["data"].get("code") == "MODEL_FALLBACK" for event in events if event["event"] == "warning")
    assert result["engine_used"] == ("composer" if fell_back else "llm")
    assert server.rows(CALLS)


async def test_llm_gives_a_program_or_says_that_the_model_failed(server):
    run = server.start_run(KNEE, engine="llm")
    last = (await ended(server, run["id"]))[-1]
    if last["event"] == "complete":
        assert result_of(server, run["id"])["engine_used"] == "llm"
    else:
        assert last["event"] == "error"
        assert last["data"]["code"] in MODEL_FAILED


async def test_a_cancel_reaches_the_model_and_leaves_it_free(server):
    run = server.start_run(KNEE, engine="llm")
    await eventually(lambda: writing(server, run["id"]), within_s=WITHIN_S)
    with server.client() as client:
        assert client.post(f"/api/runs/{run['id']}/cancel").status_code == 202
    last = (await ended(server, run["id"]))[-1]
    assert last["event"] == "cancelled"
    assert 0 <= last["data"]["upstream_closed_ms"] <= STOPS_WITHIN_S * 1000
    after = server.start_run(KNEE, engine="auto")
    assert (await ended(server, after["id"]))[-1]["event"] == "complete"
    assert any(first_text_ms is not None for _, first_text_ms, *_ in server.rows(CALLS)[1:])


async def writing(server: Server, run_id: str) -> bool:
    """Whether the model is in the middle of its answer, which moves the bar beyond where the stage began."""
    snapshot = server.snapshot(run_id)
    assert snapshot["status"] in ("queued", "running"), snapshot["error"]
    return bool(snapshot["stage"] == "generating" and snapshot["progress"] > BEGINS_AT)
