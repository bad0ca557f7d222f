"""A model server that is slow, busy or away: what is waited for, what is told meanwhile, and what is left alone."""

import asyncio
import contextlib
import socket
import time

import httpx2
import pytest

from generation.providers import openai_sdk
from generation.providers.breaker import REST_S, breaker_of
from tests.faults.in_process import asked_at, assert_accounted, model_server, run_ended
from tests.support import model_scenarios
from tests.support.model_faults import completion, midway
from tests.support.model_server import ModelServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library")]


@contextlib.contextmanager
def nobody_listens():
    """An address at which connections are refused."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@contextlib.contextmanager
def nobody_accepts():
    """An address whose queue of connections is full, so that a further one is neither taken nor refused."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


@contextlib.asynccontextmanager
async def no_tls():
    """An address at which plain text is spoken to whoever begins a handshake."""

    async def answer(reader, writer):
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "The model server is busy, trying again in 2 s"),
        ("da", "Modelserveren har travlt, prøver igen om 2 s"),
    ],
    ids=["en", "da"],
)
async def test_a_busy_server_is_asked_again_when_it_says_and_the_reader_is_told(alice, language, told):
    async with model_server("busy-after-1-once") as server:
        run = await run_ended(alice, server, engine="llm", language=language)
    assert_accounted(run)
    assert (run.last["event"], run.said) == ("complete", [told])
    busy, answered = run.requests
    assert 1 <= answered.began_at - busy.ended_at < 4


@pytest.mark.parametrize("model", ["busy-until-1-once", "busy-until--60-once"])
async def test_a_date_to_wait_for_is_understood(alice, model):
    async with model_server(model) as server:
        run = await run_ended(alice, server, engine="llm")
    assert_accounted(run)
    assert (run.last["event"], run.outcomes) == ("complete", "failed answered")


async def test_a_wait_that_is_too_long_is_not_begun(alice):
    async with model_server("busy-after-120") as server:
        began = time.monotonic()
        run = await run_ended(alice, server, engine="llm")
    assert time.monotonic() - began < 10
    assert (run.code, run.said, len(run.requests)) == ("OPENAI_RATE_LIMITED", [], 1)


async def test_a_wait_beyond_the_time_that_is_left_is_not_begun(alice):
    async with model_server("busy-after-9", MODEL_TOTAL_TIMEOUT_S=8) as server:
        began = time.monotonic()
        run = await run_ended(alice, server, engine="llm")
    assert time.monotonic() - began < 7
    assert (run.code, run.said, len(run.requests)) == ("OPENAI_RATE_LIMITED", [], 1)


async def test_a_server_that_fails_is_told_apart_from_a_busy_one(alice):
    async with model_server("status-503-once") as server:
        run = await run_ended(alice, server, engine="llm", language="da")
    assert run.said == ["Modelserveren svigtede, prøver igen om 1 s"]


@pytest.mark.parametrize(("model", "items"), [("good-at-20", True), ("silent", False)])
async def test_the_time_in_all_has_words_of_its_own_and_what_was_written_is_kept(alice, model, items):
    async with model_server(model, MODEL_TOTAL_TIMEOUT_S=3 if items else 1) as server:
        run = await run_ended(alice, server, engine="llm")
    assert_accounted(run)
    words = "The model server took more than 3 s in all." if items else "The model server took more than 1 s in all."
    assert (run.code, run.last["data"]["message"]) == ("OPENAI_TIMEOUT", words)
    # An exercise has 35 tokens, so that one at least was whole.
    assert bool(run.items) == items


async def test_a_server_that_takes_no_connection_is_given_up_in_time(alice):
    with nobody_accepts() as port:
        async with asked_at(f"http://127.0.0.1:{port}/v1", "good", MODEL_CONNECT_TIMEOUT_S=0.3):
            run = await run_ended(alice, engine="llm")
    assert_accounted(run)
    assert (run.code, run.outcomes) == ("OPENAI_TIMEOUT", "failed failed failed")
    assert run.last["data"]["message"] == "The model server was not reached in 0.3 s."


async def test_a_refused_connection_costs_nothing_and_is_said(alice):
    with nobody_listens() as port:
        async with asked_at(f"http://127.0.0.1:{port}/v1", "good"):
            run = await run_ended(alice, engine="llm")
    assert_accounted(run)
    assert (run.code, run.outcomes, run.run.input_tokens) == ("OPENAI_API_ERROR", "failed failed failed", 0)
    assert run.last["data"]["message"] == "The model server can't be reached."
    assert run.said == ["The model server failed, trying again in 1 s"] * 2


async def test_a_name_that_no_one_knows_is_a_server_that_is_not_reached(alice):
    async with asked_at("http://model.invalid/v1", "good"):
        run = await run_ended(alice, engine="llm")
    assert_accounted(run)
    assert (run.code, run.outcomes) == ("OPENAI_API_ERROR", "failed failed failed")


async def test_a_server_without_tls_is_not_told_the_case_over_tls(alice):
    async with no_tls() as port, asked_at(f"https://127.0.0.1:{port}/v1", "good"):
        run = await run_ended(alice, engine="llm")
    assert_accounted(run)
    assert (run.code, run.outcomes) == ("OPENAI_API_ERROR", "failed failed failed")


async def test_a_server_that_is_away_leaves_the_program_to_the_rules(alice):
    with nobody_listens() as port:
        async with asked_at(f"http://127.0.0.1:{port}/v1", "good"):
            run = await run_ended(alice, engine="auto", language="da")
    assert_accounted(run)
    words = "Modelserveren svigtede; regler skriver programmet."
    assert run.told("warning") == [{"code": "MODEL_FALLBACK", "message": words}]
    assert run.run.result["program"]["fallback"] == words


