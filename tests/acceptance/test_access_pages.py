"""Who may, on the pages: a stranger's page is the missing one's, and nobody is sent to sign in (1.5)."""

import httpx
import pytest

from tests.acceptance.asking import INSIDERS, MISSING, client_of, cookie, finished_run, session_keys

PAGES = ("/runs/{id}/", "/?from={id}")


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    return finished_run(standing_server)


def page(server, name, path, **options) -> httpx.Response:
    headers = cookie(server, name) if name else {}
    with client_of(server, None) as client:
        return client.get(path, headers=headers, **options)


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


def test_a_page_is_not_cancelled_by_looking(standing_server, finished):
    answer = page(standing_server, "alice", f"/runs/{finished}/cancel/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
