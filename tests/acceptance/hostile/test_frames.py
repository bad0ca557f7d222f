"""A frame that is no command is answered, one that is too large closes its socket, and no other socket notices."""

import json

import pytest

from tests.acceptance.asking import all_until_closed, answer_to, hear, socket_to, token
from tests.acceptance.cases import KNEE

DEEP_REF = json.dumps({"type": "ping", "ref": 0}).replace("0", "[" * 500 + "]" * 500)
START_WITH_MORE = json.dumps({"type": "start", "kind": "exercise_program", "input": {"prompt": KNEE, "surprise": 1}})
BAD_FRAMES = {
    "binary": b"\x00\x01\xff",
    "binary JSON": b'{"type": "ping"}',
    "empty": "",
    "words": "hello",
    "list": "[]",
    "number": "1",
    "text": '"ping"',
    "null": "null",
    "true": "true",
    "two values": '{"type":"ping"}{"type":"ping"}',
    "NUL": '{"type":"ping"}\0',
    "NaN": "NaN",
    "NaN in an object": '{"type": "subscribe", "run": "{id}", "after": NaN}',
    "lists 5,000 deep": "[" * 5_000 + "]" * 5_000,
    "objects 5,000 deep": '{"type":' * 5_000 + "1" + "}" * 5_000,
    "lone surrogate": '{"type": "\\ud800"}',
    "no type": "{}",
    "null type": '{"type": null}',
    "number as type": '{"type": 1}',
    "list as type": '{"type": ["ping"]}',
    "object as type": '{"type": {"ping": 1}}',
    "unknown type": '{"type": "fly"}',
    "method as type": '{"type": "close_with"}',
    "dunder as type": '{"type": "__init__"}',
    "channel as type": '{"type": "websocket.disconnect"}',
    "subscribe to nothing": '{"type": "subscribe"}',
    "unsubscribe from nothing": '{"type": "unsubscribe"}',
    "cancel nothing": '{"type": "cancel"}',
    "start nothing": '{"type": "start"}',
    "start without input": '{"type": "start", "kind": "exercise_program"}',
    "start without kind": '{"type": "start", "input": {}}',
    "start a list": '{"type": "start", "kind": [], "input": []}',
    "start a short prompt": '{"type": "start", "kind": "exercise_program", "input": {"prompt": "short"}}',
    "start with more": START_WITH_MORE,
    "run as a number": '{"type": "subscribe", "run": 1}',
    "run as null": '{"type": "cancel", "run": null}',
    "run as a list": '{"type": "unsubscribe", "run": []}',
    "negative cursor": '{"type": "subscribe", "run": "{id}", "after": -1}',
    "cursor with a fraction": '{"type": "subscribe", "run": "{id}", "after": 1.0}',
    "cursor as text": '{"type": "subscribe", "run": "{id}", "after": "1"}',
    "cursor as a truth": '{"type": "subscribe", "run": "{id}", "after": true}',
    "cursor as null": '{"type": "subscribe", "run": "{id}", "after": null}',
    "cursor as a list": '{"type": "subscribe", "run": "{id}", "after": [1]}',
    "cursor beyond 64 bits": '{"type": "subscribe", "run": "{id}", "after": 9223372036854775808}',
    "cursor of 10^400": '{"type": "subscribe", "run": "{id}", "after": 1' + "0" * 400 + "}",
    "infinite cursor": '{"type": "subscribe", "run": "{id}", "after": 1e999}',
}  # fmt: skip
# Valid, if odd: any answer is fine that comes.
ODD_FRAMES = {
    "deep ref": DEEP_REF,
    "huge ref": '{"type": "ping", "ref": 1' + "0" * 300 + "}",
    "great ref": '{"type": "ping", "ref": 18446744073709551616}',
    "object as ref": '{"type": "ping", "ref": {"a": [null]}}',
    "text of 60 KB as ref": json.dumps({"type": "ping", "ref": "x" * 60_000}),
    "type twice": '{"type": "fly", "type": "ping"}',
    "unsubscribe from what is not followed": '{"type": "unsubscribe", "run": "x"}',
}


@pytest.mark.parametrize("name", BAD_FRAMES)
async def test_a_bad_frame_is_answered_and_the_socket_stays(standing_server, finished, unharmed, name):
    frame = BAD_FRAMES[name]
    if isinstance(frame, str):
        frame = frame.replace("{id}", finished)
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        answer = await answer_to(socket, frame)
        assert (answer["type"], answer.get("code")) == ("error", "VALIDATION_ERROR")
        assert answer["message"]
        assert (await answer_to(socket, {"type": "ping", "ref": 7}))["ref"] == 7


@pytest.mark.parametrize("name", ODD_FRAMES)
async def test_an_odd_frame_is_answered_and_the_socket_stays(standing_server, unharmed, name):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        assert (await answer_to(socket, ODD_FRAMES[name]))["type"] in ("ok", "error")
        assert (await answer_to(socket, {"type": "ping", "ref": 7}))["ref"] == 7


def ping_of(size: int, filler: str = "x") -> str:
    """A ping whose frame has this many bytes."""
    empty = json.dumps({"type": "ping", "note": ""})
    room = size - len(empty)
    width = len(filler.encode())
    return empty[:-2] + filler * (room // width) + "x" * (room % width) + empty[-2:]


@pytest.mark.parametrize("frame", [ping_of(65_537), ping_of(65_537, "é"), b"x" * 65_537, ping_of(1_000_000)])
async def test_a_frame_over_64_kib_closes_the_socket(standing_server, unharmed, frame):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        await socket.send(frame)
        assert await all_until_closed(socket) == (1009, [])


@pytest.mark.parametrize("filler", ["x", "é"])
async def test_a_frame_of_64_kib_is_answered(standing_server, unharmed, filler):
    frame = ping_of(65_536, filler)
    assert len(frame.encode()) == 65_536
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        assert (await answer_to(socket, frame))["type"] == "ok"


async def test_a_message_of_ten_thousand_fragments_is_one_message(standing_server, unharmed):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        await socket.send(iter(ping_of(10_000)))
        assert (await hear(socket))["type"] == "ok"


async def test_text_that_is_no_text_ends_only_its_own_socket(standing_server):
    async with (
        socket_to(standing_server, "/ws/", token(standing_server, "bob")) as other,
        socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket,
    ):
        await socket.send(b'{"type": "\xff\xfe"}', text=True)
        code, heard = await all_until_closed(socket)
        assert (await answer_to(other, {"type": "ping"}))["type"] == "ok"
    # Autobahn drops the connection without a word, where uvicorn says why.
    assert code in (1006, 1007)
    assert heard == []


async def test_a_flood_of_commands_is_answered_in_order(standing_server, unharmed):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        for number in range(1000):
            await socket.send(json.dumps({"type": "ping", "ref": number}))
        assert [(await hear(socket))["ref"] for _ in range(1000)] == list(range(1000))
