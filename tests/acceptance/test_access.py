"""Who may: a run exists for its owner, her clinic and staff; for anyone else it does not, on any transport (1.5).

ASVS 8.2.2 and 8.4.1: object level access, denied with the very answer of a run that was never there.
"""

import asyncio
import json
import uuid
from urllib.parse import quote

import httpx
import pytest

from tests.acceptance.asking import (
    all_until_closed,
    answer_to,
    client_of,
    cookie,
    error_of,
    raw,
    session_keys,
    socket_to,
    token,
)
from tests.acceptance.cases import KNEE

MISSING = "0b6f1c9e-4f8e-4f0e-9a51-3f2f4f0e9a51"
INSIDERS = ("alice", "bob", "dana")

# name: method, path, headers, status for those who may. A finished run answers cancel with 409, which says that
# it is there; the one who may not must not learn even that.
WAYS = {
    "run": ("GET", "/api/runs/{id}", {}, 200),
    "result": ("GET", "/api/runs/{id}/result", {}, 200),
    "stream": ("GET", "/api/runs/{id}/stream", {}, 200),
    "named stream": ("GET", "/api/runs/{id}/stream?named=1", {}, 200),
    "resumed stream": ("GET", "/api/runs/{id}/stream", {"Last-Event-ID": "1"}, 200),
    "stream past its end": ("GET", "/api/runs/{id}/stream?after=100000", {}, 204),
    "events": ("GET", "/api/runs/{id}/events?wait=0", {}, 200),
    "cancel": ("POST", "/api/runs/{id}/cancel", {}, 409),
    "older stream": ("POST", "/api/generate-stream", {"Last-Event-ID": "{id}:0"}, 200),
    "older stream, detached": ("POST", "/api/generate-stream?detach=1", {"Last-Event-ID": "{id}:1"}, 200),
    "older stream past its end": ("POST", "/api/generate-stream", {"Last-Event-ID": "{id}:100000"}, 204),
}
OLDER = [way for way in WAYS if way.startswith("older")]
PAGES = ("/runs/{id}/", "/?from={id}")


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    """The id of a run of Alice that has ended, for her clinic."""
    with client_of(standing_server, "alice") as client:
        answer = client.post("/api/generate", json={"prompt": KNEE}).raise_for_status()
    return answer.headers["location"].rsplit("/", 1)[1]


def ask(server, name, way, run_id) -> httpx.Response:
    method, path, headers, _ = WAYS[way]
    with client_of(server, name) as client:
        filled = {header: value.format(id=run_id) for header, value in headers.items()}
        return client.request(method, path.format(id=run_id), headers=filled)


def page(server, name, path, **options) -> httpx.Response:
    headers = cookie(server, name) if name else {}
    with client_of(server, None) as client:
        return client.get(path, headers=headers, **options)


@pytest.mark.parametrize("name", INSIDERS)
@pytest.mark.parametrize("way", WAYS)
def test_owner_clinic_and_staff_reach_a_run(standing_server, finished, name, way):
    answer = ask(standing_server, name, way, finished)
    assert answer.status_code == WAYS[way][3], answer.text[:300]


@pytest.mark.parametrize("way", WAYS)
def test_to_a_stranger_a_run_looks_like_one_that_never_was(standing_server, finished, way):
    theirs, missing = (ask(standing_server, "charlie", way, run_id) for run_id in (finished, MISSING))
    assert (theirs.status_code, theirs.content) == (missing.status_code, missing.content)
    assert theirs.status_code == 404
    assert finished not in theirs.text
    # All headers but the clock: a Location or a length would tell as well.
    said = [{**answer.headers, "date": ""} for answer in (theirs, missing)]
    assert said[0] == said[1]
    # The older dialect knows no code for it (wire.md 2.1).
    assert error_of(theirs)["code"] == ("SERVER_ERROR" if way in OLDER else "NOT_FOUND")


@pytest.mark.parametrize("name", INSIDERS)
@pytest.mark.parametrize("way", WAYS)
def test_a_missing_run_is_missing_for_everyone(standing_server, name, way):
    assert ask(standing_server, name, way, str(uuid.uuid4())).status_code == 404


@pytest.mark.parametrize("way", WAYS)
def test_nobody_learns_nothing(standing_server, finished, way):
    theirs, missing = (ask(standing_server, None, way, run_id) for run_id in (finished, MISSING))
    assert (theirs.status_code, theirs.content) == (missing.status_code, missing.content)
    assert theirs.status_code == 401
    assert error_of(theirs)["code"] == "AUTHENTICATION_ERROR"
    assert theirs.headers["www-authenticate"] == "Token"


