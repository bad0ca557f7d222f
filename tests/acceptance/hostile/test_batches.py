"""A batch that is none is refused whole, and nobody else's can be seen or steered."""

import json

import pytest

from tests.acceptance.asking import MISSING, answer_to, client_of, error_of, socket_to, token
from tests.acceptance.cases import KNEE

GOOD = {"prompt": KNEE}
ROWS = 100


def batch(inputs: object, **more: object) -> dict[str, object]:
    return {"kind": "exercise_program", "inputs": inputs, **more}


BAD_BATCHES: dict[str, tuple[object, str | None]] = {
    "no rows": (batch([]), "inputs"),
    "a row too many": (batch([GOOD] * (ROWS + 1)), "inputs"),
    "rows as an object": (batch({"0": GOOD}), "inputs"),
    "rows as text": (batch("rows"), "inputs"),
    "rows as null": (batch(None), "inputs"),
    "no inputs": ({"kind": "exercise_program"}, "inputs"),
    "input in place of inputs": ({"kind": "exercise_program", "input": GOOD}, None),
    "no kind": ({"inputs": [GOOD]}, "kind"),
    "unknown kind": ({"kind": "unknown", "inputs": [GOOD]}, "kind"),
    "kind as a list": ({"kind": ["exercise_program"], "inputs": [GOOD]}, "kind"),
    "unknown field": (batch([GOOD], surprise=1), "surprise"),
    "max_parallel of 0": (batch([GOOD], max_parallel=0), "max_parallel"),
    "max_parallel of -1": (batch([GOOD], max_parallel=-1), "max_parallel"),
    "max_parallel of 10^9": (batch([GOOD], max_parallel=10**9), "max_parallel"),
    "max_parallel of 10^400": (batch([GOOD], max_parallel=10**400), None),
    "max_parallel as text": (batch([GOOD], max_parallel="x"), "max_parallel"),
    "max_parallel with a fraction": (batch([GOOD], max_parallel=1.5), "max_parallel"),
    "max_parallel as a truth": (batch([GOOD], max_parallel=True), "max_parallel"),
    "max_parallel as a list": (batch([GOOD], max_parallel=[1]), "max_parallel"),
    "max_parallel as null": (batch([GOOD], max_parallel=None), "max_parallel"),
    "a list": ([GOOD], None),
    "null": (None, None),
}


