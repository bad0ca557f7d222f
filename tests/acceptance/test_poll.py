"""Long polling: pages of the same log."""

import time

import pytest

from tests.acceptance.cases import KNEE


@pytest.mark.parametrize("wait", ["-1", "56", "abc", "nan", "1e9", ""])
def test_a_wait_outside_its_bounds_is_refused(standing_server, wait):
    run = standing_server.start_run(KNEE)
    with standing_server.client() as client:
        answer = client.get(f"/api/runs/{run['id']}/events?wait={wait}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_with_no_wait_it_answers_at_once(make_server):
    server = make_server("uvicorn", COMPOSER_PACE_S=30)
    run = server.start_run(KNEE)
    with server.client() as client:
        page = client.get(f"/api/runs/{run['id']}/events?after=1000&wait=0").json()
    assert page == {"events": [], "last_seq": 1000, "done": False}


def test_it_waits_for_the_next_event(make_server):
    server = make_server("daphne", COMPOSER_PACE_S=1.5)
    run = server.start_run(KNEE)
    with server.client() as client:
        time.sleep(0.7)
        before = client.get(f"/api/runs/{run['id']}/events?wait=0").json()
        after = client.get(f"/api/runs/{run['id']}/events?after={before['last_seq']}&wait=20").json()
    assert after["events"][0]["seq"] == before["last_seq"] + 1


def test_the_last_page_says_that_it_is_done(standing_server):
    run = standing_server.start_run(KNEE)
    with standing_server.client() as client:
        page = {"done": False, "last_seq": 0}
        while not page["done"]:
            page = client.get(f"/api/runs/{run['id']}/events?after={page['last_seq']}&wait=20").json()
        assert page["events"][-1]["event"] == "complete"
        again = client.get(f"/api/runs/{run['id']}/events?after={page['last_seq']}&wait=20").json()
    assert again == {"events": [], "last_seq": page["last_seq"], "done": True}
