"""A cookie travels with what other sites send, so only our own pages may act with it (wire.md 1.5).

The consumers are tried like the views: no middleware of Django's stands before them.
"""

import json

import pytest
from django.http import HttpRequest
from django.middleware.csrf import get_token
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.acceptance.asking import (
    STARTS,
    answer_to,
    client_of,
    cookie,
    error_of,
    raw,
    runs_made,
    session_keys,
    socket_to,
    token,
)
from tests.acceptance.cases import KNEE

SECRET = "abcdefghijABCDEFGHIJ0123456789XY"
EVIL = "https://evil.example"
# Cancelling changes something too. The run has ended, so a served request is answered with 409.
CANCEL = "/api/runs/{id}/cancel"
UNSAFE = [*STARTS, CANCEL]
SERVED = {"/api/runs": 201, CANCEL: 409}


def masked(secret: str) -> str:
    """The token as a template prints it: another one each time, for the same secret."""
    request = HttpRequest()
    request.META["CSRF_COOKIE"] = secret
    return get_token(request)


# `{own}` is the server's origin, `{host}` its host with the port.
REFUSED = {
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "no known site": {"Sec-Fetch-Site": "same-origin-ish"},
    "two sites": {"Sec-Fetch-Site": "same-origin, cross-site"},
    "cross-site with its origin": {"Sec-Fetch-Site": "cross-site", "Origin": EVIL},
    "foreign origin": {"Origin": EVIL},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "no port": {"Origin": "http://127.0.0.1"},
    "another scheme": {"Origin": "https://{host}"},
    "a longer name": {"Origin": "{own}.evil.example"},
    "own name as a user": {"Origin": "http://{host}@evil.example"},
    "two origins": {"Origin": "{own} https://evil.example"},
    "null origin": {"Origin": "null"},
    "empty origin": {"Origin": ""},
    "forwarded host": {"Origin": EVIL, "X-Forwarded-Host": "evil.example"},
    "nothing": {},
    "referer alone": {"Referer": "{own}/"},
    "underscores": {"Sec_Fetch_Site": "same-origin"},
    "ajax mark": {"X-Requested-With": "XMLHttpRequest"},
    "token without cookie": {"X-CSRFToken": SECRET},
    "cookie without token": {"Cookie": "csrftoken={secret}"},
    "another token": {"Cookie": "csrftoken={secret}", "X-CSRFToken": "x" * 32},
    "malformed pair": {"Cookie": "csrftoken=short", "X-CSRFToken": "short"},
    "empty pair": {"Cookie": "csrftoken=", "X-CSRFToken": ""},
    "good token from a foreign origin": {"Cookie": "csrftoken={secret}", "X-CSRFToken": "{secret}", "Origin": EVIL},
}
ACCEPTED = {
    "same-origin": {"Sec-Fetch-Site": "same-origin"},
    "typed or bookmarked": {"Sec-Fetch-Site": "none"},
    "own origin": {"Origin": "{own}"},
    "as a browser sends it": {"Sec-Fetch-Site": "same-origin", "Origin": "{own}", "Referer": "{own}/"},
    "bare token": {"Cookie": "csrftoken={secret}", "X-CSRFToken": "{secret}"},
    "masked token": {"Cookie": "csrftoken={secret}", "X-CSRFToken": "{masked}"},
}


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    with client_of(standing_server, "alice") as client:
        answer = client.post("/api/generate", json={"prompt": KNEE}).raise_for_status()
    return answer.headers["location"].rsplit("/", 1)[1]


def filled(server, headers) -> dict[str, str]:
    host = f"127.0.0.1:{server.port}"
    known = {"{own}": server.base_url, "{host}": host, "{secret}": SECRET, "{masked}": masked(SECRET)}
    made = dict(headers)
    for mark, value in known.items():
        made = {name: text.replace(mark, value) for name, text in made.items()}
    return made


def with_cookie(server, headers) -> dict[str, str]:
    """The same headers from a browser that is signed in as Alice."""
    sent = filled(server, headers)
    return {**sent, "Cookie": f"sessionid={session_keys(server)['alice']}; {sent.get('Cookie', '')}".rstrip("; ")}


def ask(server, path, headers, run_id):
    with client_of(server, None) as client:
        return client.post(path.format(id=run_id), json=STARTS.get(path), headers=headers)


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize("name", REFUSED)
def test_a_cookie_from_elsewhere_starts_and_changes_nothing(standing_server, finished, path, name):
    before = runs_made(standing_server)
    answer = ask(standing_server, path, with_cookie(standing_server, REFUSED[name]), finished)
    assert (answer.status_code, error_of(answer)["code"]) == (403, "PERMISSION_DENIED")
    # Or the other site could read the refusal, and with it whether somebody is signed in.
    assert "access-control-allow-origin" not in answer.headers
    assert runs_made(standing_server) == before


def test_a_cookie_from_elsewhere_stops_no_run(make_server):
    server = make_server("uvicorn", COMPOSER_PACE_S=60)
    run = server.start_run(KNEE)
    answer = ask(server, CANCEL, with_cookie(server, {"Origin": EVIL}), run["id"])
    assert answer.status_code == 403
    assert server.snapshot(run["id"])["status"] in ("queued", "running")
    answer = ask(server, CANCEL, with_cookie(server, {"Origin": "{own}"}), run["id"])
    assert answer.status_code == 202


