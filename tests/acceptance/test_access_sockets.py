"""Who may, on the sockets: a run tells its owner, her clinic and staff, and others nothing (1.5)."""

import json

import pytest

from tests.acceptance.asking import INSIDERS, MISSING, all_until_closed, answer_to, finished_run, hear, socket_to, token


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    return finished_run(standing_server)


@pytest.mark.parametrize("name", INSIDERS)
async def test_owner_clinic_and_staff_follow_by_socket(standing_server, finished, name):
    async with socket_to(standing_server, f"/ws/runs/{finished}/", token(standing_server, name)) as socket:
        code, heard = await all_until_closed(socket)
    assert (code, heard[-1]["event"]) == (1000, "complete")
    async with socket_to(standing_server, "/ws/", token(standing_server, name)) as socket:
        assert (await answer_to(socket, {"type": "subscribe", "run": finished}))["type"] == "ok"
        assert (await answer_to(socket, {"type": "cancel", "run": finished}))["code"] == "CONFLICT"


@pytest.mark.parametrize(("name", "code"), [("charlie", 4404), (None, 4401)])
async def test_the_one_run_socket_tells_others_nothing(standing_server, finished, name, code):
    headers = token(standing_server, name) if name else {}
    ends = []
    for run_id in (finished, MISSING):
        async with socket_to(standing_server, f"/ws/runs/{run_id}/", headers) as socket:
            ends.append((*await all_until_closed(socket), socket.close_reason))
    assert ends[0] == ends[1]
    assert ends[0][:2] == (code, [])


async def test_the_shared_socket_lets_nobody_in(standing_server):
    async with socket_to(standing_server, "/ws/", {}) as socket:
        assert await all_until_closed(socket) == (4401, [])


@pytest.mark.parametrize("command", ["subscribe", "cancel"])
async def test_a_stranger_commands_a_run_that_never_was(standing_server, finished, command):
    async with socket_to(standing_server, "/ws/", token(standing_server, "charlie")) as socket:
        theirs, missing = [
            await answer_to(socket, {"type": command, "run": run_id, "ref": 1}) for run_id in (finished, MISSING)
        ]
        # The next thing to arrive is this answer, and no event of the run.
        await socket.send(json.dumps({"type": "ping", "ref": "last"}))
        following = await hear(socket, within_s=30)
    assert theirs == missing
    assert (theirs["type"], theirs["code"]) == ("error", "NOT_FOUND")
    assert following.get("ref") == "last"
