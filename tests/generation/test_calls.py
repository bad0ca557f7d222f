"""What is kept of each call to a model: before it is sent, when it has ended, and when nobody is left to end it."""

import asyncio
from contextlib import aclosing
from decimal import Decimal

import pytest
from django.db import transaction

from generation import reconciler, runs
from generation.calls import EXPECTED_TOKENS, expected_tokens
from generation.database import in_database
from generation.handle import Handle
from generation.models import AuditEntry, ModelCall, Run
from generation.pipelines import PIPELINES
from generation.pipelines.base import stage_codes
from generation.providers.base import Chunk, Task, Usage
from hepcompanion import guard
from tests.faults.in_process import PRICES, assert_accounted, model_server, run_ended
from tests.generation.executing import start, until
from tests.generation.factories import held_run
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library")]

TASK = Task(
    purpose="exercise_program",
    facts={},
    brief={},
    prompt="exercise_program-1",
    instructions="",
    schema={},
    language="en",
    redacted={"name": 2},
)


async def rows_of(run):
    return await in_database(lambda: list(ModelCall.objects.filter(run_uid=run.uid).order_by("pk")))


async def ended(alice, model, **fields):
    async with model_server(model) as server:
        return await run_ended(alice, server, **{"engine": "llm", **fields})


async def test_a_call_is_kept_before_it_is_answered_with_what_asking_costs(alice):
    async with model_server("silent") as server:
        run = await start(alice, engine="llm")
        await asyncio.to_thread(server.wait_for_calls, 1)
        [row] = await rows_of(run)
        await in_database(run.refresh_from_db)
        assert (row.outcome, row.output_tokens, row.estimated) == ("open", 0, True)
        assert (run.input_tokens, run.cost_usd) == (row.input_tokens, row.cost_usd)
        assert row.input_tokens > 1000
        assert float(row.cost_usd) == pytest.approx(row.input_tokens * PRICES[0] / 1e6)
        await in_database(lambda: runs.cancel(alice, run.uid))
        await until(run, "cancelled")
        [row] = await rows_of(run)
    # The server had begun to read: that much is billed, and nothing for words that never came.
    assert (row.outcome, row.output_tokens, row.first_text_ms, row.estimated) == ("broken", 0, None, True)


async def test_an_answer_costs_what_the_server_counted(alice):
    run = await ended(alice, "good")
    assert_accounted(run)
    [row], [call] = run.rows, run.requests
    assert (row.outcome, row.estimated, row.output_tokens) == ("answered", False, call.tokens_sent)
    assert 0 <= row.first_text_ms <= row.duration_ms
    assert (row.kind, row.owner_id, row.clinic_id, row.attempt) == (
        "exercise_program",
        alice.pk,
        run.run.clinic_id,
        1,
    )


async def test_an_answer_that_nobody_counted_is_estimated_and_marked_so(alice):
    run = await ended(alice, "no-usage")
    assert_accounted(run)
    [row], [call] = run.rows, run.requests
    assert (row.outcome, row.estimated) == ("answered", True)
    # The double sends four characters at a time; we count four bytes.
    assert row.output_tokens == pytest.approx(call.tokens_sent, rel=0.1)


async def test_an_answer_that_broke_off_is_estimated_by_what_was_heard(alice):
    run = await ended(alice, "cut-off-once")
    assert_accounted(run)
    broken, answered = run.rows
    assert (broken.outcome, broken.estimated, answered.outcome) == ("broken", True, "answered")
    assert broken.output_tokens == pytest.approx(run.requests[0].tokens_sent, rel=0.1)
    assert broken.first_text_ms is not None


async def test_a_request_that_was_turned_away_costs_nothing(alice):
    run = await ended(alice, "status-503-twice")
    assert_accounted(run)
    assert run.outcomes == "failed failed answered"
    assert [(row.input_tokens, row.cost_usd) for row in run.rows[:2]] == [(0, 0), (0, 0)]


async def test_the_cost_is_told_after_each_call(alice):
    run = await ended(alice, "unknown-slugs-twice")
    assert_accounted(run)
    told = [data["total_cost_usd"] for data in run.told("cost_update")]
    sums = [sum(row.cost_usd for row in run.rows[:count]) for count in (1, 2, 3)]
    assert told == [float(each) for each in sums]
    assert run.last["data"]["total_cost_usd"] == told[-1]


async def test_a_run_and_its_calls_keep_the_version_of_the_prompt_and_who_was_asked(alice):
    run = await ended(alice, "good")
    [row] = run.rows
    asked = ("exercise_program-1", f"127.0.0.1:{run.requests[0].headers['host'].rpartition(':')[2]}", "good")
    assert (run.run.prompt, run.run.provider, run.run.model) == asked
    assert (row.prompt, row.server, row.model) == asked


async def test_each_call_is_in_the_audit_trail(alice):
    run = await ended(alice, "unknown-slugs", prompt="Mrs. Kowalczyk: right knee OA, pain 4/10 on stairs, 8 months.")
    entries = await in_database(lambda: list(AuditEntry.objects.filter(action=AuditEntry.Action.MODEL_CALL)))
    assert len(entries) == len(run.rows) == 3
    for entry in entries:
        assert (entry.actor_name, entry.object_kind, entry.object_id) == ("alice", "run", run.run.uid)
        assert entry.facts == {"server": run.rows[0].server, "redacted": {"name": 1}}


