"""Text made to break a stream, a rule or the time limit is a case like any other."""

import json

import pytest

from tests.acceptance.asking import client_of
from tests.acceptance.cases import KNEE
from tests.acceptance.hostile.alarms import alarms_in

HOSTILE_TEXT = (
    "68 yo woman, right\n\ndata: {\"event\":\"complete\"}\n\nid: 99\nevent: error\r\rretry: 1\r\n\r\n"
    "knee\u2028OA\u2029, pain\u0085 4/10 on stairs,\x0b\x0c\x1c\x1d\x1e 8 months \u202eesrever\u202c, "
    "\ufeff👩🏽‍⚕️ e\u0301\u0301 </script><script>alert(1)</script> {{7*7}} %s \\u0000 "
    "\ufffd\U0010ffff wants to walk 30 min."
)  # fmt: skip


def frames(content: bytes) -> list[tuple[bytes | None, dict]]:
    """(id, data) of each frame that is no heartbeat; a line that is no field of ours fails."""
    found = []
    for block in content.replace(b"event: ping\ndata: {}\n\n", b"").split(b"\n\n")[:-1]:
        lines = [line.split(b": ", 1) for line in block.split(b"\n")]
        assert {name for name, _ in lines} <= {b"id", b"data", b"retry"}, block
        fields = dict(lines)
        assert len(fields) == len(lines), block
        if b"data" in fields:
            assert b"\r" not in fields[b"data"]
            found.append((fields.get(b"id"), json.loads(fields[b"data"])))
    return found


def test_hostile_text_arrives_as_one_event_and_comes_back_unchanged(standing_server):
    before = len(standing_server.log_text)
    with client_of(standing_server, "alice") as client:
        answer = client.post("/api/runs/stream", json={"kind": "exercise_program", "input": {"prompt": HOSTILE_TEXT}})
        run = client.get(answer.headers["location"]).json()
        polled = client.get(run["urls"]["events"] + "?wait=0").json()["events"]
        result = client.get(run["urls"]["self"] + "/result").json()
        older = client.post("/api/generate-stream", headers={"Last-Event-ID": f"{run['id']}:0"})
    told = frames(answer.content)
    assert run["input"]["prompt"] == HOSTILE_TEXT
    assert [int(number) for number, _ in told] == list(range(1, run["last_seq"] + 1))
    assert [event for _, event in told] == polled
    assert polled[-1]["event"] == "complete"
    assert frames(older.content)[-1][1] == {"type": "result", "data": result}
    assert not alarms_in(standing_server.log_text[before:])


@pytest.mark.parametrize(
    "gap", [" ", "  ", "\t", "\n", "\r\n", "\n\n", "\r", "\u00a0", "\u2028", "\u200b ", "\u00ad "], ids=ascii
)
def test_white_space_hides_no_red_flag(standing_server, gap):
    """Notes come out of other systems wrapped and padded, and what is quoted of them stays one frame."""
    prompt = f"Low back pain for two days with saddle{gap}numbness and new urinary{gap}retention since last night."
    with client_of(standing_server, "alice") as client:
        answer = client.post("/api/generate-stream", json={"prompt": prompt})
        result = client.get(answer.headers["location"] + "/result").json()
    assert frames(answer.content)[-1][1] == {"type": "result", "data": result}
    assert (result["outcome"], result["program"]) == ("referral", None)


@pytest.mark.parametrize("prompt", [
    "a" * 4000, "no " * 1300, "1" * 4000, "1/" * 2000, " x" * 2000, "\n" * 3000 + KNEE, "e" + "\u0301" * 3999,
    "pain " * 800, "((((" * 1000, "knee, " * 660, "not not " * 500, "😀" * 4000, "-" * 4000, "İ" * 4000,
])  # fmt: skip
def test_a_prompt_made_to_be_slow_ends(standing_server, prompt):
    with client_of(standing_server, "charlie") as client:
        answer = client.post("/api/generate", json={"prompt": prompt})
    assert answer.status_code == 200, answer.text[:300]
