"""Cancel stops the spend: the model server sees its socket close, whoever asks, by whatever way, at whatever moment."""

import asyncio
import contextlib
import logging
import random
import time
from uuid import UUID

import httpx
import pytest

from generation.calls import Calls
from generation.database import in_database
from generation.events import Line
from generation.models import ModelCall
from generation.providers.base import Task, Usage
from generation.providers.model import ModelWriter
from generation.writer import writer
from tests.acceptance.asking import answer_to, socket_to, token
from tests.acceptance.cases import KNEE
from tests.faults.invariants import run_log
from tests.faults.test_disconnect import Usage as Process
from tests.support.clients import TERMINAL, follow_sse, http_client
from tests.support.model_runs import (
    DirectedModel,
    asked_to_cancel_at,
    cost_of,
    decided_in,
    items_in,
    kept_calls,
    serving,
    settings_for,
    totals,
)
from tests.support.waiting import eventually

measured = logging.getLogger("measured")

LOGIN = "/login/"
# Nine seconds for an answer: whoever cancels is in the middle of it.
MODEL = "good-at-20"
GRACE_S = 0.5
CLOSED_WITHIN_S, WITHOUT_HINTS_S = 2, 5
# Between our figure and what the model server saw lie a closing packet and two busy loops.
NEAR_MS = 500
STREAMS = 6
LIMITS = {"OWNED_STREAM_GRACE_S": GRACE_S, "MODEL_FIRST_TOKEN_TIMEOUT_S": 2, "MODEL_MAX_STREAMS": STREAMS}
RACES, LEFT_RUNS, WARM_UP = 40, 30, 12
OPEN_CALLS = "SELECT count(*) FROM generation_modelcall WHERE outcome = 'open'"


@pytest.fixture(scope="module")
def model():
    with DirectedModel() as model:
        yield model


@pytest.fixture(scope="module")
def server_of(model, prepared, tmp_path_factory, django_db_blocker):
    made, given = {}, settings_for(model, MODEL, **LIMITS)
    with contextlib.ExitStack() as running:

        def server_of(kind):
            if kind not in made:
                folder = tmp_path_factory.mktemp(f"cancel-{kind}")
                one = serving(kind, folder, prepared.copy_to(folder), django_db_blocker.unblock, **given)
                made[kind] = running.enter_context(one)
            return made[kind]

        yield server_of


@pytest.fixture
def server(server_of):
    return server_of("uvicorn")


@pytest.fixture
def either(kind, server_of):
    return server_of(kind)


@pytest.fixture(autouse=True)
def nothing_stays_open(model):
    """Whatever a test does, in the end the model server has no stream of it any more."""
    model.plays = ""
    yield
    model.wait_until(lambda: model.open_streams == 0)


class Following:
    """A run that the model is writing, and a reader of its log that is held to the end."""

    def __init__(self, server, model, run_id, call):
        self.server, self.model, self.id, self.call = server, model, run_id, call
        self.log = []
        self.task = asyncio.create_task(self.follow())

    async def follow(self):
        async for event in follow_sse(self.server.base_url, self.id, self.server.token):
            self.log.append(event)

    async def until(self, event, count=1):
        """Wait until so many events of this name have come."""

        async def came():
            return sum(told["event"] == event for told in self.log) >= count

        await eventually(came)

    async def until_said(self, words):
        async def came():
            return any(words in told["data"].get("message", "") for told in self.log)

        await eventually(came)

    async def until_stage(self, stage):
        async def came():
            return any(told["data"].get("stage") == stage for told in self.log)

        await eventually(came)

    async def written(self, tokens=5):
        await asyncio.to_thread(self.model.wait_for_tokens, self.call, tokens)

    async def ended(self):
        await asyncio.wait_for(self.task, 20)
        return self.log

    async def closed(self):
        return await asyncio.to_thread(self.model.wait_closed, self.call)


async def next_call(model, number):
    return (await asyncio.to_thread(model.wait_for_calls, number + 1))[number]


async def begun(server, model, tokens=5, **fields):
    """A run whose answer has begun."""
    number = len(model.calls)
    run = await asyncio.to_thread(server.start_run, KNEE, **fields)
    run = Following(server, model, run["id"], await next_call(model, number))
    await run.written(tokens)
    return run