async def test_a_run_that_asks_no_model_keeps_no_call(alice):
    async with model_server("good") as server:
        run = await run_ended(alice, server, engine="composer")
    assert (run.last["event"], run.requests, run.rows) == ("complete", [], [])
    assert {data["total_cost_usd"] for data in [run.last["data"], *run.told("cost_update")]} == {0}
    assert not await in_database(lambda: AuditEntry.objects.filter(action=AuditEntry.Action.MODEL_CALL).exists())


async def test_what_was_spent_outlives_the_run(alice, api):
    run = await ended(alice, "good")
    answer = await in_database(lambda: api("alice").delete(f"/api/runs/{run.run.uid}"))
    assert answer.status_code == 204
    [row] = await rows_of(run.run)
    assert (row.outcome, row.cost_usd, row.owner_id) == ("answered", run.run.cost_usd, alice.pk)
    assert not await in_database(lambda: Run.objects.filter(pk=run.run.pk).exists())


async def test_a_call_whose_worker_is_gone_stays_counted(alice):
    async with model_server("silent-once") as server:
        run = await start(alice, engine="llm")
        await asyncio.to_thread(server.wait_for_calls, 1)

        def take_over():
            Run.objects.filter(pk=run.pk).update(lease_until=run.created_at)
            with transaction.atomic():
                reconciler.reconcile()

        await in_database(take_over)
        await until(run, "complete")
    lost, answered = await rows_of(run)
    await in_database(run.refresh_from_db)
    assert [(row.outcome, row.attempt) for row in (lost, answered)] == [("broken", 1), ("answered", 2)]
    assert (lost.estimated, lost.output_tokens) == (True, 0)
    assert run.input_tokens == lost.input_tokens + answered.input_tokens
    assert run.cost_usd == lost.cost_usd + answered.cost_usd


class Scripted:
    name, model = "server", "scripted"

    def __init__(self, *chunks):
        self.chunks = chunks

    async def write(self, task):
        for chunk in self.chunks:
            yield chunk

    def cost(self, input_tokens, output_tokens):
        return (input_tokens + output_tokens) / 1e3


@pytest.fixture
async def handle(alice, monkeypatch):
    """Of a run that the test itself writes: no executor runs in this process."""

    async def started():
        pass

    monkeypatch.setattr(guard, "ensure_started", started)
    run, log = await in_database(lambda: held_run(alice))
    begun = Chunk(begins=Usage(100, 0, 0.1, True)), Chunk(text="abcdefgh")
    return await in_database(lambda: Handle(run, log, Scripted(*begun), stage_codes(PIPELINES["exercise_program"]), {}))


async def settled(handle):
    await handle.log.commit()
    await in_database(handle.run.refresh_from_db)
    [row] = await rows_of(handle.run)
    return row


async def test_a_call_that_the_pipeline_leaves_is_settled_by_what_was_heard(handle):
    async with aclosing(handle.write(TASK)) as chunks:
        assert (await anext(chunks)).text == "abcdefgh"
    row = await settled(handle)
    assert (row.outcome, row.input_tokens, row.output_tokens, row.cost_usd) == ("broken", 100, 2, Decimal("0.102"))
    assert (handle.run.input_tokens, handle.run.output_tokens, handle.run.cost_usd) == (100, 2, Decimal("0.102"))
    assert handle.calls.closed_at_ms is not None


async def test_a_call_that_is_stopped_while_it_is_stored_does_not_stay_open(handle, monkeypatch):
    """The request is then never sent, or its answer not read."""
    commit = type(handle.log).commit

    async def stopped(log, *lines, change=None):
        await commit(log, *lines, change=change)
        raise asyncio.CancelledError

    monkeypatch.setattr(type(handle.log), "commit", stopped)
    with pytest.raises(asyncio.CancelledError):
        async with aclosing(handle.write(TASK)) as chunks:
            await anext(chunks)
    monkeypatch.undo()

    async def left():
        [row] = await rows_of(handle.run)
        return row.outcome != ModelCall.Outcome.OPEN

    await eventually(left, 3)


async def test_the_length_to_expect_is_the_median_of_the_answers_there_were(alice):
    def remember(outcome, *lengths, model="a"):
        for length in lengths:
            ModelCall.objects.create(
                run_uid=alice.pk, attempt=1, kind="exercise_program", model=model, outcome=outcome, output_tokens=length
            )

    def told():
        return expected_tokens("exercise_program", "a")

    assert await in_database(told) == EXPECTED_TOKENS
    await in_database(lambda: remember(ModelCall.Outcome.BROKEN, 9000, 9000, 9000))
    await in_database(lambda: remember(ModelCall.Outcome.ANSWERED, 9000, model="b"))
    assert await in_database(told) == EXPECTED_TOKENS
    await in_database(lambda: remember(ModelCall.Outcome.ANSWERED, 100, 300, 5000, 0))
    assert await in_database(told) == 300
