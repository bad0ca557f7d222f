"""Whatever a WebSocket is sent, it answers with an error or closes properly, and the server goes on."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.sync.client import connect

from tests.acceptance.asking import MISSING, all_until_closed, answer_to, client_of, hear, socket_to, token
from tests.acceptance.cases import KNEE
from tests.acceptance.hostile.frames import (
    BINARY,
    CLOSE,
    COMPRESSED,
    CONTINUATION,
    FIN,
    PING,
    PONG,
    TEXT,
    HandMade,
    deflated,
    frame,
)
from tests.support.clients import authorised
from tests.support.waiting import eventually

MIB = 1_048_576
PING_COMMAND = b'{"type": "ping", "ref": "fuzz"}'
# What a flood may leave in the server's memory; each of them below sends several times as much.
LEFT_BEHIND = 48 * MIB


def resident(server) -> int:
    """Bytes of memory that the server has."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


@pytest.fixture
def serves_on(standing_server):
    """Afterwards the server is the same process, lists runs, and a run of Alice goes as always."""
    pid = standing_server.pid
    yield
    assert (standing_server.running, standing_server.pid) == (True, pid)
    with client_of(standing_server, "alice") as client:
        assert client.get("/api/runs?page_size=1").status_code == 200
        assert client.post("/api/generate", json={"prompt": KNEE}).status_code == 200


# Frames against the protocol


LONE_BYTES = b"".join([frame(TEXT, b"\xe2", flags=0), frame(CONTINUATION, b"\x82", flags=0), frame(CONTINUATION, b"x")])
NO_UTF_8 = {
    "overlong": frame(TEXT, b'{"type": "\xc0\xaf"}'),
    "surrogate": frame(TEXT, b'{"type": "\xed\xa0\x80"}'),
    "beyond Unicode": frame(TEXT, b'{"type": "\xf4\x90\x80\x80"}'),
    "cut off": frame(TEXT, b'{"type": "\xe2\x82'),
    "lone bytes in fragments": LONE_BYTES,
    "reason of a close": frame(CLOSE, b"\x03\xe8\xff\xfe"),
}
AGAINST_THE_PROTOCOL = {
    "unmasked": frame(TEXT, PING_COMMAND, mask=False),
    "reserved bit 2": frame(TEXT, PING_COMMAND, flags=FIN | 0x20),
    "reserved bit 3": frame(TEXT, PING_COMMAND, flags=FIN | 0x10),
    "compressed, which was not agreed": frame(TEXT, deflated(100), flags=FIN | COMPRESSED),
    "reserved opcode": frame(0x3, PING_COMMAND),
    "reserved control opcode": frame(0xB),
    "continuation of nothing": frame(CONTINUATION, PING_COMMAND),
    "text within text": frame(TEXT, b"{", flags=0) + frame(TEXT, b"}"),
    "binary within text": frame(TEXT, b"{", flags=0) + frame(BINARY, b"}"),
    "ping in fragments": frame(PING, b"x", flags=0) + frame(CONTINUATION, b"x"),
    "ping of 126 bytes": frame(PING, b"x" * 126),
    "close of one byte": frame(CLOSE, b"\x03"),
    "close with 999": frame(CLOSE, b"\x03\xe7"),
    "close with 1005": frame(CLOSE, b"\x03\xed"),
    "close with 65535": frame(CLOSE, b"\xff\xff"),
    "length of 2^63": frame(TEXT, b"x", length=2**63),
    "length of 1 GiB": frame(TEXT, b"x", length=2**30),
    "HTTP": b"GET /api/runs HTTP/1.1\r\nHost: x\r\n\r\n",
    "a message of 1 MiB and 1": frame(TEXT, b"x" * (MIB + 1)),
    "a binary message of 1 MiB and 1": frame(BINARY, b"x" * (MIB + 1)),
    "fragments of 17 MiB": frame(TEXT, b"x" * 65_536, flags=0) + frame(CONTINUATION, b"x" * 65_536, flags=0) * 272,
}
# Protocol error, no text, too large; None: dropped without a word.
REFUSALS = (1002, 1007, 1009, None)