async def post(server, path, **more):
    async with http_client(server.base_url, server.token) as client:
        return await client.post(path, **more)


async def cancel(run, status=202):
    answer = await post(run.server, f"/api/runs/{run.id}/cancel")
    assert answer.status_code == status, answer.text


async def assert_call_was_cut(run, asked_at, within_s=CLOSED_WITHIN_S):
    """The model server saw its socket close in time, sent nothing after, and the log says so. Returns the seconds."""
    closed_at = await run.closed()
    sent = run.call.tokens_sent
    log = await run.ended()
    took_s = closed_at - asked_at
    measured.info("%s: closed after %.0f ms", run.server.kind, took_s * 1000)
    assert took_s <= within_s
    told = log[-1]["data"]["upstream_closed_ms"]
    assert type(told) is int
    assert 0 <= told <= within_s * 1000
    assert abs(told - took_s * 1000) <= NEAR_MS
    assert [event["event"] for event in log[-3:]] == ["cancelling", "cost_update", "cancelled"]
    assert sum(event["event"] in TERMINAL for event in log) == 1
    assert run.call.tokens_sent == sent
    assert not run.call.finished
    return took_s


def assert_paid_for(run):
    """The call that was cut is settled by what was heard of it, and the run's totals are the sum of its calls."""
    [kept] = kept_calls(run.server, run.id)
    assert (kept.outcome, kept.estimated) == ("broken", True)
    assert abs(kept.output_tokens - run.call.tokens_sent) <= 15
    [cost] = [event["data"] for event in run.log if event["event"] == "cost_update"]
    assert (cost["input_tokens"], cost["output_tokens"]) == (kept.input_tokens, kept.output_tokens)
    assert kept.cost_usd == pytest.approx(cost_of(kept.input_tokens, kept.output_tokens), abs=1e-6)
    assert totals(run.server, run.id) == (kept.input_tokens, kept.output_tokens, pytest.approx(kept.cost_usd))


# Every way to ask


async def by_rest(run):
    await cancel(run)


async def by_many_run_socket(run):
    async with socket_to(run.server, "/ws/", token(run.server, "alice")) as socket:
        assert (await answer_to(socket, {"type": "cancel", "run": run.id}))["type"] == "ok"


async def by_one_run_socket(run):
    async with socket_to(run.server, f"/ws/runs/{run.id}/?after=1", token(run.server, "alice")) as socket:
        assert (await answer_to(socket, {"type": "cancel", "run": run.id}))["type"] == "ok"


@contextlib.asynccontextmanager
async def signed_in(server, name, path):
    """A client with a session and the token that forms need."""
    async with httpx.AsyncClient(base_url=server.base_url, trust_env=False, timeout=20) as client:
        await client.get(path)
        account = server.cast[name]
        form = {"username": account.username, "password": account.password}
        answer = await client.post(path, data=form, headers={"X-CSRFToken": client.cookies["csrftoken"]})
        assert answer.status_code == 302, answer.text
        client.headers["X-CSRFToken"] = client.cookies["csrftoken"]
        yield client


async def by_admin(run):
    [(pk,)] = run.server.rows("SELECT id FROM generation_run WHERE uid = ?", UUID(run.id).hex)
    async with signed_in(run.server, "dana", "/admin/login/?next=/admin/") as client:
        form = {"action": "ask_to_cancel", "_selected_action": str(pk)}
        assert (await client.post("/admin/generation/run/", data=form)).status_code == 302


async def by_page(run):
    async with signed_in(run.server, "alice", LOGIN) as client:
        assert (await client.post(f"/runs/{run.id}/cancel/")).status_code == 302


async def by_command(run):
    done = await asyncio.to_thread(run.server.manage, "cancel", run.id)
    assert done.returncode == 0, done.stderr


WAYS = {
    "rest": by_rest,
    "many-run socket": by_many_run_socket,
    "one-run socket": by_one_run_socket,
    "admin": by_admin,
    "page": by_page,
    "command": by_command,
}