@pytest.mark.parametrize("way", ["run", "stream", "cancel", "older stream"])
@pytest.mark.parametrize("value", [
    b"Token", b"Token x", b"Token " + b"f" * 64, b"Token \xff\xfe", "Token ٣".encode(), b"Token a b",
    b"Token " + b"a" * 8000, b"Bearer {token}", b"Basic YWxpY2U6eA==", b"Token {token}x", b"Token {key}",
])  # fmt: skip
def test_what_is_no_token_opens_nothing(standing_server, finished, way, value):
    alice = standing_server.cast["alice"].token
    # The key is what the database keeps in the clear beside the digest.
    value = value.replace(b"{token}", alice.encode()).replace(b"{key}", alice[:15].encode())
    method, path, headers, _ = WAYS[way]
    sent = {name: filled.format(id=finished) for name, filled in headers.items()}
    with client_of(standing_server, None) as client:
        answer = client.request(method, path.format(id=finished), headers={**sent, "Authorization": value})
    assert answer.status_code == 401, answer.text[:300]
    assert error_of(answer)["code"] == "AUTHENTICATION_ERROR"


@pytest.mark.parametrize("value", ["", "x", "a" * 5000, '"\\000"', "../../etc/passwd"])
@pytest.mark.parametrize("way", ["run", "stream"])
def test_what_is_no_session_opens_nothing(standing_server, finished, way, value):
    path = WAYS[way][1].format(id=finished)
    with client_of(standing_server, None) as client:
        answer = client.get(path, headers={"Cookie": f"sessionid={value}"})
    assert (answer.status_code, error_of(answer)["code"]) == (401, "AUTHENTICATION_ERROR")


async def test_a_clinic_mate_may_cancel_and_a_stranger_may_not(kind, make_server):
    server = await asyncio.to_thread(make_server, kind, COMPOSER_PACE_S=60)
    run = await asyncio.to_thread(server.start_run, KNEE)
    with client_of(server, "charlie") as stranger:
        assert stranger.post(f"/api/runs/{run['id']}/cancel").status_code == 404
        leaving = {"Last-Event-ID": f"{run['id']}:0"}
        assert stranger.post("/api/generate-stream", headers=leaving).status_code == 404
    async with socket_to(server, "/ws/", token(server, "charlie")) as socket:
        answer = await answer_to(socket, {"type": "cancel", "run": run["id"]})
        assert answer["code"] == "NOT_FOUND"
    assert (await asyncio.to_thread(server.snapshot, run["id"]))["status"] in ("queued", "running")
    with client_of(server, "bob") as mate:
        answer = mate.post(f"/api/runs/{run['id']}/cancel")
    assert (answer.status_code, answer.json()["cancelled_by"]) == (202, "bob")


# Sockets


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
        following = json.loads(await asyncio.wait_for(socket.recv(), 30))
    assert theirs == missing
    assert (theirs["type"], theirs["code"]) == ("error", "NOT_FOUND")
    assert following.get("ref") == "last"


# Lists and pages


def every_id(server, name: str, query: str = "") -> set[str]:
    found: set[str] = set()
    address = f"/api/runs?page_size=100{query}"
    with client_of(server, name) as client:
        while address:
            body = client.get(address).raise_for_status().json()
            found |= {run["id"] for run in body["results"]}
            address = body["next"]
    return found


@pytest.mark.parametrize("name", INSIDERS)
def test_the_list_shows_a_run_to_those_who_may_see_it(standing_server, finished, name):
    assert finished in every_id(standing_server, name)


@pytest.mark.parametrize("query", ["", "&kind=exercise_program", "&status=succeeded", "&clinic={clinic}"])
def test_the_list_never_shows_a_strangers_run(standing_server, finished, query):
    own = standing_server.start_run(KNEE, "charlie")["id"]
    seen = every_id(standing_server, "charlie", query.format(clinic=standing_server.cast["alice"].clinic_id))
    # Not "finished is absent": whoever else has runs, the stranger sees his own and no more.
    owners = {
        str(uuid.UUID(uid)): str(uuid.UUID(owner))
        for uid, owner in standing_server.rows("SELECT uid, owner_id FROM generation_run")
    }
    assert finished in owners
    assert {owners[run_id] for run_id in seen} <= {standing_server.cast["charlie"].id}
    assert own in seen or query.startswith(("&status", "&clinic"))


def test_the_list_is_closed_to_nobody(standing_server):
    with client_of(standing_server, None) as client:
        answer = client.get("/api/runs")
    assert (answer.status_code, error_of(answer)["code"]) == (401, "AUTHENTICATION_ERROR")


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("name", INSIDERS)
def test_owner_clinic_and_staff_see_its_page(standing_server, finished, name, path):
    answer = page(standing_server, name, path.format(id=finished))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", PAGES)
def test_a_strangers_page_looks_like_a_missing_one(standing_server, finished, path):
    theirs, missing = (page(standing_server, "charlie", path.format(id=run_id)) for run_id in (finished, MISSING))
    assert (theirs.status_code, theirs.content) == (missing.status_code, missing.content)
    assert theirs.status_code == 404


