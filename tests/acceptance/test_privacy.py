"""What a case says of a person is in its run and nowhere else: no log, metric, admin page, refusal or byte on disk.

ASVS 14.2 and 16.2.5. The canaries stand where names and numbers stand in real notes.
"""

import base64
import json
import re
import time
from html import unescape

import pytest

from tests.acceptance.asking import SIGN_IN, STARTS, answer_to, client_of, raw, socket_to, token

CANARIES = {
    "name": "Kirstine Kanariefugl",
    "record number": "ZX-4411-KANARIE",
    "civil number": "010203-9876",
    "address": "kirstine@kanariefugl.example",
    "free text": "qwertzkanarie",
}
WHO = ", ".join(value for name, value in CANARIES.items() if name != "record number")
PROMPT = (
    f"{WHO}. 68 yo woman, right knee OA, pain 4/10 on stairs, 8 months, wants to walk 30 min, has a chair and stairs, "
    "no falls, BP controlled."
)
REFERRAL = f"{WHO}. Low back pain for two days with saddle numbness and new urinary retention since last night."
MRN = CANARIES["record number"]
# A word that does lie in the clear, so that the search is known to find what is there.
IN_THE_CLEAR = "exercise_program"


def traces(text: str) -> list[bytes]:
    """How a text may lie in a file: in any usual encoding, and as base64 at any of its three offsets."""
    found = []
    for spelling in {text, text.lower(), text.upper(), json.dumps(text)[1:-1]}:
        for plain in (spelling.encode(), spelling.encode("utf-16-le"), spelling.encode("utf-16-be")):
            found += [plain, plain.hex().encode(), plain.hex().upper().encode()]
            for shift in range(3):
                coded = base64.b64encode(b"\0" * shift + plain).rstrip(b"=")
                # The first and last characters hold bits of what stands around it.
                core = coded[(0, 2, 3)[shift] : -1]
                found += [core, core.translate(bytes.maketrans(b"+/", b"-_"))]
    return found


def leaks(content: bytes) -> list[str]:
    return [name for name, text in CANARIES.items() if any(trace in content for trace in traces(text))]


def until_ended(client, run) -> dict:
    give_up = time.monotonic() + 30
    while (snapshot := client.get(run["urls"]["self"]).json())["status"] not in ("succeeded", "failed", "cancelled"):
        assert time.monotonic() < give_up
        time.sleep(0.1)
    return snapshot


REFUSED_INPUTS = (
    {"prompt": PROMPT + "x" * 4000, "mrn": MRN},
    {"prompt": PROMPT, "mrn": MRN * 9},
    {"prompt": [PROMPT], "mrn": {"number": MRN}},
    {"prompt": PROMPT, "mrn": MRN, "surprise": WHO},
    {"prompt": PROMPT, "mrn": MRN, "engine": "llm"},
    {"prompt": PROMPT + "\0", "mrn": MRN},
)


def work_on(client, run_id: str) -> None:
    """All that a clinician does with a program afterwards, with canaries wherever a text may be typed."""
    program_id = client.get(f"/api/runs/{run_id}/result").raise_for_status().json()["program"]["id"]
    program = f"/api/programs/{program_id}"
    slug = client.get(program).raise_for_status().json()["items"][0]["slug"]
    for path, body in (
        ("/api/preview", {"kind": "exercise_program", "input": {"prompt": PROMPT, "mrn": MRN}}),
        ("/api/runs/search", {"mrn": MRN}),
        (f"/api/runs/{run_id}/corrections", {"corrections": {"side": "left"}}),
        (f"{program}/edits", {"version": 1, "action": "note", "slug": slug, "text": WHO}),
        (f"{program}/approve", {"version": 2}),
        (f"{program}/template", {"name": CANARIES["name"]}),
        (f"{program}/duplicate", {}),
        (f"{program}/shares", {}),
    ):
        client.post(path, json=body).raise_for_status()
    for path in ("handout.pdf", "fhir", "record-text", "versions/2/differences?to=1"):
        client.get(f"{program}/{path}").raise_for_status()


