"""A worker is lost in mid-answer: the next one asks only for what is missing, and every call is counted."""

import asyncio
import logging
import time
from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from tests.acceptance.cases import KNEE
from tests.faults.invariants import run_log
from tests.support import servers
from tests.support.clients import FOLLOWERS, to_the_end
from tests.support.model_runs import decided_in, items_in, kept_calls, settings_for, totals
from tests.support.model_server import ModelServer

measured = logging.getLogger("measured")

MODEL = "good-at-40"
BRISK = "good-at-400"
LEASE_S = 2
CLOSED_WITHIN_S = 2
ITEMS = (
    "SELECT count(*) FROM generation_event e JOIN generation_run r ON r.id = e.run_id WHERE r.uid = ? AND name = 'item'"
)
STATE = "SELECT status, holder, attempt FROM generation_run WHERE uid = ?"


@pytest.fixture
def model():
    with ModelServer() as model:
        yield model


async def until(holds: Callable[[], bool], within_s: float = 40) -> None:
    give_up = time.monotonic() + within_s
    while not await asyncio.to_thread(holds):
        assert time.monotonic() < give_up
        await asyncio.sleep(0.02)


def stored_items(server, run_id):
    return server.rows(ITEMS, UUID(run_id).hex)[0][0]


async def in_mid_answer(server, items):
    """A run of which so many exercises are stored, and a reader who comes back until it has ended."""
    run_id = (await asyncio.to_thread(server.start_run, KNEE))["id"]
    reading = asyncio.create_task(to_the_end(FOLLOWERS["sse"], server.base_url, run_id, server.token))
    await until(lambda: stored_items(server, run_id) >= items)
    return run_id, reading


def parts(log):
    """What each attempt has written, in their order."""
    parts = [[]]
    for event in log:
        if event["event"] == "resumed":
            parts.append([])
        parts[-1].append(event)
    return parts


def assert_whole(snapshot, log):
    """The program is the model's, and holds each exercise of the log once."""
    slugs = items_in(log)
    assert len(slugs) == len(set(slugs)) >= 4
    assert snapshot["result"]["engine_used"] == "llm"
    assert [item["slug"] for item in snapshot["result"]["program"]["items"]] == slugs


def assert_counted(server, run_id, outcomes):
    """The calls ended so, and the run's totals are their sum."""
    calls = kept_calls(server, run_id)
    assert [call.outcome for call in calls] == outcomes
    read, written, cost = totals(server, run_id)
    assert read == sum(call.input_tokens for call in calls)
    assert written == sum(call.output_tokens for call in calls)
    assert cost == pytest.approx(sum(call.cost_usd for call in calls))
    return calls


async def test_after_a_kill_and_after_a_stop_the_next_worker_asks_only_for_the_rest(kind, make_server, model):
    server = make_server(kind, **settings_for(model, MODEL))
    run_id, reading = await in_mid_answer(server, items=1)
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(model.wait_closed, model.calls[0])
    await asyncio.to_thread(server.start)

    await until(lambda: stored_items(server, run_id) >= 3)
    asked_at = time.monotonic()
    await asyncio.to_thread(server.terminate, 10)
    closed_at = await asyncio.to_thread(model.wait_closed, model.calls[1])
    measured.info("%s: closed %.0f ms after SIGTERM", kind, (closed_at - asked_at) * 1000)
    assert closed_at - asked_at <= CLOSED_WITHIN_S
    assert server.rows(STATE, UUID(run_id).hex) == [("queued", None, 2)]
    # Nobody was left to settle the first: it stays counted by what asking costs.
    killed, stopped = assert_counted(server, run_id, ["broken", "broken"])
    assert killed.estimated
    assert killed.input_tokens > 0
    assert killed.output_tokens == 0
    assert stopped.estimated
    assert stopped.output_tokens > 0

    server.env["OPENAI_MODEL"] = BRISK
    await asyncio.to_thread(server.start)
    log = await reading
    kept = [items_in(part) for part in parts(log)]
    first, second, third = model.calls
    assert decided_in(first) == []
    assert decided_in(second) == kept[0] != []
    assert decided_in(third) == kept[0] + kept[1]
    assert kept[1] != []
    assert log == await run_log(server, run_id)
    assert_whole(await asyncio.to_thread(server.snapshot, run_id), log)
    assert_counted(server, run_id, ["broken", "broken", "answered"])


# Two servers on one database


@pytest.fixture(scope="session")
def shared(postgres_session, tmp_path_factory):
    return servers.prepare(tmp_path_factory.mktemp("shared-model"), postgres_session.new_database())


def row(server, query, run_id):
    with psycopg.connect(server.database_url, autocommit=True, connect_timeout=5) as connection:
        return connection.execute(query.encode(), [run_id]).fetchall()


ITEMS_THERE = """
    SELECT count(*) FROM generation_event e JOIN generation_run r ON r.id = e.run_id
    WHERE r.uid = %s AND e.name = 'item'
"""
STATUS_THERE = "SELECT status FROM generation_run WHERE uid = %s"
CALLS_THERE = """
    SELECT outcome, input_tokens, output_tokens, cost_usd, attempt FROM generation_modelcall
    WHERE run_uid = %s ORDER BY id
"""
TOTALS_THERE = "SELECT input_tokens, output_tokens, cost_usd FROM generation_run WHERE uid = %s"


async def test_a_worker_that_slept_through_its_lease_writes_nothing_and_lets_go_of_the_model(
    make_server, shared, model
):
    # Its answer never ends, so that only the worker can end the call.
    stalled = settings_for(model, "silent-mid-answer-at-100", RUN_LEASE_S=LEASE_S)
    zombie = make_server("uvicorn", database=shared, **stalled)
    other = make_server("uvicorn", database=shared, **settings_for(model, BRISK, RUN_LEASE_S=LEASE_S))
    # Asleep while the run is claimed, so that it is the zombie's.
    other.stop()
    run_id = (await asyncio.to_thread(zombie.start_run, KNEE))["id"]
    await until(lambda: row(zombie, ITEMS_THERE, run_id)[0][0] >= 1)
    zombie.stop()
    other.cont()
    log = await to_the_end(FOLLOWERS["sse"], other.base_url, run_id, other.token)
    assert log[-1]["event"] == "complete"
    stored = row(other, CALLS_THERE, run_id), row(other, TOTALS_THERE, run_id)
    first, second = model.calls
    assert decided_in(second) == items_in(parts(log)[0])
    assert_whole(await asyncio.to_thread(other.snapshot, run_id), log)

    woke_at = time.monotonic()
    zombie.cont()
    closed_at = await asyncio.to_thread(model.wait_closed, first)
    measured.info("let go %.0f ms after it woke", (closed_at - woke_at) * 1000)
    assert 0 < closed_at - woke_at <= CLOSED_WITHIN_S
    await asyncio.sleep(LEASE_S)
    assert (row(other, CALLS_THERE, run_id), row(other, TOTALS_THERE, run_id)) == stored
    assert await run_log(other, run_id) == log == await run_log(zombie, run_id)
    assert row(other, STATUS_THERE, run_id) == [("succeeded",)]
    calls, [(read, written, cost)] = stored
    assert [(outcome, attempt) for outcome, _, _, _, attempt in calls] == [("broken", 1), ("answered", 2)]
    assert (read, written) == (sum(call[1] for call in calls), sum(call[2] for call in calls))
    assert cost == sum((call[3] for call in calls), Decimal())
    assert len(model.calls) == 2
    assert model.open_streams == 0
    assert "IntegrityError" not in zombie.log_text
