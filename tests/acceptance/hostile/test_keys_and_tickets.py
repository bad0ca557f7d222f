"""An Idempotency-Key that is none is refused, and a ticket opens its own stream and nothing else."""

import asyncio
import json
import uuid

import pytest

from tests.acceptance.asking import (
    CANONICAL,
    MISSING,
    STARTS,
    all_until_closed,
    answer_to,
    client_of,
    error_of,
    finished_run,
    raw,
    runs_made,
    socket_to,
    token,
)
from tests.acceptance.cases import KNEE

BATCH = {"kind": "exercise_program", "inputs": [{"prompt": KNEE}]}
KEYED = {**STARTS, "/api/batches": BATCH}
BAD_KEYS = {
    "empty": b"",
    "blank": b" \t ",
    "blank inside": b"a b",
    "tab inside": b"a\tb",
    "256 characters": b"k" * 256,
    "5 KB": b"k" * 5_000,
    "latin-1": b"cl\xe9",
    "UTF-8": "clé".encode(),
    "emoji": "🔑".encode(),
    "no UTF-8": b"\xff\xfe",
}
# Bytes that a server may refuse by itself.
CONTROLS = (0x00, 0x01, 0x08, 0x0B, 0x0C, 0x1C, 0x1F, 0x7F)


def post(server, path: str, body: object, *keys: bytes) -> tuple[int, bytes]:
    headers = [*token(server, "alice").items(), ("Content-Type", "application/json"), ("Accept", "application/json")]
    return raw(server, "POST", path, [*headers, *(("Idempotency-Key", key) for key in keys)], json.dumps(body).encode())


@pytest.mark.parametrize("path", KEYED)
@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_key_that_is_none_is_refused(standing_server, unharmed, path, name):
    status, body = post(standing_server, path, KEYED[path], BAD_KEYS[name])
    assert (status, json.loads(body)["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("byte", CONTROLS)
def test_a_key_with_a_control_character_starts_nothing(standing_server, unharmed, byte):
    for path, body in KEYED.items():
        try:
            status, _ = post(standing_server, path, body, b"a" + bytes((byte,)) + b"b")
        except ConnectionError:
            continue
        assert status == 400


@pytest.mark.parametrize("path", ["/api/runs/{id}/retry", "/api/batches/{batch}/retry"])
def test_a_retry_looks_at_its_key_as_well(standing_server, finished, unharmed, path):
    status, _ = post(standing_server, path.format(id=finished, batch=MISSING), None, b"x" * 256)
    assert status in (400, 404)


@pytest.mark.parametrize("keys", [(b"one", b"two"), (b"same", b"same")])
def test_two_keys_start_no_more_than_one_run(standing_server, keys):
    before = runs_made(standing_server)
    mark = uuid.uuid4().hex.encode()
    answers = [post(standing_server, "/api/runs", CANONICAL, *(mark + key for key in keys)) for _ in range(2)]
    assert {status for status, _ in answers} in ({201}, {400})
    assert runs_made(standing_server) - before <= 1


ODD_VALUES = {
    "2^70": 2**70,
    "10^60": 10**60,
    "truth": True,
    "fraction": 0.1,
    "combining marks": "e" + "\u0301" * 30,
    "line separators": "a\u2028b\u2029c",
    "right to left": "\u202egnp.exe",
    "emoji": "👩🏽‍⚕️",
}


@pytest.mark.parametrize("path", KEYED)
@pytest.mark.parametrize("name", ODD_VALUES)
def test_an_odd_value_with_a_key_is_started_once_or_refused(standing_server, path, name):
    """The body is hashed for the key, so whatever JSON can say must have a hash."""
    before, key = runs_made(standing_server), uuid.uuid4().hex.encode()
    case = {"prompt": KNEE, "mrn": ODD_VALUES[name]}
    body = {"kind": "exercise_program", "input": case} if KEYED[path] is CANONICAL else case
    if path == "/api/batches":
        body = {"kind": "exercise_program", "inputs": [case]}
    answers = [post(standing_server, path, body, key) for _ in range(2)]
    assert {status for status, _ in answers} in ({200}, {201}, {400}), answers
    assert runs_made(standing_server) - before == (answers[0][0] != 400)


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 256, "clé", "\u0000", 1, None, True, [], {}])
async def test_a_key_that_is_none_is_refused_on_the_socket(standing_server, unharmed, key):
    async with socket_to(standing_server, "/ws/", token(standing_server, "alice")) as socket:
        answer = await answer_to(socket, {"type": "start", **CANONICAL, "key": key, "ref": 1})
        assert (answer["type"], answer["code"], answer["ref"]) == ("error", "VALIDATION_ERROR", 1)


# Tickets


def ticket_of(server, **what: str) -> str:
    with client_of(server, "alice") as client:
        given = client.post("/api/stream-tickets", json=what)
    assert given.status_code in (200, 201), given.text
    assert given.json()["expires_in"] == 60
    ticket: str = given.json()["ticket"]
    return ticket


