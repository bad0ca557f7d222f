"""A stream lives only while whoever opened it may see it: sign-out, a revoked token, a changed role (ASVS 8.3.2)."""

import asyncio
import json

import pytest
from websockets.asyncio.client import ClientConnection

from tests.acceptance.asking import all_until_closed, answer_to, cookie, socket_to, token
from tests.acceptance.cases import KNEE
from tests.conftest import ROOMY
from tests.support import servers
from tests.support.accounts import ALICES_CLINIC
from tests.support.clients import http_client, sse_events
from tests.support.servers import Server

SOON = {"ACCESS_RECHECK_S": 1, "COMPOSER_PACE_S": 120}
SIGN_OUT = "from django.contrib.sessions.models import Session; Session.objects.all().delete()"
REVOKE = "from generation.models import ApiToken; ApiToken.objects.filter(user__username='{name}').delete()"
LEAVE = "from generation.models import Membership; Membership.objects.filter(user__username='{name}').delete()"
SHUT_OUT = "from generation.models import User; User.objects.filter(username='{name}').update(is_active=False)"


@pytest.fixture(scope="module", params=servers.KINDS)
def server(request, tmp_path_factory, prepared):
    folder = tmp_path_factory.mktemp(f"standing-{request.param}")
    made = Server(request.param, folder, prepared.copy_to(folder), ROOMY | SOON).start()
    yield made
    made.close()


@pytest.fixture
def colleague(server, request) -> str:
    """The name of a new member of Alice's clinic, for each test to do its worst to."""
    name = f"colleague-{request.node.name.encode().hex()[-20:]}"
    server.cast = {**server.cast, name: server.add_account(name, ALICES_CLINIC)}
    return name


def do(server: Server, act: str, name: str = "") -> None:
    done = server.manage("shell", "--no-imports", "-c", act.format(name=name))
    assert done.returncode == 0, done.stderr


async def end_by_itself(server: Server, path: str, headers: dict[str, str], act: str, name: str) -> None:
    """Follow a stream, do something to its reader's standing, and wait until the server ends it."""
    async with (
        http_client(server.base_url, None) as client,
        client.stream("GET", path, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        acted = False
        async with asyncio.timeout(60):
            async for event in sse_events(answer):
                if event.data and not acted:
                    acted = True
                    await asyncio.to_thread(do, server, act, name)
        assert acted


@pytest.mark.parametrize("act", [REVOKE, LEAVE, SHUT_OUT], ids=["revoked-token", "left-the-clinic", "shut-out"])
async def test_a_stream_ends_with_the_standing_of_its_reader(server, colleague, act):
    run = await asyncio.to_thread(server.start_run, KNEE)
    path, headers = f"/api/runs/{run['id']}", token(server, colleague)
    await end_by_itself(server, f"{path}/stream", headers, act, colleague)
    async with http_client(server.base_url, None) as client:
        assert (await client.get(path, headers=headers)).status_code in (401, 404)
    # The run itself goes on.
    assert (await asyncio.to_thread(server.snapshot, run["id"]))["status"] == "running"


async def test_the_stream_of_a_batch_ends_too(server, colleague):
    body = {"kind": "exercise_program", "inputs": [{"prompt": KNEE}]}
    async with http_client(server.base_url, server.token) as client:
        batch = (await client.post("/api/batches", json=body)).raise_for_status().json()
    await end_by_itself(server, f"/api/batches/{batch['id']}/stream", token(server, colleague), LEAVE, colleague)


async def test_streams_and_sockets_end_when_a_session_ends(server):
    run = await asyncio.to_thread(server.start_run, KNEE)
    headers = await asyncio.to_thread(cookie, server, "alice") | {"Origin": server.base_url}
    async with socket_to(server, f"/ws/runs/{run['id']}/", headers) as one, socket_to(server, "/ws/", headers) as many:
        await end_by_itself(server, f"/api/runs/{run['id']}/stream", headers, SIGN_OUT, "")
        assert [(await all_until_closed(socket))[0] for socket in (one, many)] == [4401, 4401]


async def test_a_shared_socket_drops_only_what_is_no_longer_to_be_seen(server, colleague):
    theirs = await asyncio.to_thread(server.start_run, KNEE)
    own = await asyncio.to_thread(server.start_run, KNEE, colleague)
    async with socket_to(server, "/ws/", token(server, colleague)) as socket:
        for run in (theirs, own):
            assert (await answer_to(socket, {"type": "subscribe", "run": run["id"]}))["type"] == "ok"
        await asyncio.to_thread(do, server, LEAVE, colleague)
        lost = await refusal(socket)
        assert (lost["run"], lost["code"]) == (theirs["id"], "NOT_FOUND")
        assert (await answer_to(socket, {"type": "cancel", "run": own["id"], "ref": 1}))["type"] == "ok"


async def refusal(socket: ClientConnection) -> dict:
    async with asyncio.timeout(30):
        while True:
            said = json.loads(await socket.recv())
            if said.get("type") == "error":
                return said
