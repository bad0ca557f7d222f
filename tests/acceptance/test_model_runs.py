"""A model writes the program: what each way to start a run shows of it while the answer still comes."""

import asyncio
import json
import logging
from datetime import datetime

import pytest

from tests.acceptance.asking import answer_to, hear, socket_to, token
from tests.acceptance.cases import KNEE
from tests.acceptance.test_generate import STAGES
from tests.support.clients import follow_sse, http_client, sse_events
from tests.support.model_runs import cost_of, items_in, kept_calls, serving, settings_for, totals
from tests.support.model_server import ModelServer
from tests.support.servers import KINDS

measured = logging.getLogger("measured")

# An answer takes about two seconds: long enough to move a bar, short enough to wait for.
MODEL = "good-at-80"
BETWEEN = (40, 70)


@pytest.fixture(scope="module")
def model():
    with ModelServer() as model:
        yield model


@pytest.fixture(scope="module", params=KINDS)
def server(request, model, prepared, tmp_path_factory, django_db_blocker):
    folder = tmp_path_factory.mktemp(f"model-{request.param}")
    given = settings_for(model, MODEL)
    with serving(request.param, folder, prepared.copy_to(folder), django_db_blocker.unblock, **given) as server:
        yield server


@pytest.fixture
def calls(model):
    """The calls that this test has led to."""
    before = len(model.calls)
    return lambda: model.calls[before:]


def assert_written_by_the_model(server, model, snapshot, call):
    """The run says who wrote it, and has counted what the model server counted."""
    read, written = counted(call)
    assert snapshot["status"] == "succeeded"
    assert snapshot["result"]["engine_used"] == "llm"
    assert (snapshot["model"], snapshot["provider"]) == (MODEL, f"127.0.0.1:{model.port}")
    usage = {"input_tokens": read, "output_tokens": written, "cost_usd": pytest.approx(cost_of(read, written))}
    assert snapshot["usage"] == usage
    [kept] = kept_calls(server, snapshot["id"])
    assert (kept.outcome, kept.estimated) == ("answered", False)
    assert (kept.input_tokens, kept.output_tokens) == (read, written)
    assert totals(server, snapshot["id"]) == (read, written, pytest.approx(cost_of(read, written)))


def counted(call):
    """What the model server's own usage was."""
    return len(json.dumps(call.body["messages"], ensure_ascii=False)) // 4, call.tokens_sent


def told_while_generating(log):
    """(time, bar) of each progress event within the stage, the first one left out: it is the stage's beginning."""
    told = [event for event in log if event["event"] == "progress" and event["data"]["stage"] == "generating"]
    return [(datetime.fromisoformat(event["ts"]).timestamp(), event["data"]["progress"]) for event in told[1:]]


async def test_the_first_exercise_is_there_long_before_the_last_token(server, model, calls):
    run = await asyncio.to_thread(server.start_run, KNEE)
    log, sent = [], []
    async for event in follow_sse(server.base_url, run["id"], server.token):
        log.append(event)
        if event["event"] == "item":
            sent.append(calls()[0].tokens_sent)
    [call] = calls()
    measured.info("%s: items after %s of %d tokens", server.kind, sent, call.tokens_sent)
    assert log[-1]["event"] == "complete"
    assert sent[0] < call.tokens_sent / 2
    assert len(sent) == len(items_in(log)) >= 4
    snapshot = await asyncio.to_thread(server.snapshot, run["id"])
    assert_written_by_the_model(server, model, snapshot, call)
    assert items_in(log) == [item["slug"] for item in snapshot["result"]["program"]["items"]]

    told = told_while_generating(log)
    bars = [bar for _, bar in told]
    assert bars == sorted(bars)
    assert len({bar for bar in bars if BETWEEN[0] < bar < BETWEEN[1]}) >= 3
    assert max(bars) <= BETWEEN[1]
    # Of any five the first and the last are a second apart; the times are rounded to milliseconds.
    assert all(fifth - first > 0.99 for (first, _), (fifth, _) in zip(told, told[4:], strict=False))


async def test_the_cost_is_told_in_the_log_as_the_model_server_counted_it(server, calls):
    run = await asyncio.to_thread(server.start_run, KNEE)
    log = [event async for event in follow_sse(server.base_url, run["id"], server.token)]
    [cost] = [event["data"] for event in log if event["event"] == "cost_update"]
    read, written = counted(calls()[0])
    assert (cost["input_tokens"], cost["output_tokens"], cost["tokens_used"]) == (read, written, read + written)
    assert cost["total_cost_usd"] == log[-1]["data"]["total_cost_usd"] == pytest.approx(cost_of(read, written))