@pytest.fixture(scope="module")
def finished_batch(standing_server) -> dict:
    """A batch of Alice whose rows have ended."""
    with client_of(standing_server, "alice") as client:
        batch = client.post("/api/batches", json={**BATCH, "inputs": BATCH["inputs"] * 2}).raise_for_status().json()
        client.get(f"/api/batches/{batch['id']}/stream").raise_for_status()
        return client.get(f"/api/batches/{batch['id']}").json()


STREAMS_OF_A_RUN = ("/api/runs/{id}/stream", "/api/runs/{id}/stream?named=1", "/api/runs/{id}/events?wait=0")
# Where a ticket is no credential: it stands in an address, and so only lets its bearer watch.
NOT_BY_TICKET = [
    ("GET", "/api/runs"), ("GET", "/api/runs/{id}"), ("GET", "/api/runs/{id}/result"), ("DELETE", "/api/runs/{id}"),
    ("POST", "/api/runs/{id}/cancel"), ("POST", "/api/runs/{id}/pause"), ("POST", "/api/runs/{id}/resume"),
    ("POST", "/api/runs/{id}/retry"), ("POST", "/api/runs"), ("POST", "/api/runs/stream"), ("POST", "/api/generate"),
    ("POST", "/api/generate-stream"), ("POST", "/api/batches"), ("GET", "/api/batches/{batch}"),
    ("POST", "/api/batches/{batch}/cancel"), ("POST", "/api/batches/{batch}/retry"), ("POST", "/api/stream-tickets"),
]  # fmt: skip


def with_ticket(path: str, ticket: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}ticket={ticket}"


def test_a_ticket_opens_its_run_again_and_again(standing_server, finished, unharmed):
    ticket = ticket_of(standing_server, run=finished)
    with client_of(standing_server, None) as client:
        for path in (*STREAMS_OF_A_RUN, *STREAMS_OF_A_RUN):
            assert client.get(with_ticket(path.format(id=finished), ticket)).status_code == 200


@pytest.mark.parametrize(("method", "path"), NOT_BY_TICKET)
def test_a_ticket_is_no_credential_elsewhere(standing_server, finished, finished_batch, unharmed, method, path):
    body = KEYED.get(path, {"run": finished})
    for ticket in (ticket_of(standing_server, run=finished), ticket_of(standing_server, batch=finished_batch["id"])):
        url = with_ticket(path.format(id=finished, batch=finished_batch["id"]), ticket)
        with client_of(standing_server, None) as client:
            answer = client.request(method, url, json=body if method == "POST" else None)
        assert (answer.status_code, error_of(answer)["code"]) == (401, "AUTHENTICATION_ERROR")


def test_a_ticket_opens_nothing_but_what_it_is_for(standing_server, finished, finished_batch, unharmed):
    other, row = finished_run_of(standing_server), finished_batch["runs"][0]["id"]
    of_run = ticket_of(standing_server, run=finished)
    of_batch = ticket_of(standing_server, batch=finished_batch["id"])
    with client_of(standing_server, None) as client:
        for ticket, runs in ((of_run, (other, row, MISSING)), (of_batch, (other, row, finished, MISSING))):
            for run in runs:
                for path in STREAMS_OF_A_RUN:
                    answer = client.get(with_ticket(path.format(id=run), ticket))
                    assert (answer.status_code, error_of(answer)["code"]) == (404, "NOT_FOUND")
        stream = f"/api/batches/{finished_batch['id']}/stream"
        assert client.get(with_ticket(stream, of_run)).status_code == 404
        assert client.get(with_ticket(stream, of_batch)).status_code == 200


def finished_run_of(server) -> str:
    with client_of(server, "alice") as client:
        runs = client.get("/api/runs?status=succeeded&page_size=5").json()["results"]
    return next(run["id"] for run in runs if run["batch"] is None)


@pytest.fixture
def tampered(standing_server, finished) -> list[str]:
    """What looks like a ticket."""
    ticket = ticket_of(standing_server, run=finished)
    plain, _, signature = ticket.rpartition(":")
    swapped = ticket_of(standing_server, run=finished).rpartition(":")[2]
    return [
        "", "%20", ":", "::", plain, f"{plain}:", f":{signature}", f"{plain}:{swapped}", f"{plain}x:{signature}",
        ticket[:-1], ticket + "x", ticket + "%00", ticket + "%0a", ticket.swapcase(), f"{ticket},{ticket}",
        f"x{ticket}",
        standing_server.token, "%ff%fe", "%ED%A0%80", "%F0%9F%8E%9F", "9" * 4096, "..%2f..%2f", "' OR 1=1 --",
    ]  # fmt: skip


def test_a_ticket_that_was_tampered_with_is_none(standing_server, finished, finished_batch, unharmed, tampered):
    paths = [path.format(id=finished) for path in STREAMS_OF_A_RUN] + [f"/api/batches/{finished_batch['id']}/stream"]
    with client_of(standing_server, None) as client:
        for ticket in tampered:
            for path in paths:
                answer = client.get(with_ticket(path, ticket))
                assert (answer.status_code, error_of(answer)["code"]) == (401, "AUTHENTICATION_ERROR"), ticket


