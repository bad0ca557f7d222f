"""The older dialect: `POST /api/generate-stream` and `POST /api/generate` (wire.md 2.1)."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.acceptance.cases import CAUDA_EQUINA, KNEE, NONSENSE
from tests.support.clients import parse_sse

STAGES = ["started", "fetching-exercises", "generating", "validating", "storing", "complete"]


def frames_of(text: str) -> list[tuple[str | None, dict]]:
    """(id, data) of each frame that is no heartbeat."""
    frames = map(parse_sse, text.encode().split(b"\n\n"))
    return [(frame.id, frame.json) for frame in frames if frame.data and frame.event != "ping"]


def ended(server, run_id: str, within_s: float = 15) -> str:
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        status = server.snapshot(run_id)["status"]
        if status in ("succeeded", "failed", "cancelled"):
            return status
        time.sleep(0.1)
    return status


@pytest.mark.parametrize(
    ("prompt", "outcome"), [(KNEE, "program"), (CAUDA_EQUINA, "referral"), (NONSENSE, "insufficient_info")]
)
def test_all_six_stages_come_whatever_the_outcome(standing_server, prompt, outcome):
    with standing_server.client() as client:
        answer = client.post("/api/generate-stream", json={"prompt": prompt})
    frames = frames_of(answer.text)
    stages = [frame["stage"] for _, frame in frames if "stage" in frame]
    assert sorted(set(stages), key=stages.index) == STAGES
    progress = [frame["progress"] for _, frame in frames if "stage" in frame]
    assert progress == sorted(progress)
    assert (progress[0], progress[-1]) == (5, 100)
    assert all("estimatedTimeRemaining" in frame for _, frame in frames if "stage" in frame)
    assert frames[-2][1]["estimatedTimeRemaining"] == 0
    assert frames[-1][1]["type"] == "result"
    assert frames[-1][1]["data"]["outcome"] == outcome


def test_a_program_has_what_the_contract_promises(standing_server):
    with standing_server.client() as client:
        result = client.post("/api/generate", json={"prompt": KNEE}).json()
    assert set(result) >= {"outcome", "profile", "program", "referral", "engine_used"}
    program = result["program"]
    assert set(program) >= {
        "id", "title", "summary_for_patient", "duration_weeks", "items", "pain_rule", "stop_rules", "education",
        "warnings", "assumptions",
    }  # fmt: skip
    assert program["id"]
    for item in program["items"]:
        assert set(item) >= {
            "slug", "name", "role", "dose", "dose_text", "reason", "steps", "progress_when", "precaution",
        }  # fmt: skip
    assert result["profile"]["side"] == "right"
    assert "knee" in result["profile"]["evidence"]["regions"].lower()


def test_a_stop_flag_gives_a_referral_without_exercises(standing_server):
    with standing_server.client() as client:
        result = client.post("/api/generate", json={"prompt": CAUDA_EQUINA}).json()
    assert result["program"] is None
    assert result["referral"]["code"] == "cauda_equina"
    assert result["referral"]["matched_text"].lower() in CAUDA_EQUINA.lower()


def test_a_reconnect_by_last_event_id_follows_the_same_run(standing_server):
    with standing_server.client() as client:
        first = frames_of(client.post("/api/generate-stream", json={"prompt": KNEE}).text)
        before = client.get("/api/runs?page_size=100").json()["results"]
        cursor = first[2][0]
        again = client.post("/api/generate-stream", json={}, headers={"Last-Event-ID": cursor})
        after = client.get("/api/runs?page_size=100").json()["results"]
    assert frames_of(again.text) == first[3:]
    assert [run["id"] for run in before] == [run["id"] for run in after]


def leave_after(server, frames: int, path: str = "/api/generate-stream", **headers: str) -> str:
    """Start, read some frames, close; returns the run's id."""
    with (
        server.client() as client,
        client.stream("POST", path, json={"prompt": KNEE}, headers=headers) as response,
    ):
        text = ""
        for piece in response.iter_text():
            text += piece
            if text.count("\ndata: ") >= frames:
                break
        return response.headers["location"].rsplit("/", 1)[1]