@pytest.mark.parametrize("name", AGAINST_THE_PROTOCOL)
def test_a_frame_against_the_protocol_ends_its_socket(standing_server, unharmed, name):
    with HandMade(standing_server) as socket:
        socket.send(AGAINST_THE_PROTOCOL[name])
        code, heard = socket.until_gone()
    assert code in REFUSALS
    assert heard == []


@pytest.mark.parametrize("name", NO_UTF_8)
def test_bytes_that_are_no_text_end_their_socket(standing_server, serves_on, name):
    with HandMade(standing_server) as socket:
        socket.send(NO_UTF_8[name])
        code, heard = socket.until_gone()
    assert code in REFUSALS
    assert heard == []


def test_a_message_may_come_in_pieces_with_pings_between(standing_server, unharmed):
    text = json.dumps({"type": "ping", "ref": "søvn 💤"}, ensure_ascii=False).encode()
    pieces = [frame(TEXT, b"", flags=0)]
    for byte in text:
        pieces += [frame(CONTINUATION, bytes((byte,)), flags=0), frame(PING, b"?"), frame(PONG)]
    pieces += [frame(CONTINUATION, b"", flags=0)] * 10_000
    with HandMade(standing_server) as socket:
        socket.send(b"".join([*pieces, frame(CONTINUATION)]))
        while (found := socket.next_frame()) is not None and found[0] != TEXT:
            assert found == (PONG, b"?")
    assert found is not None
    assert json.loads(found[1]) == {"type": "ok", "ref": "søvn 💤", "run": None}


def test_a_message_that_never_ends_is_let_go_with_its_client(standing_server, unharmed):
    with HandMade(standing_server) as socket:
        assert socket.send(frame(TEXT, b"{", flags=0) + frame(CONTINUATION, b"  ", flags=0) * 20_000)


@pytest.mark.parametrize("size", [10 * MIB, 64 * MIB, 512 * MIB])
def test_a_compressed_bomb_is_not_unpacked(standing_server, unharmed, size):
    # Made before the connection: a heartbeat might come in the seconds that this takes.
    before, bomb = resident(standing_server), deflated(size)
    with HandMade(standing_server, compress=True) as socket:
        # Daphne does not agree to compression, so there the very flag is an error.
        assert socket.compressing == (standing_server.kind == "uvicorn")
        socket.send(frame(TEXT, bomb, flags=FIN | COMPRESSED))
        code, heard = socket.until_gone()
    assert (code in REFUSALS, heard) == (True, [])
    assert resident(standing_server) - before < LEFT_BEHIND


def test_a_compressed_bomb_in_fragments_is_not_unpacked(standing_server, unharmed):
    before, bomb = resident(standing_server), deflated(64 * MIB)
    pieces = [bomb[start : start + 1000] for start in range(0, len(bomb), 1000)]
    with HandMade(standing_server, compress=True) as socket:
        socket.send(frame(TEXT, pieces[0], flags=COMPRESSED))
        for piece in pieces[1:]:
            socket.send(frame(CONTINUATION, piece, flags=0))
        code, heard = socket.until_gone()
    assert (code in REFUSALS, heard) == (True, [])
    assert resident(standing_server) - before < LEFT_BEHIND


# Commands that nobody would think of


junk = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
types = st.sampled_from(["subscribe", "unsubscribe", "start", "cancel", "pause", "resume", "ping", "retry"])
ids = st.sampled_from(["{id}", "{ID}", "{{id}}", MISSING, "urn:uuid:" + MISSING, "", "../", "\0", "\u202e", "run.*"])
commands = st.fixed_dictionaries(
    {"type": types | junk},
    optional={
        "run": ids | junk,
        "batch": ids | junk,
        "after": st.integers(-2, 2**64) | junk,
        "ref": junk,
        "key": junk,
        "kind": st.just("exercise_program") | junk,
        # No prompt is long enough to start anything.
        "input": st.fixed_dictionaries({"prompt": st.text(max_size=19) | junk}) | junk,
        "__class__": junk,
    },
)
frames = commands.map(json.dumps) | junk.map(json.dumps) | st.text(max_size=60) | st.binary(max_size=60)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(frames, min_size=1, max_size=12))
def test_every_frame_is_answered_whatever_it_says(standing_server, finished, unharmed, said):
    headers = authorised(standing_server.token)
    with connect(f"{standing_server.ws_url}/ws/", additional_headers=headers, proxy=None, max_size=None) as socket:
        for text in said:
            socket.send(text.replace("{id}", finished) if isinstance(text, str) else text)
        socket.send('{"type": "ping", "ref": "the last one"}')
        answers: list[dict] = []
        while not answers or answers[-1].get("ref") != "the last one":
            message = json.loads(socket.recv(timeout=30))
            if "type" in message:
                answers.append(message)
    assert len(answers) == len(said) + 1
    for answer in answers:
        assert answer["type"] == "ok" or answer["code"] in ("VALIDATION_ERROR", "NOT_FOUND", "CONFLICT"), answer