async def test_a_ticket_that_was_tampered_with_opens_no_socket(standing_server, finished, unharmed, tampered):
    for ticket in tampered:
        for path in ("/ws/", f"/ws/runs/{finished}/"):
            async with socket_to(standing_server, with_ticket(path, ticket.replace(" ", "%20")), {}) as socket:
                assert await all_until_closed(socket) == (4401, []), ticket


async def test_a_ticket_on_a_socket_only_watches_and_only_its_own(standing_server, finished, finished_batch, unharmed):
    ticket, other = ticket_of(standing_server, run=finished), finished_batch["runs"][0]["id"]
    async with socket_to(standing_server, with_ticket(f"/ws/runs/{finished}/", ticket), {}) as socket:
        code, heard = await all_until_closed(socket)
    assert (code, heard[-1]["event"]) == (1000, "complete")
    async with socket_to(standing_server, with_ticket(f"/ws/runs/{other}/", ticket), {}) as socket:
        assert await all_until_closed(socket) == (4404, [])
    async with socket_to(standing_server, with_ticket("/ws/", ticket), {}) as socket:
        assert (await answer_to(socket, {"type": "subscribe", "run": finished, "after": 10**6}))["type"] == "ok"
        for what in ({"run": other}, {"batch": finished_batch["id"]}, {"run": MISSING}):
            assert (await answer_to(socket, {"type": "subscribe", **what}))["code"] == "NOT_FOUND"
        for command in ("cancel", "pause", "resume"):
            refused = await answer_to(socket, {"type": command, "run": finished})
            assert refused["code"] == "PERMISSION_DENIED"
        assert (await answer_to(socket, {"type": "start", **CANONICAL}))["code"] == "PERMISSION_DENIED"


def test_of_two_tickets_a_bad_one_is_not_saved_by_a_good_one(standing_server, finished, unharmed):
    ticket = ticket_of(standing_server, run=finished)
    with client_of(standing_server, "alice") as client:
        for query in (f"ticket={ticket}&ticket=x", "ticket=x"):
            assert client.get(f"/api/runs/{finished}/stream?{query}").status_code == 401


@pytest.mark.parametrize("body", [
    {}, {"run": None}, {"run": ""}, {"run": []}, {"run": {}}, {"run": 1}, {"run": True}, {"run": "x"}, {"run": "\0"},
    {"run": MISSING}, {"batch": MISSING}, {"run": MISSING, "batch": MISSING}, {"run": MISSING, "surprise": 1}, [], None,
    "run", 1, {"run": "../" * 100}, {"batch": "٣"}, {"run": "x" * 100_000}, {"run": 10**400},
])  # fmt: skip
def test_a_ticket_for_nothing_is_refused(standing_server, unharmed, body):
    with client_of(standing_server, "alice") as client:
        answer = client.post("/api/stream-tickets", json=body)
    assert (answer.status_code, error_of(answer)["code"]) in ((400, "VALIDATION_ERROR"), (404, "NOT_FOUND"))
    assert len(answer.content) < 10_000


def test_a_stranger_gets_no_ticket(standing_server, finished, finished_batch, unharmed):
    with client_of(standing_server, "charlie") as client:
        for theirs, missing in (
            ({"run": finished}, {"run": MISSING}),
            ({"batch": finished_batch["id"]}, {"batch": MISSING}),
        ):
            answers = [client.post("/api/stream-tickets", json=body) for body in (theirs, missing)]
            assert [answer.status_code for answer in answers] == [404, 404]
            assert answers[0].content == answers[1].content


# 61 seconds pass for every ticket and every end of a run.
AGE = """
from datetime import timedelta
from django.db.models import F
from generation.models import Run, StreamTicket
late = timedelta(seconds=61)
StreamTicket.objects.update(created_at=F("created_at") - late)
Run.objects.exclude(finished_at=None).update(finished_at=F("finished_at") - late)
"""


async def test_a_ticket_expires_unused_and_a_minute_after_its_runs_end(kind, make_server):
    server = make_server(kind)
    run = await asyncio.to_thread(finished_run, server)
    unused, used = ticket_of(server, run=run), ticket_of(server, run=run)
    with client_of(server, None) as client:
        stream = f"/api/runs/{run}/stream"
        assert (await asyncio.to_thread(client.get, with_ticket(stream, used))).status_code == 200
        aged = await asyncio.to_thread(server.manage, "shell", "--no-imports", "-c", AGE)
        assert aged.returncode == 0, aged.stderr
        for ticket in (unused, used):
            answer = await asyncio.to_thread(client.get, with_ticket(stream, ticket))
            assert (answer.status_code, error_of(answer)["code"]) == (401, "AUTHENTICATION_ERROR")
            async with socket_to(server, with_ticket(f"/ws/runs/{run}/", ticket), {}) as socket:
                assert await all_until_closed(socket) == (4401, [])