def post(server, body: object):
    with client_of(server, "alice") as client:
        return client.post("/api/batches", content=json.dumps(body), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("name", BAD_BATCHES)
def test_a_bad_batch_is_refused_by_its_field(standing_server, unharmed, name):
    body, field = BAD_BATCHES[name]
    answer = post(standing_server, body)
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR"), answer.text[:300]
    assert field is None or field in error["fields"]
    assert len(answer.content) < 10_000


BAD_ROWS: dict[str, object] = {
    "number": 1, "null": None, "text": KNEE, "list": [GOOD], "empty": {}, "short": {"prompt": "short"},
    "unknown field": {**GOOD, "surprise": 1}, "clinic of nobody": {**GOOD, "clinic_id": MISSING},
    "deep prompt": {"prompt": [[[[]]]]}, "another engine": {**GOOD, "engine": "magic"},
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_ROWS)
def test_a_bad_row_is_named_by_its_index_and_nothing_starts(standing_server, unharmed, name):
    answer = post(standing_server, batch([GOOD, BAD_ROWS[name], GOOD]))
    error = error_of(answer)
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR"), answer.text[:300]
    assert set(error["fields"]["inputs"]) == {"1"}


def test_every_bad_row_is_named_whatever_is_wrong_with_it(standing_server, unharmed):
    rows = [{"prompt": "short"}, GOOD, {}, {**GOOD, "surprise": 1}]
    error = error_of(post(standing_server, batch(rows)))
    assert {row: set(faults) for row, faults in error["fields"]["inputs"].items()} == {
        "0": {"prompt"}, "2": {"prompt"}, "3": {"surprise"},
    }  # fmt: skip


@pytest.mark.parametrize("row", [1, {}, [], {"a": 1}])
def test_as_many_bad_rows_as_fit_are_not_answered_at_length(standing_server, unharmed, row):
    count = 250_000 // (len(json.dumps(row)) + 2)
    answer = post(standing_server, batch([row] * count))
    assert (answer.status_code, set(error_of(answer)["fields"])) == (400, {"inputs"})
    assert len(answer.content) < 10_000


# Those of others


WAYS = [("GET", ""), ("GET", "/stream"), ("POST", "/cancel"), ("POST", "/retry")]
STEERING = [("POST", "/cancel"), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/retry"), ("DELETE", "")]
NO_IDS = ["x", "%00", "..%2f", "%2e%2e", "0" * 36, MISSING + "0", MISSING.upper(), "%E2%80%8F" + MISSING, "run.*"]


@pytest.fixture(scope="module")
def alices(standing_server) -> dict:
    """A batch of Alice without a clinic that has ended."""
    with client_of(standing_server, "alice") as client:
        made = client.post("/api/batches", json=batch([GOOD])).raise_for_status().json()
        client.get(f"/api/batches/{made['id']}/stream").raise_for_status()
        return client.get(f"/api/batches/{made['id']}").json()


@pytest.mark.parametrize(("method", "path"), WAYS)
def test_a_strangers_batch_is_not_there(standing_server, alices, unharmed, method, path):
    with client_of(standing_server, "charlie") as client:
        theirs, missing = [client.request(method, f"/api/batches/{one}{path}") for one in (alices["id"], MISSING)]
    assert (theirs.status_code, error_of(theirs)["code"]) == (404, "NOT_FOUND")
    assert theirs.content == missing.content


@pytest.mark.parametrize("name", NO_IDS)
def test_an_id_that_is_none_finds_nothing(standing_server, unharmed, name):
    with client_of(standing_server, "alice") as client:
        for method, path in WAYS:
            assert client.request(method, f"/api/batches/{name}{path}").status_code == 404
        for method, path in STEERING:
            assert client.request(method, f"/api/runs/{name}{path}").status_code == 404


@pytest.mark.parametrize(("method", "path"), STEERING)
def test_a_strangers_run_is_not_there_to_be_steered(standing_server, finished, unharmed, method, path):
    with client_of(standing_server, "charlie") as client:
        theirs, missing = [client.request(method, f"/api/runs/{one}{path}") for one in (finished, MISSING)]
    assert (theirs.status_code, error_of(theirs)["code"]) == (404, "NOT_FOUND")
    assert theirs.content == missing.content
    with client_of(standing_server, "alice") as client:
        assert client.get(f"/api/runs/{finished}").json()["status"] == "succeeded"


async def test_a_stranger_subscribes_to_a_batch_that_never_was(standing_server, alices, unharmed):
    async with socket_to(standing_server, "/ws/", token(standing_server, "charlie")) as socket:
        for command in ("subscribe", "unsubscribe"):
            theirs, missing = [
                await answer_to(socket, {"type": command, "batch": one, "ref": 1}) for one in (alices["id"], MISSING)
            ]
            assert {**theirs, "batch": None} == {**missing, "batch": None}
        assert (await answer_to(socket, {"type": "subscribe", "batch": alices["id"]}))["code"] == "NOT_FOUND"


# How a stream is asked for


FORMS = ["as=xml", "as=HTML", "as=", "as=%00", "as=html&as=json", "as=../../base", "as=__class__", "named=2", "named=",
         "named=true", "named=%FF", "named=1&named=0", "as=html&named=1", "as=" + "x" * 2000]  # fmt: skip


@pytest.mark.parametrize("query", FORMS)
def test_a_form_that_is_none_is_refused_or_passed_over(standing_server, finished, unharmed, query):
    with client_of(standing_server, "alice") as client:
        answer = client.get(f"/api/runs/{finished}/stream?{query}")
    assert answer.status_code in (200, 400)
    if answer.status_code == 200:
        ids = [int(line[4:]) for line in answer.text.split("\n") if line.startswith("id: ")]
        assert ids == list(range(1, len(ids) + 1))
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