async def test_only_our_own_policy_repeats_a_request(alice):
    async with model_server("status-500") as server:
        run = await run_ended(alice, server, engine="llm")
    assert len(run.requests) == 3
    assert {call.headers["x-stainless-retry-count"] for call in run.requests} == {"0"}


async def test_a_redirect_is_not_followed(alice, monkeypatch):
    with ModelServer() as elsewhere:

        async def redirects(x, argument):
            await x.answer(307, b"", {"Location": f"{elsewhere.base_url}/chat/completions"})

        monkeypatch.setitem(model_scenarios.PLAIN, "redirects", redirects)
        async with model_server("redirects") as server:
            run = await run_ended(alice, server, engine="llm")
        assert elsewhere.calls == []
    assert_accounted(run)
    assert (run.code, run.outcomes) == ("OPENAI_API_ERROR", "failed")


async def test_halves_of_a_character_in_two_events_spoil_nothing(alice, monkeypatch):
    """As servers send them that count in UTF-16: each half is valid JSON, and no UTF-8."""
    halves = midway(completion(rb"\ud83d"), completion(rb"\ude00"))
    monkeypatch.setitem(model_scenarios.PLAIN, "surrogates", halves)
    async with model_server("surrogates-once") as server:
        run = await run_ended(alice, server, engine="llm")
    assert_accounted(run)
    assert run.last["event"] == "complete"


async def test_whichever_read_fails_the_run_ends_and_no_call_is_forgotten(alice, monkeypatch, settings):
    """F27: the nth read of an answer, until n is beyond the last one."""
    settings.MAX_STARTS_PER_MINUTE = 1000
    read = openai_sdk.Watched.__aiter__
    left = 0

    async def failing(watched):
        nonlocal left
        async for part in read(watched):
            left -= 1
            if left == 0:
                raise httpx2.ReadError("")
            yield part

    monkeypatch.setattr(openai_sdk.Watched, "__aiter__", failing)
    nth, failed = 1, True
    while failed:
        left = nth
        async with model_server("good-at-2000") as server:
            run = await run_ended(alice, server, engine="llm")
        assert_accounted(run)
        failed = left <= 0
        assert (run.last["event"], len(run.rows)) == ("complete", 2 if failed else 1), nth
        nth = nth * 2 if nth > 2 else nth + 1
    assert nth > 8


async def test_five_failures_in_a_row_open_the_circuit_and_one_trial_closes_it(alice, monkeypatch):
    async with model_server("status-500") as server:
        first = await run_ended(alice, server, engine="llm")
        second = await run_ended(alice, server, engine="llm")
        third = await run_ended(alice, server, engine="llm")
        rules = await run_ended(alice, server, engine="auto")
        assert [len(run.requests) for run in (first, second, third, rules)] == [3, 2, 0, 0]
        for run in (first, second, third, rules):
            assert_accounted(run)
        # The run that opens the circuit still ends by what it met itself.
        words = ["The model server failed (500).", "The model server failed too often; it is left alone for a while."]
        assert [run.last["data"]["message"] for run in (second, third)] == words
        assert (third.code, third.outcomes) == ("OPENAI_API_ERROR", "")
        assert (rules.last["event"], rules.fell_back) == ("complete", True)

        breaker = breaker_of(f"127.0.0.1:{server.port}")
        assert (breaker.state, 0 < breaker.rest_s <= REST_S) == ("open", True)
        monkeypatch.setattr(breaker, "clock", lambda: time.monotonic() + REST_S)
        trial = await run_ended(alice, server, engine="llm")
        # It fails too, so that the server is left alone anew.
        assert (len(trial.requests), breaker.state) == (1, "open")
        monkeypatch.setattr(breaker, "clock", lambda: time.monotonic() + 2 * REST_S + 1)
        monkeypatch.setitem(model_scenarios.WITH_ARGUMENT, "status", model_scenarios.PLAIN["good"])
        healed = await run_ended(alice, server, engine="llm")
        assert (healed.last["event"], len(healed.requests), breaker.state) == ("complete", 1, "closed")


@pytest.mark.parametrize("model", ["busy", "status-401", "empty", "refusal"])
async def test_a_server_that_answers_is_never_left_alone(alice, model):
    async with model_server(model) as server:
        requests = [len((await run_ended(alice, server, engine="llm")).requests) for _ in range(6)]
    assert requests == [requests[0]] * 6


async def test_no_more_streams_are_open_than_are_allowed(alice):
    async with model_server("good-at-400", MODEL_MAX_STREAMS=2) as server:
        runs = await asyncio.gather(*(run_ended(alice, engine="llm") for _ in range(5)))
        assert (len(server.calls), server.most_open) == (5, 2)
    for run in runs:
        assert_accounted(run)
        assert run.last["event"] == "complete"


async def test_a_dialect_that_was_found_is_not_looked_for_again(alice):
    async with model_server("only-prompt") as server:
        first = await run_ended(alice, server, engine="llm")
        second = await run_ended(alice, server, engine="llm")
    assert [call.status for call in first.requests] == [400, 400, 200]
    assert [call.status for call in second.requests] == [200]
    assert "response_format" not in second.requests[0].body
    # It is told in words instead.
    assert "The JSON Schema of the answer" in second.requests[0].body["messages"][0]["content"]