# Floods


async def test_a_flood_of_commands_is_answered_in_order_and_held_back(standing_server, unharmed):
    """Each of these asks the database; past the pace of one socket they no longer do."""
    before, count = resident(standing_server), 5000
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:

        async def send() -> None:
            for number in range(count):
                await socket.send(json.dumps({"type": "subscribe", "run": MISSING, "ref": number}))

        sending = asyncio.create_task(send())
        answers = [await hear(socket, within_s=60) for _ in range(count)]
        await sending
        assert [answer["ref"] for answer in answers] == list(range(count))
        assert {answer["code"] for answer in answers} == {"NOT_FOUND", "RATE_LIMITED"}
        assert {answer["code"] for answer in answers[:400]} == {"NOT_FOUND"}

        async def heard_again() -> bool:
            return (await answer_to(socket, {"type": "subscribe", "run": MISSING}))["code"] == "NOT_FOUND"

        assert await eventually(heard_again)
    assert resident(standing_server) - before < LEFT_BEHIND


async def test_others_are_served_during_a_flood(standing_server, serves_on):
    flooding = asyncio.Event()
    async with (
        socket_to(standing_server, "/ws/", token(standing_server, "bob")) as flooder,
        socket_to(standing_server, "/ws/", token(standing_server, "alice")) as other,
    ):

        async def flood() -> None:
            while True:
                for _ in range(500):
                    await flooder.send(json.dumps({"type": "cancel", "run": MISSING}))
                flooding.set()
                for _ in range(500):
                    await hear(flooder, within_s=60)

        task = asyncio.create_task(flood())
        await flooding.wait()
        for number in range(20):
            assert (await answer_to(other, {"type": "ping", "ref": number}))["ref"] == number
        with client_of(standing_server, "charlie") as client:
            assert (await asyncio.to_thread(client.get, "/api/runs")).status_code == 200
        assert not task.done()
        task.cancel()


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("command", ["ping", "subscribe"])
def test_a_flood_of_long_frames_leaves_no_memory_behind(standing_server, serves_on, command, signed_in):
    """Three hundred megabytes, faster than they can be answered and past any close: Daphne takes in whatever comes."""
    long = json.dumps({"type": command, "run": MISSING, "note": "x" * 60_000}).encode()
    before = resident(standing_server)
    with HandMade(standing_server, signed_in=signed_in) as socket:
        socket.socket.settimeout(5)
        together = frame(TEXT, long) * 16
        for _ in range(320):
            if not socket.send(together):
                break
        assert resident(standing_server) - before < LEFT_BEHIND
        socket.socket.close()


def test_a_flood_of_one_who_never_reads_leaves_no_memory_behind(standing_server, serves_on):
    before = resident(standing_server)
    with HandMade(standing_server, receive_buffer=4096) as socket:
        socket.socket.settimeout(5)
        together = frame(TEXT, b'{"type": "' + b"x" * 20 + b'"}') * 1000
        for _ in range(200):
            if not socket.send(together):
                break
        assert resident(standing_server) - before < LEFT_BEHIND


async def test_a_socket_with_too_much_unread_is_closed_with_its_code(standing_server, serves_on):
    long = json.dumps({"type": "subscribe", "run": MISSING, "note": "x" * 60_000})
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:

        async def send() -> None:
            for _ in range(2000):
                await socket.send(long)

        sending = asyncio.create_task(send())
        code, heard = await all_until_closed(socket)
        await asyncio.gather(sending, return_exceptions=True)
    assert code == 4429
    assert {answer["type"] for answer in heard} <= {"error"}