async def test_the_older_stream_moves_its_bar_while_the_model_writes(server, model, calls):
    frames, sent = [], []
    async with (
        http_client(server.base_url, server.token) as client,
        client.stream("POST", "/api/generate-stream", json={"prompt": KNEE}) as response,
    ):
        run_id = response.headers["location"].rsplit("/", 1)[1]
        async for event in sse_events(response):
            if event.data and event.event != "ping":
                frames.append(event.json)
                sent.append(calls()[0].tokens_sent if calls() else 0)
    [call] = calls()
    within = [(frame, tokens) for frame, tokens in zip(frames, sent, strict=True) if frame.get("stage") == "generating"]
    moved = [tokens for frame, tokens in within if BETWEEN[0] < frame["progress"] < BETWEEN[1]]
    assert len(moved) >= 3
    assert moved[0] < call.tokens_sent / 2
    stages = [frame["stage"] for frame in frames if "stage" in frame]
    assert list(dict.fromkeys(stages)) == STAGES
    progress = [frame["progress"] for frame in frames if "stage" in frame]
    assert progress == sorted(progress)
    assert all("estimatedTimeRemaining" in frame for frame in frames if "stage" in frame)
    snapshot = await asyncio.to_thread(server.snapshot, run_id)
    assert frames[-1] == {"type": "result", "data": snapshot["result"]}
    assert_written_by_the_model(server, model, snapshot, call)


async def test_the_classic_request_is_answered_with_the_models_program(server, model, calls):
    async with http_client(server.base_url, server.token) as client:
        answer = await client.post("/api/generate", json={"prompt": KNEE})
    assert answer.status_code == 200
    snapshot = await asyncio.to_thread(server.snapshot, answer.headers["location"].rsplit("/", 1)[1])
    assert answer.json() == snapshot["result"]
    assert_written_by_the_model(server, model, snapshot, calls()[0])


async def test_a_run_started_on_the_socket_shows_exercises_as_they_come(server, model, calls):
    sent = []
    async with socket_to(server, "/ws/", token(server, "alice")) as socket:
        given = {"prompt": KNEE, "engine": "llm"}
        started = await answer_to(socket, {"type": "start", "kind": "exercise_program", "input": given})
        await socket.send(json.dumps({"type": "subscribe", "run": started["run"], "after": 0}))
        while (message := await hear(socket)).get("event") != "complete":
            if message.get("event") == "item":
                sent.append(calls()[0].tokens_sent)
    assert sent[0] < calls()[0].tokens_sent / 2
    snapshot = await asyncio.to_thread(server.snapshot, started["run"])
    assert_written_by_the_model(server, model, snapshot, calls()[0])


async def test_each_row_of_a_batch_is_written_by_the_model_and_paid_for(server, calls):
    body = {"kind": "exercise_program", "inputs": [{"prompt": KNEE}] * 3}
    async with http_client(server.base_url, server.token) as client:
        batch = (await client.post("/api/batches", json=body)).raise_for_status().json()["id"]
        async with client.stream("GET", f"/api/batches/{batch}/stream") as response:
            told = [event.json async for event in sse_events(response) if event.data and event.event != "ping"]
        found = (await client.get(f"/api/batches/{batch}")).raise_for_status().json()
    moving = [message["data"]["progress"] for message in told if message["event"] == "run"]
    assert any(BETWEEN[0] < bar < BETWEEN[1] for bar in moving)
    assert found["counts"] == {"succeeded": 3}
    made = [counted(call) for call in calls()]
    read, written = (sum(parts) for parts in zip(*made, strict=True))
    assert len(made) == 3
    assert {name: sum(run["usage"][name] for run in found["runs"]) for name in ("input_tokens", "output_tokens")} == {
        "input_tokens": read,
        "output_tokens": written,
    }
    assert sum(run["usage"]["cost_usd"] for run in found["runs"]) == pytest.approx(cost_of(read, written))
    assert {name: found["usage"][name] for name in ("calls", "input_tokens", "output_tokens", "estimated")} == {
        "calls": 3,
        "input_tokens": read,
        "output_tokens": written,
        "estimated": False,
    }
    for run in found["runs"]:
        assert (await asyncio.to_thread(server.snapshot, run["id"]))["result"]["engine_used"] == "llm"


async def test_the_composer_still_writes_what_asks_for_it(server, calls):
    run = await asyncio.to_thread(server.start_run, KNEE, engine="composer")
    async for _ in follow_sse(server.base_url, run["id"], server.token):
        pass
    snapshot = await asyncio.to_thread(server.snapshot, run["id"])
    assert (snapshot["result"]["engine_used"], snapshot["provider"], snapshot["model"]) == (
        "composer",
        "composer",
        "rules-1",
    )
    assert (calls(), kept_calls(server, run["id"])) == ([], [])