@pytest.fixture(scope="module")
def lived_through(request, tmp_path_factory, prepared):
    """A server on which runs with canaries have succeeded, referred, failed to start and been cancelled."""
    from tests.support.servers import Server

    folder = tmp_path_factory.mktemp("privacy")
    server = Server("uvicorn", folder, prepared.copy_to(folder), {"LOG_LEVEL": "DEBUG", "COMPOSER_PACE_S": 0.2}).start()
    refusals: list[bytes] = []
    with client_of(server, "alice") as client:
        body = {"kind": "exercise_program", "input": {"prompt": PROMPT, "mrn": MRN}}
        ended = [client.post("/api/runs", json=body).raise_for_status().json()]
        client.post("/api/generate-stream", json={"prompt": REFERRAL, "mrn": MRN}).raise_for_status()
        cancelled = client.post("/api/runs", json=body).raise_for_status().json()
        client.post(cancelled["urls"]["cancel"]).raise_for_status()
        ended = [until_ended(client, run) for run in (*ended, cancelled)]
        work_on(client, ended[0]["id"])
        for path, whole in STARTS.items():
            for refused in REFUSED_INPUTS:
                sent = {**whole, "input": refused} if "input" in whole else refused
                answer = client.post(path, json=sent)
                assert answer.status_code == 400
                refusals.append(answer.content + str(answer.headers).encode())
            # Cut off in the middle, of another type, and too large.
            for content in (json.dumps(whole | {"prompt": PROMPT})[:-5], PROMPT, PROMPT * 2000):
                answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
                refusals.append(answer.content)
    server.ended, server.refusals = ended, refusals
    yield server
    server.close()


def test_the_search_finds_what_lies_in_the_clear():
    text = CANARIES["name"]
    assert leaks(f'{{"prompt": "{text}"}}'.encode()) == ["name"]
    assert leaks(b"..." + base64.b64encode(f"ab{text}c".encode())) == ["name"]
    assert leaks(text.encode("utf-16")) == ["name"]
    assert leaks(b"Kirstine") == []


def test_the_owner_reads_what_was_written(lived_through):
    """Else nothing was stored, and everything below would hold of an empty server."""
    succeeded, cancelled = lived_through.ended
    assert (succeeded["status"], cancelled["status"]) == ("succeeded", "cancelled")
    for snapshot in lived_through.ended:
        given = json.dumps(snapshot["input"]).encode()
        assert leaks(given) == [name for name in CANARIES if name != "record number"]
        with client_of(lived_through, "alice") as client:
            assert client.post(f"/api/runs/{snapshot['id']}/record-number").json() == {"mrn": MRN}


def test_no_line_of_the_log_tells(lived_through):
    log = lived_through.log_text
    assert '"level": "debug"' in log or "DEBUG" in log
    assert leaks(log.encode()) == []


def test_no_refusal_tells(lived_through):
    assert len(lived_through.refusals) == len(STARTS) * (len(REFUSED_INPUTS) + 3)
    for refusal in lived_through.refusals:
        assert leaks(refusal) == [], refusal[:500]


def test_no_metric_tells(lived_through):
    rows = lived_through.rows("SELECT * FROM generation_metrics")
    assert {row[0] for row in lived_through.rows("SELECT DISTINCT outcome FROM generation_metrics")} >= {"succeeded"}
    assert leaks(repr(rows).encode()) == []


def test_no_byte_of_the_database_tells(lived_through):
    """With what the write-ahead log and its index still hold, and what deleted rows left in free pages."""
    assert lived_through.database is not None
    files = sorted(lived_through.database.parent.glob(f"{lived_through.database.name}*"))
    assert f"{lived_through.database.name}-wal" in [file.name for file in files]
    contents = {file.name: file.read_bytes() for file in files}
    assert IN_THE_CLEAR.encode() in b"".join(contents.values())
    assert {name: leaks(content) for name, content in contents.items()} == {name: [] for name in contents}


def test_no_file_beside_the_database_tells(lived_through):
    for file in lived_through.folder.rglob("*"):
        if file.is_file():
            assert leaks(file.read_bytes()) == [], file


def test_no_page_of_the_admin_tells(lived_through):
    done = lived_through.manage("shell", "--no-imports", "-c", SIGN_IN)
    key = json.loads(done.stdout.splitlines()[-1])["dana"]
    with client_of(lived_through, None, Cookie=f"sessionid={key}") as client:
        index = client.get("/admin/")
        assert index.status_code == 200
        lists = set(re.findall(r'href="(/admin/[a-z_]+/[a-z]+/)"', index.text))
        assert {"/admin/generation/run/", "/admin/metrics/generationmetric/"} <= lists
        pages = {address: client.get(address) for address in lists}
        details = {
            unescape(address)
            for page in pages.values()
            for address in re.findall(r'href="(/admin/[a-z_]+/[a-z]+/[^"/]+/change/)', page.text)
        }
        run_pages = [address for address in details if address.startswith("/admin/generation/run/")]
        assert len(run_pages) >= 3
        # All runs and metrics, and of the long lists beside them a few.
        others = sorted(details - set(run_pages))[:20]
        pages |= {address: client.get(address) for address in (*run_pages, *others)}
        pages |= {
            f"search {term}": client.get("/admin/generation/run/", params={"q": term}) for term in ("alice", "kanarie")
        }
    for address, page in pages.items():
        assert page.status_code == 200, address
        # A search for a term shows the term, as this one does not look like a canary.
        assert leaks(unescape(page.text).encode()) == [], address


