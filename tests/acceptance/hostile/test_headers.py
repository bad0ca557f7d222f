"""Headers in floods, of odd bytes and of no known charset do no harm."""

import pytest

from tests.acceptance.asking import raw, token

FLOODED = (
    "X-Noise",
    "Cookie",
    "Last-Event-ID",
    "Origin",
    "Accept",
    "Authorization",
    "Sec-Fetch-Site",
    "X-Forwarded-For",
)


@pytest.mark.parametrize("name", FLOODED)
def test_a_thousand_headers_of_one_name_do_no_harm(standing_server, finished, unharmed, name):
    flood = [(name, f"v{number}") for number in range(1000)]
    for method, path in (("GET", "/api/runs"), ("GET", f"/api/runs/{finished}/stream"), ("POST", "/api/generate")):
        try:
            status, _ = raw(standing_server, method, path, flood, b"{}" if method == "POST" else None)
        except ConnectionError:
            # A server may hang up on that.
            continue
        assert 400 <= status < 500


@pytest.mark.parametrize("kind_of_body", ["zlib", "nonsense", "base64", "undefined", "utf-16"])
def test_a_charset_that_is_none_does_no_harm_to_reading(standing_server, unharmed, kind_of_body):
    headers = {**token(standing_server, "alice"), "Content-Type": f"application/json; charset={kind_of_body}"}
    status, _ = raw(standing_server, "GET", "/api/runs?kind=%e9", headers.items())
    assert status in (200, 400)


@pytest.mark.parametrize("byte", [0x0B, 0x0C, 0x1C, 0x1D, 0x1E, 0x85, 0xFF])
def test_odd_bytes_in_headers_do_no_harm(standing_server, finished, unharmed, byte):
    odd = b"a" + bytes((byte,)) + b"b"
    upgrade = [("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
               ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")]  # fmt: skip
    for name in ("X-Odd", "Origin", "Cookie", "Authorization", "Last-Event-ID", "Accept-Language", "Sec-Fetch-Site"):
        for path, more in ((f"/api/runs/{finished}/stream", []), ("/api/runs", []), ("/ws/", upgrade)):
            pairs = [*more, (name, odd)]
            try:
                status, _ = raw(standing_server, "GET", path, pairs)
            except ConnectionError:
                continue
            assert status < 500