@pytest.mark.parametrize("way", WAYS)
async def test_the_model_server_sees_its_socket_close_whoever_asks(server, model, way):
    run = await begun(server, model)
    await WAYS[way](run)
    await assert_call_was_cut(run, asked_to_cancel_at(server, run.id))
    assert_paid_for(run)


async def test_the_socket_closes_within_the_time_of_whoever_waits_for_the_answer(either, model):
    run = await begun(either, model)
    asked_at = time.monotonic()
    await cancel(run)
    await assert_call_was_cut(run, asked_at)
    # Asked again it changes nothing.
    await cancel(run, status=200)
    assert await run_log(either, run.id) == run.log


async def test_asked_twice_at_once_it_is_cancelled_once(server, model):
    run = await begun(server, model)
    answers = await asyncio.gather(*(post(server, f"/api/runs/{run.id}/cancel") for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 202]
    await assert_call_was_cut(run, asked_to_cancel_at(server, run.id))
    assert_paid_for(run)


async def test_deleting_a_run_closes_its_call_and_keeps_what_it_cost(server, model):
    run = await begun(server, model)
    asked_at = time.monotonic()
    async with http_client(server.base_url, server.token) as client:
        answer = await client.delete(f"/api/runs/{run.id}")
    assert answer.status_code == 204
    assert await run.closed() - asked_at <= CLOSED_WITHIN_S
    # Its reader may lose it before the last event; that its calls were settled must not depend on that.
    with contextlib.suppress(httpx.HTTPError):
        await run.task
    [kept] = kept_calls(server, run.id)
    assert (kept.outcome, kept.estimated) == ("broken", True)
    assert kept.output_tokens > 0


@pytest.mark.parametrize("path", ["/api/generate", "/api/generate-stream"])
async def test_an_owned_request_that_is_left_closes_the_call_after_its_grace(either, model, path):
    number = len(model.calls)
    leaving = asyncio.create_task(post(either, path, json={"prompt": KNEE}))
    call = await next_call(model, number)
    [(uid,)] = either.rows("SELECT uid FROM generation_run ORDER BY id DESC LIMIT 1")
    run = Following(either, model, str(UUID(uid)), call)
    await run.written()
    leaving.cancel()
    left_at = time.monotonic()
    await assert_call_was_cut(run, left_at + GRACE_S)
    assert run.log[-1]["data"]["reason"] == "disconnected"
    assert_paid_for(run)


async def test_cancelling_a_batch_closes_every_call_of_it(server, model):
    number = len(model.calls)
    body = {"kind": "exercise_program", "inputs": [{"prompt": KNEE}] * 3, "max_parallel": 2}
    batch = (await post(server, "/api/batches", json=body)).raise_for_status().json()
    await next_call(model, number + 1)
    calls = model.calls[number:]
    for call in calls:
        await asyncio.to_thread(model.wait_for_tokens, call, 5)
    asked_at = time.monotonic()
    (await post(server, f"/api/batches/{batch['id']}/cancel")).raise_for_status()
    for call in calls:
        closed_at = await asyncio.to_thread(model.wait_closed, call)
        assert closed_at - asked_at <= CLOSED_WITHIN_S
    logs = [await ended_log(server, run["id"]) for run in batch["runs"]]
    told = sorted(
        (log[-1]["data"]["upstream_closed_ms"] is None, len(kept_calls(server, log[0]["run_id"]))) for log in logs
    )
    # The third one never had its turn.
    assert told == [(False, 1), (False, 1), (True, 0)]
    assert len(model.calls) == number + 2


async def ended_log(server, run_id):
    """The log of a run, once it has ended."""
    return [event async for event in follow_sse(server.base_url, run_id, server.token)]


# At every moment


async def test_before_the_model_is_asked_there_is_nothing_to_close(server, model):
    """All streams to the model are taken, and this run waits for one."""
    taken = await asyncio.gather(*(asyncio.to_thread(server.start_run, KNEE) for _ in range(STREAMS)))
    await asyncio.to_thread(model.wait_until, lambda: model.open_streams == STREAMS)
    number = len(model.calls)
    run = Following(server, model, (await asyncio.to_thread(server.start_run, KNEE))["id"], None)
    await run.until_stage("generating")
    await cancel(run)
    log = await run.ended()
    assert [event["event"] for event in log[-2:]] == ["cancelling", "cancelled"]
    assert log[-1]["data"]["upstream_closed_ms"] is None
    assert kept_calls(server, run.id) == []
    for one in taken:
        (await post(server, f"/api/runs/{one['id']}/cancel")).raise_for_status()
        assert (await ended_log(server, one["id"]))[-1]["data"]["upstream_closed_ms"] is not None
    assert len(model.calls) == number


@pytest.mark.parametrize(("plays", "tokens"), [
    ("silent", 0), ("silent-after-headers", 0), ("silent-mid-answer-at-400", 80), ("one-byte-each-0.3-at-400", 80),
])  # fmt: skip
async def test_a_server_that_says_nothing_is_left_at_once(server, model, plays, tokens):
    model.plays = plays
    run = await begun(server, model, tokens)
    # Long enough that it has fallen silent.
    await asyncio.sleep(0.4)
    asked_at = time.monotonic()
    await cancel(run)
    await assert_call_was_cut(run, asked_at)
    [kept] = kept_calls(server, run.id)
    assert (kept.outcome, kept.estimated) == ("broken", True)
    assert (kept.output_tokens > 0) == (run.call.tokens_sent > 0)


async def test_while_it_waits_to_try_again_nothing_is_open(server, model):
    model.plays = "busy-after-20"
    number = len(model.calls)
    run = Following(server, model, (await asyncio.to_thread(server.start_run, KNEE))["id"], None)
    await run.until_said("trying again")
    await cancel(run)
    log = await run.ended()
    assert [event["event"] for event in log[-2:]] == ["cancelling", "cancelled"]
    assert log[-1]["data"]["upstream_closed_ms"] is None
    assert [kept.outcome for kept in kept_calls(server, run.id)] == ["failed"]
    await asyncio.sleep(0.5)
    assert len(model.calls) == number + 1


async def test_a_call_that_timed_out_is_settled_before_the_next_try(server, model):
    """Nothing was heard for too long: that call was closed then, and not by a cancel while it waits to try again."""
    model.plays = "silent"
    run = await begun(server, model, tokens=0)
    await run.closed()
    await run.until_said("trying again")
    await cancel(run)
    log = await run.ended()
    assert log[-1]["data"]["upstream_closed_ms"] is None
    [kept] = kept_calls(server, run.id)
    assert (kept.outcome, kept.estimated, kept.output_tokens) == ("broken", True, 0)


async def test_a_pause_in_mid_answer_closes_the_call_and_asks_only_for_the_rest(server, model):
    run = await begun(server, model)
    await run.until("item")
    (await post(server, f"/api/runs/{run.id}/pause")).raise_for_status()
    await run.until("paused")
    await run.closed()
    kept = items_in(run.log)
    assert kept
    [broken] = kept_calls(server, run.id)
    assert (broken.outcome, broken.estimated) == ("broken", True)
    assert broken.output_tokens > 0
    number, model.plays = len(model.calls), "good-at-400"
    (await post(server, f"/api/runs/{run.id}/resume")).raise_for_status()
    assert decided_in(await next_call(model, number)) == kept
    log = await run.ended()
    assert log == await run_log(server, run.id)
    assert log[-1]["event"] == "complete"
    slugs = items_in(log)
    assert len(slugs) == len(set(slugs)) > len(kept)
    calls = kept_calls(server, run.id)
    assert [call.outcome for call in calls] == ["broken", "answered"]
    spent = sum(call.input_tokens for call in calls), sum(call.output_tokens for call in calls)
    assert totals(server, run.id)[:2] == spent


async def test_a_paused_run_has_nothing_to_close(server, model):
    run = await begun(server, model)
    (await post(server, f"/api/runs/{run.id}/pause")).raise_for_status()
    await run.until("paused")
    await cancel(run)
    log = await run.ended()
    assert log[-1]["event"] == "cancelled"
    assert log[-1]["data"]["upstream_closed_ms"] is None
    assert [kept.outcome for kept in kept_calls(server, run.id)] == ["broken"]


async def test_with_every_hint_lost_it_is_found_in_the_database(make_server, model):
    """Another process asks, and the channel layer carries nothing."""
    lossy = {"DJANGO_SETTINGS_MODULE": "tests.support.lossy_settings", "LOSSY": "dropping"}
    server = make_server("uvicorn", **settings_for(model, MODEL, **lossy))
    run = await begun(server, model)
    await by_command(run)
    await assert_call_was_cut(run, asked_to_cancel_at(server, run.id), WITHOUT_HINTS_S)
    assert_paid_for(run)


# At any moment


@pytest.mark.django_db(transaction=True)
async def test_a_cancel_while_the_call_is_being_stored_leaves_it_settled(held, settings):
    """It was never sent: nothing is left that looks as if it were still open, or were paid for."""
    settings.MODEL_BASE_URL = "http://127.0.0.1:9/v1"
    run, log = held
    await log.commit(Line("queued", {"position": 1, "eta": None}))
    calls, provider = Calls(run, log), ModelWriter(MODEL)
    task = Task("exercise_program", {}, {}, "exercise_program-1", "", {}, "en")
    beginning = asyncio.create_task(calls.begin(provider, task, Usage(100)))
    await asyncio.sleep(0)
    beginning.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beginning
    # As the handle does, whatever ends the call.
    calls.close(provider)
    await writer().flush()
    made = await in_database(lambda: list(ModelCall.objects.values_list("outcome", "input_tokens", "cost_usd")))
    assert [outcome for outcome, *_ in made] in ([], ["failed"])
    assert sum(read for _, read, _ in made) == run.input_tokens == 0


async def cancelled_after(server, wait_s):
    run_id = (await asyncio.to_thread(server.start_run, KNEE))["id"]
    await asyncio.sleep(wait_s)
    answer = await post(server, f"/api/runs/{run_id}/cancel")
    assert answer.status_code in (202, 409), answer.text
    await ended_log(server, run_id)
    return run_id


async def test_a_cancel_at_any_moment_leaves_one_ending_and_no_call_unsettled(server, model):
    chance = random.Random(server.kind)
    # Two more than there are streams: some are cut before their answer, some in it, some around its end.
    gate = asyncio.Semaphore(STREAMS + 2)
    model.plays = "good-at-200"

    async def one(wait_s):
        async with gate:
            return await cancelled_after(server, wait_s)

    runs = await asyncio.gather(*(one(chance.uniform(0, 1.4)) for _ in range(RACES)))
    await asyncio.to_thread(model.wait_until, lambda: model.open_streams == 0)
    endings, unsettled = [], []
    for run_id in runs:
        log = await run_log(server, run_id)
        endings.append(log[-1]["event"])
        assert sum(event["event"] in TERMINAL for event in log) == 1
        calls = kept_calls(server, run_id)
        unsettled += [(run_id, call) for call in calls if call.outcome == "open"]
        spent = sum(call.input_tokens for call in calls), sum(call.output_tokens for call in calls)
        assert totals(server, run_id)[:2] == spent
    measured.info("%s: %s", server.kind, {ending: endings.count(ending) for ending in set(endings)})
    assert unsettled == []


async def test_cancelled_runs_leave_nothing_behind(server, model):
    async def some(count):
        gate = asyncio.Semaphore(STREAMS)

        async def one():
            async with gate:
                run_id = (await asyncio.to_thread(server.start_run, KNEE))["id"]
                await asyncio.sleep(0.8)
                await post(server, f"/api/runs/{run_id}/cancel")
                await ended_log(server, run_id)

        await asyncio.gather(*(one() for _ in range(count)))

    await some(WARM_UP)
    [(still_open,)] = server.rows(OPEN_CALLS)
    before = Process(server)
    await some(LEFT_RUNS)

    async def as_before():
        after = Process(server)
        return after.descriptors <= before.descriptors + 2 and after.threads <= before.threads + 2 and after

    after = await eventually(as_before)
    for name in ("resident_mb", "descriptors", "threads"):
        measured.info("%s: %s %.1f before, %.1f after", server.kind, name, getattr(before, name), getattr(after, name))
    assert after.resident_mb <= before.resident_mb * 1.1
    assert server.rows(OPEN_CALLS)[0][0] == still_open
    assert "Traceback" not in server.log_text
    assert "Task was destroyed" not in server.log_text
    assert "took too long to shut down" not in server.log_text