def test_a_client_that_leaves_cancels_its_run(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=1, OWNED_STREAM_GRACE_S=0.5)
    run_id = leave_after(server, 3)
    assert ended(server, run_id) == "cancelled"
    assert server.snapshot(run_id)["cancelled_by"] == "alice"


def test_a_client_that_comes_back_within_the_grace_keeps_it(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=0.7, OWNED_STREAM_GRACE_S=2)
    run_id = leave_after(server, 3)
    with server.client() as client:
        rest = client.post("/api/generate-stream", headers={"Last-Event-ID": f"{run_id}:1"})
    assert frames_of(rest.text)[-1][1]["type"] == "result"
    assert ended(server, run_id) == "succeeded"


def test_a_detached_run_goes_on_alone(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=0.5, OWNED_STREAM_GRACE_S=0.3)
    run_id = leave_after(server, 3, "/api/generate-stream?detach=1")
    assert ended(server, run_id) == "succeeded"


def test_the_canonical_stream_is_not_owned(make_server):
    server = make_server("uvicorn", COMPOSER_PACE_S=0.5, OWNED_STREAM_GRACE_S=0.3)
    run = server.start_run(KNEE)
    with server.client() as client, client.stream("GET", run["urls"]["stream"]) as response:
        next(response.iter_text())
    assert ended(server, run["id"]) == "succeeded"


def test_leaving_the_classic_request_cancels_too(kind, make_server):
    server = make_server(kind, COMPOSER_PACE_S=1, OWNED_STREAM_GRACE_S=0.3)
    with server.client() as client, pytest.raises(httpx.ReadTimeout):
        client.post("/api/generate", json={"prompt": KNEE}, timeout=1.5)
    with server.client() as client:
        (run,) = client.get("/api/runs").json()["results"]
    assert ended(server, run["id"]) == "cancelled"


@pytest.mark.parametrize("path", ["/api/generate", "/api/generate-stream"])
def test_a_run_cancelled_from_elsewhere_ends_in_the_words_of_the_dialect(make_server, path):
    server = make_server("daphne", COMPOSER_PACE_S=2)
    with server.client() as client, server.client() as other, ThreadPoolExecutor(1) as thread:
        answer = thread.submit(client.post, path, json={"prompt": KNEE})
        for _ in range(50):
            if found := other.get("/api/runs?status=running").json()["results"]:
                break
            time.sleep(0.1)
        other.post(f"/api/runs/{found[0]['id']}/cancel")
        response = answer.result(timeout=20)
    if path == "/api/generate":
        assert (response.status_code, response.json()["error"]["code"]) == (409, "CANCELLED")
    else:
        assert frames_of(response.text)[-1][1]["error"] == "CANCELLED"


@pytest.mark.parametrize(("account", "body", "status", "code"), [
    (None, {"prompt": KNEE}, 401, "AUTHENTICATION_ERROR"),
    ("alice", {"prompt": "nineteen characters"}, 400, "VALIDATION_ERROR"),
    ("alice", {"prompt": KNEE, "surprise": 1}, 400, "VALIDATION_ERROR"),
    ("alice", {"prompt": KNEE, "engine": "llm"}, 400, "VALIDATION_ERROR"),
    ("alice", {"prompt": KNEE, "clinic_id": "0b6f1c9e-4f8e-4f0e-9a51-3f2f4f0e9a51"}, 400, "VALIDATION_ERROR"),
])  # fmt: skip
def test_a_refusal_is_one_frame_or_plain_json(standing_server, account, body, status, code):
    with standing_server.client(account) as client:
        streamed = client.post("/api/generate-stream", json=body)
        plain = client.post("/api/generate", json=body)
    ((_, frame),) = frames_of(streamed.text)
    assert (streamed.status_code, frame["error"]) == (status, code)
    assert (plain.status_code, plain.json()["error"]["code"]) == (status, code)
