"""How the tests of access, origins, hostile input and limits ask, and how they read a refusal."""

import asyncio
import http.client
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.acceptance.cases import KNEE
from tests.support.clients import parse_sse
from tests.support.servers import Server

CANONICAL = {"kind": "exercise_program", "input": {"prompt": KNEE}}
# Each address that starts a run, with a body that does so.
STARTS: dict[str, dict[str, Any]] = {
    "/api/runs": CANONICAL,
    "/api/runs/stream": CANONICAL,
    "/api/generate": {"prompt": KNEE},
    "/api/generate-stream": {"prompt": KNEE},
}
STREAMS = ("/api/runs/stream", "/api/generate-stream")

# Those of the cast who may see a run of Alice, and a run that never was.
INSIDERS = ("alice", "bob", "dana")
MISSING = "0b6f1c9e-4f8e-4f0e-9a51-3f2f4f0e9a51"

# One for all clients: reading its certificates takes longer than most of the requests here.
TLS = ssl.create_default_context()

# What the sign-in page does, without the page: it may change its form, not what a session is.
SIGN_IN = """
import json
from importlib import import_module
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from generation.models import User

made = {}
for user in User.objects.filter(username__in=("alice", "bob", "charlie", "dana")):
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    made[user.username] = session.session_key
print(json.dumps(made))
"""


@cache
def session_keys(server: Server) -> Mapping[str, str]:
    """A session of each of the cast, by name."""
    done = server.manage("shell", "--no-imports", "-c", SIGN_IN)
    assert done.returncode == 0, done.stderr[-2000:]
    keys: Mapping[str, str] = json.loads(done.stdout.splitlines()[-1])
    return keys


def cookie(server: Server, name: str) -> dict[str, str]:
    return {"Cookie": f"sessionid={session_keys(server)[name]}"}


def token(server: Server, name: str) -> dict[str, str]:
    return {"Authorization": f"Token {server.cast[name].token}"}


def client_of(server: Server, name: str | None, **headers: str) -> httpx.Client:
    """A client of one of the cast by token, or of nobody."""
    headers |= token(server, name) if name else {}
    return httpx.Client(base_url=server.base_url, headers=headers, timeout=60, trust_env=False, verify=TLS)


def finished_run(server: Server) -> str:
    """The id of a run of Alice that has ended, for her clinic."""
    with client_of(server, "alice") as client:
        answer = client.post("/api/generate", json={"prompt": KNEE}).raise_for_status()
    return answer.headers["location"].rsplit("/", 1)[1]


def runs_made(server: Server) -> int:
    return int(server.rows("SELECT count(*) FROM generation_run")[0][0])


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """`{"code", "message", …}` of a refusal, which is one frame of the address's dialect or a JSON body."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        error: dict[str, Any] = answer.json()["error"]
        return error
    frame, rest = answer.content.split(b"\n\n")
    assert rest == b""
    said = parse_sse(frame).json
    return said["data"] if "event" in said else {**said, "code": said["error"]}


def raw(
    server: Server, method: str, path: str, headers: Iterable[tuple[str, str | bytes]] = (), body: bytes | None = None
) -> tuple[int, bytes]:
    """Status and body of a request whose path and headers are sent as they stand, `Host` included."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        pairs = list(headers)
        if not any(name.lower() == "host" for name, _ in pairs):
            pairs.append(("Host", f"127.0.0.1:{server.port}"))
        if body is not None:
            pairs.append(("Content-Length", str(len(body))))
        for name, value in pairs:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@asynccontextmanager
async def socket_to(server: Server, path: str, headers: Mapping[str, str]) -> AsyncIterator[ClientConnection]:
    # Without a queue limit the closing handshake is read whatever lies before it.
    options: dict[str, Any] = {"proxy": None, "max_queue": None, "max_size": 2**24, "close_timeout": 5}
    async with connect(f"{server.ws_url}{path}", additional_headers=dict(headers), **options) as socket:
        yield socket


async def hear(socket: ClientConnection, within_s: float = 15) -> dict[str, Any]:
    """The next message that is no heartbeat."""
    async with asyncio.timeout(within_s):
        while (message := json.loads(await socket.recv())) == {"event": "ping"}:
            pass
    said: dict[str, Any] = message
    return said


async def answer_to(socket: ClientConnection, command: Any) -> dict[str, Any]:
    """The answer to a command (text and bytes are sent as they stand), passing over events."""
    await socket.send(command if isinstance(command, str | bytes) else json.dumps(command))
    while "type" not in (message := await hear(socket)):
        pass
    return message


async def all_until_closed(socket: ClientConnection) -> tuple[int | None, list[dict[str, Any]]]:
    """The close code, and what came before it."""
    heard: list[dict[str, Any]] = []
    try:
        while True:
            heard.append(await hear(socket))
    except ConnectionClosed:
        return socket.close_code, heard
