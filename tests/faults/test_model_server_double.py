"""The model server of the tests keeps its word: what it sends, and what it records."""

import asyncio
import contextlib
import json
import time
from dataclasses import replace

import httpx
import pytest

from generation.clinical.claims import Claims, wrong_language
from generation.clinical.profile import Profile
from tests.support.clients import sse_events
from tests.support.model_answers import REASONS
from tests.support.model_scenarios import PLAIN, WITH_ARGUMENT
from tests.support.model_server import ModelServer
from tests.support.waiting import eventually

SEEN_WITHIN_S = 0.5
ARGUMENTS = {
    "status": "503", "html-status": "502", "busy-after": "soon", "busy-until": "2", "one-byte-each": "0.05",
    "breaks-after": "2", "only-json-object": "422", "only-prompt": "422", "no-stream-options": "422",
}  # fmt: skip
CANDIDATES = [
    {"slug": f"exercise-{number}", "kind": f"kind-{number // 2}", "purposes": [purpose]}
    for number, purpose in enumerate(["strength"] * 8 + ["mobility"] * 4 + ["balance"] * 4)
]


@pytest.fixture
def server():
    with ModelServer() as server:
        yield server


def request(model, told=None, **more):
    told = told or {"candidates": CANDIDATES, "decided": ["exercise-0"], "most_items": 6, "language": "da"}
    messages = [{"role": "system", "content": "Choose."}, {"role": "user", "content": json.dumps(told)}]
    return {"model": model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}, **more}


@contextlib.asynccontextmanager
async def asked(server, model, told=None, **more):
    async with (
        httpx.AsyncClient(trust_env=False, timeout=10) as client,
        client.stream("POST", f"{server.base_url}/chat/completions", json=request(model, told, **more)) as response,
    ):
        yield response


async def read(server, model, told=None, **more):
    """The text, the last event and the reasons to end."""
    async with asked(server, model, told, **more) as response:
        events = [event.data async for event in sse_events(response)]
    chunks = [json.loads(data) for data in events if data != "[DONE]"]
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    text = "".join(choice["delta"].get("content", "") for choice in choices)
    return text, chunks[-1].get("usage"), [choice["finish_reason"] for choice in choices if choice["finish_reason"]]


async def read_raw(server, model):
    """The bytes as they came, piece by piece, and what went wrong."""
    pieces = []
    try:
        async with asked(server, model) as response:
            async for data in response.aiter_raw():
                pieces.append(data)
    except httpx.TransportError as error:
        return pieces, type(error)
    return pieces, None


def text_of(body):
    events = [json.loads(line[6:]) for line in body.decode().split("\n\n") if line[6:7] == "{"]
    return "".join(choice["delta"].get("content", "") for event in events for choice in event["choices"])


async def slugs(server, model, told=None):
    return [pick["slug"] for pick in json.loads((await read(server, model, told))[0])["exercises"]]


async def test_a_good_answer_is_a_whole_program_of_what_is_missing(server):
    text, usage, ends = await read(server, "good")
    exercises = json.loads(text)["exercises"]
    kinds = {each["slug"]: each["kind"] for each in CANDIDATES}
    assert len({kinds[pick["slug"]] for pick in exercises} - {"kind-0"}) == len(exercises) == 5
    assert {pick["reason"] for pick in exercises} == {REASONS["da"]}
    [call] = server.calls
    assert call.tokens_sent == usage["completion_tokens"] == -(-len(text) // 4)
    assert (ends, call.finished, call.closed_at, server.open_streams, server.most_open) == (["stop"], True, None, 0, 1)


async def test_tokens_keep_the_rate_of_the_name(server):
    began = time.monotonic()
    async with asked(server, "good-at-40") as response:
        async for _ in sse_events(response):
            if server.calls[0].tokens_sent >= 21:
                break
    assert 0.45 < time.monotonic() - began < 1


async def test_once_and_twice_end_in_a_good_answer(server):
    async def status(model):
        async with asked(server, model) as response:
            await response.aread()
            return response.status_code, response.headers.get("retry-after")

    assert [await status("status-529-twice") for _ in range(3)] == [(529, None), (529, None), (200, None)]
    assert [await status("busy-after--5-once") for _ in range(2)] == [(429, "-5"), (200, None)]
    assert await status("no-such-model") == (404, None)
    assert [call.status for call in server.calls] == [529, 529, 200, 429, 200, 404]


@pytest.mark.parametrize("model", ["silent", "silent-after-headers", "silent-mid-answer", "comments", "good-at-5"])
async def test_a_client_that_leaves_is_seen_at_once(server, model):
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.3), asked(server, model) as response:
            await response.aread()
    left_at, [call] = time.monotonic(), server.calls
    closed_at = await asyncio.to_thread(server.wait_closed, call)
    assert closed_at - left_at < SEEN_WITHIN_S
    sent = call.tokens_sent
    await asyncio.sleep(0.3)
    assert (call.tokens_sent, call.finished, server.open_streams) == (sent, False, 0)


