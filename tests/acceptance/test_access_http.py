"""Who may: a run exists for its owner, her clinic and staff; for anyone else it does not (1.5).

ASVS 8.2.2 and 8.4.1: object level access, denied with the very answer of a run that was never there;
the sockets and the pages have files beside this one.
"""

import asyncio
import uuid

import httpx
import pytest

from tests.acceptance.asking import INSIDERS, MISSING, answer_to, client_of, error_of, finished_run, socket_to, token
from tests.acceptance.cases import KNEE

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


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    return finished_run(standing_server)


def ask(server, name, way, run_id) -> httpx.Response:
    method, path, headers, _ = WAYS[way]
    with client_of(server, name) as client:
        filled = {header: value.format(id=run_id) for header, value in headers.items()}
        return client.request(method, path.format(id=run_id), headers=filled)


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
