"""Front ends on other origins: preflights, headers on every answer, and nothing for those not named (wire.md 2.5)."""

import pytest

from tests.acceptance.asking import CANONICAL, STARTS, all_until_closed, client_of, cookie, finished_run, socket_to
from tests.support import servers
from tests.support.servers import Server

FRIEND, STRANGER = "https://clinic.example:8443", "https://evil.example"
EXPOSED = {"location", "retry-after", "idempotent-replayed", "content-disposition"}
ACCEPTED = {
    "content-type", "accept", "authorization", "last-event-id", "idempotency-key", "x-csrftoken", "cache-control",
}  # fmt: skip
ADDRESSES = [
    ("/api/runs", "POST"),
    ("/api/runs/stream", "POST"),
    ("/api/generate-stream", "POST"),
    ("/api/runs/0b6f1c9e-4f8e-4f0e-9a51-3f2f4f0e9a51", "DELETE"),
    ("/api/runs/0b6f1c9e-4f8e-4f0e-9a51-3f2f4f0e9a51/stream", "GET"),
]


@pytest.fixture(scope="module", params=servers.KINDS)
def server(request, tmp_path_factory, prepared):
    folder = tmp_path_factory.mktemp(f"cors-{request.param}")
    made = Server(request.param, folder, prepared.copy_to(folder), {"CORS_ALLOWED_ORIGINS": FRIEND}).start()
    yield made
    made.close()


def names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_a_preflight_of_a_named_origin_is_answered_without_sign_in(server, path, method):
    asks = {
        "Origin": FRIEND,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "last-event-id",
    }
    with client_of(server, None) as client:
        answer = client.options(path, headers=asks)
    assert answer.status_code in (200, 204)
    headers = answer.headers
    assert headers["access-control-allow-origin"] == FRIEND
    assert headers["access-control-allow-credentials"] == "true"
    assert method in headers["access-control-allow-methods"]
    assert names(headers["access-control-allow-headers"]) >= ACCEPTED
    assert "origin" in names(headers["vary"])


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_a_preflight_of_any_other_origin_allows_nothing(server, path, method):
    with client_of(server, None) as client:
        answer = client.options(path, headers={"Origin": STRANGER, "Access-Control-Request-Method": method})
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", STARTS)
def test_answers_and_refusals_may_be_read_by_a_named_origin(server, path):
    with client_of(server, "alice", Origin=FRIEND) as client:
        good, bad = client.post(path, json=STARTS[path]), client.post(path, json={})
    with client_of(server, None, Origin=FRIEND) as client:
        nobody = client.post(path, json=STARTS[path])
    assert [answer.status_code for answer in (good, bad, nobody)] in ([201, 400, 401], [200, 400, 401])
    for answer in (good, bad, nobody):
        assert answer.headers["access-control-allow-origin"] == FRIEND
        assert names(answer.headers["access-control-expose-headers"]) >= EXPOSED


def test_too_large_a_body_may_be_read_too(server):
    with client_of(server, "alice", Origin=FRIEND) as client:
        answer = client.post("/api/runs", content=b" " * 300_000, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (413, FRIEND)


def test_a_named_origin_counts_as_the_same_for_a_cookie(server):
    with client_of(server, None, Origin=FRIEND, **cookie(server, "alice")) as client:
        friendly = client.post("/api/runs", json=CANONICAL, headers={"Sec-Fetch-Site": "cross-site"})
        strange = client.post("/api/runs", json=CANONICAL, headers={"Origin": STRANGER, "Sec-Fetch-Site": "cross-site"})
    assert (friendly.status_code, strange.status_code) == (201, 403)
    assert "access-control-allow-origin" not in strange.headers


async def test_a_named_origin_may_open_a_socket(server):
    run = finished_run(server)
    for origin, code in {FRIEND: 1000, STRANGER: 4403, "https://clinic.example": 4403}.items():
        async with socket_to(server, f"/ws/runs/{run}/", {"Origin": origin, **cookie(server, "alice")}) as socket:
            assert (await all_until_closed(socket))[0] == code


def test_the_pages_are_for_no_other_origin(server):
    with client_of(server, None, Origin=FRIEND, **cookie(server, "alice")) as client:
        for path in ("/", "/runs/", "/admin/", "/static/generation/base.css"):
            assert "access-control-allow-credentials" not in client.get(path).headers


def test_by_default_no_origin_is_named(standing_server):
    with client_of(standing_server, "alice", Origin="http://localhost:5173") as client:
        assert "access-control-allow-origin" not in client.get("/api/runs").headers