@pytest.mark.parametrize("path", [*PAGES, "/runs/", "/"])
def test_nobody_is_sent_to_sign_in(standing_server, finished, path):
    answer = page(standing_server, None, path.format(id=finished), follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("/login/?next=")
    assert answer.content == b""


def test_the_history_page_shows_a_run_only_to_those_who_may_see_it(standing_server, finished):
    assert finished in page(standing_server, "bob", "/runs/").text
    assert finished not in page(standing_server, "charlie", "/runs/").text


def test_a_stranger_does_not_cancel_by_the_page(standing_server, finished):
    headers = {"Cookie": f"sessionid={session_keys(standing_server)['charlie']}; csrftoken={'a' * 32}"}
    own = {"Origin": standing_server.base_url, "X-CSRFToken": "a" * 32}
    with client_of(standing_server, None) as client:
        answers = [client.post(f"/runs/{run}/cancel/", headers={**headers, **own}) for run in (finished, MISSING)]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


# Addresses


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("DELETE", "/api/runs", {"GET", "POST"}),
    ("PUT", "/api/runs", {"GET", "POST"}),
    ("POST", "/api/runs/{id}", {"GET"}),
    ("PUT", "/api/runs/{id}", {"GET"}),
    ("POST", "/api/runs/{id}/result", {"GET"}),
    ("GET", "/api/runs/{id}/cancel", {"POST"}),
    ("DELETE", "/api/runs/{id}/cancel", {"POST"}),
    ("POST", "/api/runs/{id}/stream", {"GET"}),
    ("DELETE", "/api/runs/{id}/stream", {"GET"}),
    ("POST", "/api/runs/{id}/events", {"GET"}),
    ("GET", "/api/runs/stream", {"POST"}),
    ("GET", "/api/generate", {"POST"}),
    ("PUT", "/api/generate", {"POST"}),
    ("GET", "/api/generate-stream", {"POST"}),
    ("DELETE", "/api/generate-stream", {"POST"}),
])  # fmt: skip
def test_a_wrong_method_is_told_the_right_ones(standing_server, finished, method, path, allowed):
    with client_of(standing_server, "alice") as client:
        answer = client.request(method, path.format(id=finished))
    offered = set(answer.headers.get("allow", "").replace(" ", "").split(","))
    assert answer.status_code == 405
    assert allowed <= offered
    assert method not in offered
    assert error_of(answer)["code"] == "VALIDATION_ERROR"


def test_a_page_is_not_cancelled_by_looking(standing_server, finished):
    answer = page(standing_server, "alice", f"/runs/{finished}/cancel/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


MALFORMED = {
    "parent": "..",
    "parent and slash": "../",
    "encoded parent": "%2e%2e%2f",
    "encoded climb": "..%2f..%2f..%2fetc%2fpasswd",
    "doubly encoded": "%252e%252e%252f",
    "NUL": "%00",
    "NUL after an id": f"{MISSING}%00",
    "newline after an id": f"{MISSING}%0a",
    "right-to-left mark": quote("\u200f") + MISSING,
    "right-to-left override": quote("\u202e") + MISSING,
    "no UTF-8": "%ff%fe",
    "other digits": quote("٣" * 32),
    "emoji": quote("👩‍⚕️"),
    "group name": "run.0b6f1c9e4f8e4f0e9a513f2f4f0e9a51",
    "quote": "%27%20OR%201=1--",
    "format": "%7B0%7D%25s",
    "long": "a" * 5000,
    "number": "1",
    "negative": "-1",
    "null": "null",
    "star": "*",
    "space": "%20",
}  # fmt: skip
SUFFIXES = {"": "GET", "/result": "GET", "/stream": "GET", "/events?wait=0": "GET", "/cancel": "POST"}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_id_is_a_missing_run(standing_server, name):
    identity = token(standing_server, "alice").items()
    seen = {}
    for suffix, method in SUFFIXES.items():
        body = b"" if method == "POST" else None
        seen[suffix] = raw(standing_server, method, f"/api/runs/{MALFORMED[name]}{suffix}", identity, body)[0]
    cookies = cookie(standing_server, "alice").items()
    seen["page"] = raw(standing_server, "GET", f"/runs/{MALFORMED[name]}/", cookies)[0]
    seen["prefill"] = raw(standing_server, "GET", f"/?from={MALFORMED[name]}", cookies)[0]
    cursor = ("Last-Event-ID", f"{MALFORMED[name][:4000]}:0")
    seen["older"] = raw(standing_server, "POST", "/api/generate-stream", [*identity, cursor], b"")[0]
    assert set(seen.values()) == {404}, seen


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_id_closes_its_socket(standing_server, name):
    headers = token(standing_server, "alice")
    async with socket_to(standing_server, f"/ws/runs/{MALFORMED[name]}/", headers) as socket:
        assert await all_until_closed(socket) == (4404, [])


@pytest.mark.parametrize("run", ["../", "\x00", f"{MISSING}\x00", f"\u202e{MISSING}", "", "run." + "a" * 32, "٣" * 32])
@pytest.mark.parametrize("command", ["subscribe", "cancel"])
async def test_a_malformed_id_in_a_command_is_a_missing_run(standing_server, command, run):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        answer = await answer_to(socket, {"type": command, "run": run})
        assert (answer["type"], answer["code"]) == ("error", "NOT_FOUND")
        assert (await answer_to(socket, {"type": "ping"}))["type"] == "ok"