# What errors say of the server

INTERNALS = re.compile(
    r"Traceback|File \"|/site-packages/|/home/|/tmp/|\.py\b|django\.|rest_framework|orjson|sqlite|psycopg|"
    r"SELECT |SECRET_KEY|FIELD_KEYS|DATABASE_URL|Exception|Error at |0x[0-9a-f]{6,}|\bDEBUG\b",
    re.IGNORECASE,
)
STRANGE_REQUESTS = [
    ("GET", "/api/runs/x", {}, None, 404),
    ("GET", "/api/nothing-here", {}, None, 404),
    ("GET", "/nothing-here", {}, None, 404),
    ("GET", "/static/../hepcompanion/settings.py", {}, None, 404),
    ("GET", "/static/%2e%2e/hep.sqlite3.keys", {}, None, 404),
    ("GET", "/hep.sqlite3", {}, None, 404),
    ("PUT", "/api/runs", {}, b"{}", 405),
    ("POST", "/api/runs", {}, b"{", 400),
    ("POST", "/api/runs", {"Content-Type": "text/plain"}, b"x", 415),
    ("POST", "/api/generate", {}, b"{", 400),
    ("POST", "/api/generate-stream", {}, b'{"surprise": 1}', 400),
    ("POST", "/api/runs/stream", {}, b"[]", 400),
    ("GET", "/api/runs?cursor=x", {}, None, 400),
    ("GET", "/api/runs?status=x", {}, None, 400),
    ("GET", "/api/runs", {"Authorization": "Token wrong"}, None, 401),
    ("GET", "/api/runs", {"Host": "evil.example"}, None, 400),
    ("GET", "/login/", {"Host": "evil.example"}, None, 400),
    ("POST", "/login/", {"Cookie": "csrftoken=x"}, b"", 403),
    ("POST", "/api/generate", {"Content-Length": "9999999"}, b"x" * 9_999_999, 413),
]


@pytest.mark.parametrize(("method", "path", "headers", "body", "expected"), STRANGE_REQUESTS)
def test_an_error_says_nothing_of_the_server(lived_through, method, path, headers, body, expected):
    sent = {"Content-Type": "application/json", **token(lived_through, "alice"), **headers}
    sent.pop("Content-Length", None)
    status, content = raw(lived_through, method, path, sent.items(), body)
    assert status == expected
    assert content
    assert INTERNALS.search(content.decode()) is None, content[:500]


async def test_an_error_on_a_socket_says_nothing_of_the_server(lived_through):
    async with socket_to(lived_through, "/ws/", token(lived_through, "alice")) as socket:
        for frame in ("x", "[]", '{"type": {}}', '{"type": "subscribe", "run": 1}', '{"type": "start", "input": 1}'):
            answer = json.dumps(await answer_to(socket, frame))
            assert INTERNALS.search(answer) is None, answer


def test_what_a_model_would_be_sent_tells_nobody(lived_through):
    body = {"kind": "exercise_program", "input": {"prompt": PROMPT, "mrn": MRN}}
    with client_of(lived_through, "alice") as client:
        shown = client.post("/api/preview", json=body).raise_for_status().json()
    assert json.loads(shown["task"]["messages"][1]["content"])["candidates"]
    # The word that names nobody is part of the case.
    assert leaks(json.dumps(shown).encode()) == ["free text"]


def test_what_leaves_for_other_systems_tells_nobody(lived_through):
    with client_of(lived_through, "alice") as client:
        result = client.get(f"/api/runs/{lived_through.ended[0]['id']}/result").json()
        program = f"/api/programs/{result['program']['id']}"
        assert leaks(client.get(f"{program}/fhir?version=1").raise_for_status().content) == []
        assert leaks(client.get(f"{program}/record-text?version=1").raise_for_status().content) == []
