"""`/ws/`: many runs over one connection, and the commands that steer them (wire.md 1.4)."""

import asyncio
import json

import pytest

from tests.acceptance.asking import answer_to, hear, socket_to, token
from tests.acceptance.cases import KNEE

START = {"type": "start", "kind": "exercise_program", "input": {"prompt": KNEE}}


def socket_of(server, path: str = "/ws/"):
    return socket_to(server, path, token(server, "alice"))


async def ask(socket, **command) -> dict:
    return await answer_to(socket, command)


async def test_a_run_started_here_is_followed_after_subscribing(standing_server):
    async with socket_of(standing_server) as socket:
        started = await ask(socket, **START, ref="a")
        assert (started["type"], started["ref"]) == ("ok", "a")
        await ask(socket, type="subscribe", run=started["run"], after=0)
        events = []
        while not events or events[-1]["event"] != "complete":
            events.append(await hear(socket))
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))


async def test_two_runs_share_a_socket(standing_server):
    async with socket_of(standing_server) as socket:
        runs = [(await ask(socket, **START))["run"] for _ in range(2)]
        for run in runs:
            await socket.send(json.dumps({"type": "subscribe", "run": run}))
        seen: dict[str, list[int]] = {run: [] for run in runs}
        ended = 0
        while ended < 2:
            message = await hear(socket)
            if "seq" in message:
                seen[message["run_id"]].append(message["seq"])
                ended += message["event"] == "complete"
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in seen.values())


async def test_subscribing_again_just_moves_the_cursor(make_server):
    server = make_server("uvicorn", COMPOSER_PACE_S=30)
    async with socket_of(server) as socket:
        run = (await ask(socket, **START))["run"]
        await ask(socket, type="subscribe", run=run, after=0)
        while (await hear(socket))["seq"] < 6:
            pass
        await socket.send(json.dumps({"type": "subscribe", "run": run, "after": 4}))
        messages = [await hear(socket) for _ in range(3)]
    assert [message["seq"] for message in messages if "seq" in message] == [5, 6]


async def test_after_unsubscribing_nothing_comes(make_server):
    server = make_server("daphne", COMPOSER_PACE_S=0.6)
    async with socket_of(server) as socket:
        run = (await ask(socket, **START))["run"]
        await ask(socket, type="subscribe", run=run)
        await ask(socket, type="unsubscribe", run=run)
        with pytest.raises(TimeoutError):
            await hear(socket, within_s=1.5)


async def test_cancel_works_from_the_socket(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=30)
    async with socket_of(server) as socket:
        run = (await ask(socket, **START))["run"]
        await ask(socket, type="subscribe", run=run)
        await socket.send(json.dumps({"type": "cancel", "run": run, "ref": 7}))
        heard: dict[str, dict] = {}
        # The end of the run may be told before the answer.
        while not {"ok", "cancelled"} <= set(heard):
            message = await hear(socket)
            heard[message.get("type") or message["event"]] = message
    assert heard["ok"]["ref"] == 7
    assert heard["cancelled"]["data"]["by"] == "alice"


async def test_the_one_run_socket_closes_after_the_terminal_event(standing_server):
    run = await asyncio.to_thread(standing_server.start_run, KNEE)
    async with socket_of(standing_server, f"/ws/runs/{run['id']}/") as socket:
        last = [json.loads(text) async for text in socket][-1]
        assert (last["event"], socket.close_code) == ("complete", 1000)


async def test_the_one_run_socket_takes_commands(make_server):
    server = make_server("uvicorn", COMPOSER_PACE_S=30)
    run = await asyncio.to_thread(server.start_run, KNEE)
    async with socket_of(server, f"/ws/runs/{run['id']}/?after=1") as socket:
        assert (await ask(socket, type="ping", ref="p"))["ref"] == "p"
        assert (await ask(socket, type="cancel", run=run["id"]))["type"] == "ok"


@pytest.mark.parametrize(("command", "code"), [
    ({"type": "fly"}, "VALIDATION_ERROR"),
    ({"no": "type"}, "VALIDATION_ERROR"),
    ({"type": "subscribe"}, "VALIDATION_ERROR"),
    ({"type": "subscribe", "run": "x", "after": -1}, "VALIDATION_ERROR"),
    ({"type": "subscribe", "run": "not-a-run"}, "NOT_FOUND"),
    ({"type": "cancel", "run": "0b6f1c9e-4f8e-4f0e-9a51-3f2f4f0e9a51"}, "NOT_FOUND"),
    ({"type": "start", "kind": "exercise_program", "input": {"prompt": "short"}}, "VALIDATION_ERROR"),
    ({"type": "start", "kind": "unknown", "input": {}}, "VALIDATION_ERROR"),
])  # fmt: skip
async def test_a_bad_command_is_answered_and_the_socket_stays(standing_server, command, code):
    async with socket_of(standing_server) as socket:
        answer = await ask(socket, **command, ref="r")
        assert (answer["type"], answer["ref"], answer["code"]) == ("error", "r", code)
        assert (await ask(socket, type="ping"))["type"] == "ok"


async def test_an_idle_socket_has_a_heartbeat(kind, make_server):
    server = make_server(kind, HEARTBEAT_S=1)
    async with socket_of(server) as socket:
        assert json.loads(await asyncio.wait_for(socket.recv(), 15)) == {"event": "ping"}