def test_a_cookie_from_elsewhere_does_not_take_over_a_stream(standing_server, finished):
    headers = with_cookie(standing_server, {"Origin": EVIL, "Last-Event-ID": f"{finished}:0"})
    assert ask(standing_server, "/api/generate-stream", headers, finished).status_code == 403


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize("name", ACCEPTED)
def test_our_own_pages_are_served(standing_server, finished, path, name):
    answer = ask(standing_server, path, with_cookie(standing_server, ACCEPTED[name]), finished)
    assert answer.status_code == SERVED.get(path, 200), answer.text[:300]


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize("name", ["cross-site with its origin", "null origin", "nothing"])
@pytest.mark.parametrize("signed_in", [False, True])
def test_a_token_in_the_header_needs_no_origin(standing_server, finished, path, name, signed_in):
    sent = with_cookie(standing_server, REFUSED[name]) if signed_in else filled(standing_server, REFUSED[name])
    answer = ask(standing_server, path, sent | token(standing_server, "alice"), finished)
    assert answer.status_code == SERVED.get(path, 200), answer.text[:300]


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize("value", ["Token wrong", "Token", "Basic YWxpY2U6eA==", "Bearer x"])
def test_a_useless_authorization_header_does_not_lift_the_rule(standing_server, finished, path, value):
    """Else any page could add one: the cookie would sign the request in, and the header would excuse it."""
    before = runs_made(standing_server)
    headers = with_cookie(standing_server, {"Origin": EVIL, "Authorization": value})
    assert ask(standing_server, path, headers, finished).status_code in (401, 403)
    assert runs_made(standing_server) == before


@pytest.mark.parametrize(
    "path", ["/api/runs", "/api/runs/{id}", "/api/runs/{id}/stream", "/api/runs/{id}/events?wait=0"]
)
def test_reading_needs_no_origin_but_is_not_shared(standing_server, finished, path):
    headers = with_cookie(standing_server, REFUSED["cross-site with its origin"])
    with client_of(standing_server, None) as client:
        answer = client.get(path.format(id=finished), headers=headers)
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_the_pages_form_needs_its_token(standing_server):
    before = runs_made(standing_server)
    with client_of(standing_server, None) as client:
        answer = client.post("/", data={"prompt": KNEE}, headers=with_cookie(standing_server, {"Origin": EVIL}))
    assert answer.status_code == 403
    assert runs_made(standing_server) == before


# Sockets

SOCKETS = ("/ws/", "/ws/runs/{id}/?after=100000")
FOREIGN = (EVIL, "http://127.0.0.1:1", "http://127.0.0.1", "https://{host}", "{own}.evil.example", "null", "")


async def outcome(server, path, headers) -> object:
    """ "served", the close code, or "no handshake" where the server itself can't read the origin."""
    try:
        async with socket_to(server, path, headers) as socket:
            try:
                # The one-run socket of an ended run closes at once when it serves.
                await answer_to(socket, {"type": "ping"})
            except ConnectionClosed:
                return "served" if socket.close_code == 1000 else socket.close_code
            return "served"
    except InvalidStatus:
        return "no handshake"


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize("identify", [cookie, token, None])
@pytest.mark.parametrize("origin", FOREIGN)
async def test_a_foreign_origin_opens_no_socket(standing_server, finished, path, identify, origin):
    headers = filled(standing_server, {"Origin": origin})
    if identify is not None:
        headers |= identify(standing_server, "alice")
    ended = await outcome(standing_server, path.format(id=finished), headers)
    # What is no address at all, autobahn answers with 400 before it asks us.
    assert ended == 4403 or (ended == "no handshake" and origin in ("", "{own}.evil.example"))


@pytest.mark.parametrize("path", SOCKETS)
@pytest.mark.parametrize(("identify", "origin", "expected"), [
    (cookie, None, 4403),
    (cookie, "{own}", "served"),
    (token, None, "served"),
    (token, "{own}", "served"),
    (None, "{own}", 4401),
    (None, None, 4401),
])  # fmt: skip
async def test_a_socket_opens_for(standing_server, finished, path, identify, origin, expected):
    headers = filled(standing_server, {"Origin": origin}) if origin else {}
    if identify is not None:
        headers |= identify(standing_server, "alice")
    assert await outcome(standing_server, path.format(id=finished), headers) == expected


# Hosts

UNKNOWN_HOSTS = ("evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "127.0.0.1@evil.example",
                 "evil.example#127.0.0.1", "127.0.0.1, evil.example", "[::1", "", "x" * 300)  # fmt: skip
ADDRESSES = (
    ("GET", "/api/runs"), ("GET", "/api/runs/{id}"), ("GET", "/api/runs/{id}/stream"), ("GET", "/login/"),
    ("GET", "/api/runs/{id}/events?wait=0"), ("POST", "/api/runs/stream"), ("POST", "/api/generate"),
    ("POST", "/api/generate-stream"),
)  # fmt: skip


@pytest.mark.parametrize("host", UNKNOWN_HOSTS)
def test_a_host_that_is_not_ours_is_refused_everywhere(standing_server, finished, host):
    before = runs_made(standing_server)
    identity = [*token(standing_server, "alice").items(), ("Host", host.format(port=standing_server.port))]
    seen = {}
    for method, path in ADDRESSES:
        body = json.dumps(STARTS[path]).encode() if method == "POST" else None
        seen[path] = raw(standing_server, method, path.format(id=finished), identity, body)[0]
    assert set(seen.values()) == {400}, seen
    assert runs_made(standing_server) == before


def test_a_name_that_was_rebound_to_us_acts_with_no_cookie(standing_server, finished):
    """The page of evil.example asks evil.example, whose address is now ours: origin and host agree."""
    before = runs_made(standing_server)
    headers = with_cookie(standing_server, {"Origin": "http://evil.example", "Host": "evil.example"})
    for path, body in STARTS.items():
        status, _ = raw(standing_server, "POST", path, headers.items(), json.dumps(body).encode())
        assert status == 400
    assert runs_made(standing_server) == before
