"""/healthz and /readyz: for whoever watches over the process."""

from tests.acceptance.asking import raw

# No model is configured for the servers of the tests.
CHECKS = {"database": "ok", "channel_layer": "ok", "engine": "ok", "model": "none"}


def test_a_live_process_says_so_to_anybody_under_any_name(standing_server):
    status, body = raw(standing_server, "GET", "/healthz", [("Host", "10.0.0.7:8000")])
    assert (status, body) == (200, b'{"status":"ok"}')


def test_a_probe_may_ask_for_the_head_alone(standing_server):
    for path in ("/healthz", "/readyz"):
        assert raw(standing_server, "HEAD", path) == (200, b"")


def test_a_server_that_can_do_its_work_is_ready(standing_server):
    with standing_server.client(None) as client:
        answer = client.get("/readyz")
        assert client.post("/readyz").status_code == 405
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": CHECKS}


def test_without_its_channel_layer_it_is_alive_but_not_ready(kind, make_server, redis):
    server = make_server(kind, REDIS_URL=redis.url)
    with server.client(None) as client:
        assert client.get("/readyz").status_code == 200
        redis.kill()
        answer = client.get("/readyz")
        assert client.get("/healthz").status_code == 200
    assert (answer.status_code, answer.json()["checks"]["channel_layer"]) == (503, "unavailable")
    assert answer.json()["checks"]["database"] == "ok"
    assert answer.headers["retry-after"] == "5"
