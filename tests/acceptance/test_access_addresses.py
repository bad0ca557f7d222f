"""What no address takes: a wrong method is told the right ones, and a malformed id is a run that never was."""

from urllib.parse import quote

import pytest

from tests.acceptance.asking import (
    MISSING,
    all_until_closed,
    answer_to,
    client_of,
    cookie,
    error_of,
    finished_run,
    raw,
    socket_to,
    token,
)


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    return finished_run(standing_server)


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
