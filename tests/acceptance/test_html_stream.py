"""`?as=html` on real servers: the same events under the same numbers, as fragments, and who may have them."""

import pytest

from tests.acceptance.asking import INSIDERS, MISSING, client_of, cookie, error_of, finished_run
from tests.acceptance.cases import KNEE
from tests.acceptance.test_access_pages import page
from tests.support.clients import RawStream, SseEvent, parse_sse


@pytest.fixture(scope="module")
def finished(standing_server) -> str:
    return finished_run(standing_server)


def stream(server, run_id: str, query: str = "as=html", name: str | None = "alice", **headers: str):
    with client_of(server, name, **headers) as client:
        return client.get(f"/api/runs/{run_id}/stream?{query}")


def events(answer) -> list[SseEvent]:
    return [event for event in map(parse_sse, answer.content.split(b"\n\n")[:-1]) if event.data]


def test_each_event_comes_under_its_name_and_number_as_a_fragment(standing_server, finished):
    fragments = events(stream(standing_server, finished))
    named = events(stream(standing_server, finished, "named=1"))
    assert [(event.event, event.id) for event in fragments] == [(event.event, event.id) for event in named]
    assert [event.event for event in named] == [event.json["event"] for event in named]
    assert {event.data[0] for event in fragments} == {"<"}
    items = {event.id: event.json["data"]["value"]["name"] for event in named if event.event == "item"}
    assert items
    for event in fragments:
        assert items.get(event.id, "") in event.data


@pytest.mark.parametrize("query", ["as=html", "named=1", "as=html&named=1"])
def test_the_bytes_are_those_of_the_contract(standing_server, finished, query):
    with RawStream(standing_server.base_url, f"/api/runs/{finished}/stream?{query}", standing_server.token) as raw:
        raw.read_until(b"\r\n0\r\n\r\n")
        retry, *blocks, rest = raw.body.split(b"\n\n")
    assert b"content-type: text/event-stream; charset=utf-8" in raw.head.lower()
    assert (retry, rest) == (b"retry: 1000", b"")
    for seq, block in enumerate(blocks, start=1):
        name, number, data = block.split(b"\n")
        assert name.startswith(b"event: ")
        assert number == b"id: %d" % seq
        assert data.startswith(b"data: ")


def test_it_goes_on_behind_the_cursor_and_stops_at_the_end(standing_server, finished):
    whole = events(stream(standing_server, finished))
    rest = events(stream(standing_server, finished, **{"Last-Event-ID": "3"}))
    assert rest == whole[3:] == events(stream(standing_server, finished, "as=html&after=3"))
    past = stream(standing_server, finished, **{"Last-Event-ID": whole[-1].id})
    assert (past.status_code, past.content) == (204, b"")


@pytest.mark.parametrize("form", ["", "json", "HTML", "html%20", "../html", "%00"])
def test_another_form_is_refused_by_its_field(standing_server, finished, form):
    answer = stream(standing_server, finished, f"as={form}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")
    assert (error_of(answer)["code"], set(error_of(answer)["fields"])) == ("VALIDATION_ERROR", {"as"})


@pytest.mark.parametrize("name", INSIDERS)
def test_owner_clinic_and_staff_get_the_fragments(standing_server, finished, name):
    assert events(stream(standing_server, finished, name=name))[-1].event == "complete"


def test_a_stranger_and_nobody_get_what_they_get_everywhere(standing_server, finished):
    theirs, missing = (stream(standing_server, run, name="charlie") for run in (finished, MISSING))
    assert (theirs.status_code, theirs.content) == (missing.status_code, missing.content)
    assert theirs.status_code == 404
    assert stream(standing_server, finished, name=None).status_code == 401


def test_words_of_the_run_come_in_its_language_whoever_reads_them(standing_server):
    run = standing_server.start_run(KNEE, language="da")
    told = events(stream(standing_server, run["id"], **{"Accept-Language": "en"}))
    assert any("Læser beskrivelsen" in event.data for event in told)


def test_a_name_made_to_break_a_stream_breaks_none(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=30)
    eve = server.add_account("<i>eve</i>\n\ndata: x\u2028")
    run = server.start_run(KNEE, eve)
    with server.client(eve) as client:
        client.post(run["urls"]["cancel"]).raise_for_status()
        *told, last = events(client.get(f"{run['urls']['stream']}?as=html"))
    assert [int(event.id or 0) for event in [*told, last]] == list(range(1, len(told) + 2))
    assert last.event == "cancelled"
    assert "&lt;i&gt;eve&lt;/i&gt; data: x" in last.data


@pytest.fixture
def live(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=30)
    return server, server.start_run(KNEE)["id"]


def test_the_live_page_is_for_those_who_may_see_the_run(live):
    server, run = live
    for name in INSIDERS:
        answer = page(server, name, f"/runs/{run}/live/")
        assert answer.status_code == 200
        assert f'sse-connect="/api/runs/{run}/stream?as=html"' in answer.text
    theirs, missing = (page(server, "charlie", f"/runs/{run_id}/live/") for run_id in (run, MISSING))
    assert (theirs.status_code, theirs.content) == (missing.status_code, missing.content)
    assert theirs.status_code == 404
    assert page(server, None, f"/runs/{run}/live/").headers["location"] == f"/login/?next=/runs/{run}/live/"


def test_the_session_of_a_page_is_enough_for_its_stream(standing_server, finished):
    answer = stream(standing_server, finished, name=None, **cookie(standing_server, "alice"))
    assert events(answer)[-1].event == "complete"


def test_the_live_page_of_an_ended_run_leads_to_its_outcome(standing_server, finished):
    answer = page(standing_server, "alice", f"/runs/{finished}/live/")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/runs/{finished}/")