@pytest.mark.parametrize(("model", "error"), [("reset", httpx.ReadError), ("cut-off", httpx.RemoteProtocolError)])
async def test_a_break_is_the_break_it_says_and_what_came_before_arrives(server, model, error):
    pieces, met = await read_raw(server, model)
    [call] = server.calls
    assert b"".join(pieces).count(b'"content": ') == call.tokens_sent + 1
    assert (met, call.finished, call.closed_at) == (error, False, None)


async def test_a_code_point_that_is_cut_arrives_whole(server):
    pieces, _ = await read_raw(server, "split-code-points")

    def is_cut(data):
        try:
            data.decode()
        except UnicodeDecodeError:
            return True
        return False

    assert any(map(is_cut, pieces))
    assert json.loads(text_of(b"".join(pieces)))["exercises"][0]["reason"] == REASONS["da"]


async def test_a_break_after_two_exercises_leaves_two_whole_ones(server):
    pieces, _ = await read_raw(server, "breaks-after-2-once")
    begun = [pick["slug"] for pick in json.loads(text_of(b"".join(pieces)) + "]}")["exercises"]]
    assert len(begun) == 2
    rest = await slugs(server, "breaks-after-2-once", {"candidates": CANDIDATES, "decided": begun, "most_items": 6})
    assert len(rest) == 4
    assert not set(rest) & set(begun)


async def test_a_repair_takes_the_nearest_and_what_there_is_to_choose_from(server):
    wrong, _, _ = await read(server, "unknown-slugs-once")
    unknown, other = [pick["slug"] for pick in json.loads(wrong)["exercises"]][:2]
    errors = [
        f"V03: {unknown} is not among the exercises that were offered; nearest: {unknown.removesuffix('-x')}, bridge",
        f"V03: {other} is not among the exercises that were offered",
        "accepted: exercise-2, exercise-9; 2 more at least, 3 at most",
        "choose from: exercise-15, exercise-8, exercise-14, exercise-4, exercise-6",
    ]
    previous = json.dumps({"exercises": [{"slug": unknown}, {"slug": other}]})
    mended = await slugs(server, "unknown-slugs-once", {"errors": errors, "previous": previous})
    # Those of one kind are neighbours: 8 goes with the accepted 9, and 14 with 15.
    assert mended == [unknown.removesuffix("-x"), "exercise-15", "exercise-4"]


async def test_a_server_without_schemas_takes_a_prompt(server):
    for form in ("json_schema", "json_object"):
        async with asked(server, "only-prompt-422", response_format={"type": form}) as response:
            assert response.status_code == 422
    assert "```json" in (await read(server, "only-prompt-422"))[0]


async def test_azure_names_the_model_in_the_address_and_wants_its_own_key(server):
    url = f"{server.azure_url}/deployments/good/chat/completions?api-version=2024-10-21"
    async with httpx.AsyncClient(trust_env=False) as client:
        refused = await client.post(url, json=request("other"), headers={"Authorization": "Bearer key"})
        taken = await client.post(url, json=request("other"), headers={"api-key": "key"})
    assert (refused.status_code, taken.status_code) == (401, 200)
    assert [call.model for call in server.calls] == ["good"]


@pytest.mark.parametrize("model", [*PLAIN, *(f"{name}-{ARGUMENTS[name]}" for name in WITH_ARGUMENT)])
async def test_whatever_it_does_it_lets_go_of_a_client_that_left(server, model):
    with contextlib.suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(0.5), asked(server, model) as response:
            async for _ in response.aiter_raw():
                pass

    async def closed():
        return server.calls and server.open_streams == 0

    await eventually(closed, 2)
    [call] = server.calls
    assert call.ended_at is not None


@pytest.mark.parametrize("phase", ["protect", "restore", "load", "perform", "maintain"])
@pytest.mark.parametrize("language", ["en", "da"])
def test_its_reasons_hold_for_anyone(phase, language):
    assert Claims(replace(Profile(), phase=phase)).faults(REASONS[language]) == ()
    assert not wrong_language(REASONS[language], language)
