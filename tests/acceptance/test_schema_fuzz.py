"""The API keeps to its schema, whatever is asked of it: schemathesis with all its checks, against real servers."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOMY
from tests.support.servers import ROOT, Server, environment

HOOKS = "tests.acceptance.fuzz_hooks"
WITHIN_S = 100
# Runs that wait for their turn, and streams of paused ones, which only say that they are there.
SETTINGS = {**ROOMY, "HEARTBEAT_S": 0.1, "MAX_BATCH_ROWS": 5}
CONFIG = """
color = false
warnings = false
hooks = "{hooks}"
max-stream-events = 40
request-timeout = 30

[generation]
database = "none"
no-shrink = true
# Who is asking is decided below; a made-up cookie beside a real token would prove nothing.
with-security-parameters = false

[phases.stateful]
# Only the links that the document itself has.
inference.algorithms = []
"""
IDENTITY = """
[auth.wfc]
path = "{path}"
user = "{user}"
peers = ["alice", "charlie"]
"""


def fuzzed(server: Server, user: str | None, phases: str, examples: int) -> str:
    """What schemathesis has to say after it has tried every operation as one of the cast, or as nobody."""
    folder = server.folder
    config = CONFIG.format(hooks=HOOKS)
    if user is not None:
        identities = [
            {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Token {server.cast[name].token}"}]}
            for name in ("alice", "charlie")
        ]
        (folder / "identities.json").write_text(json.dumps({"auth": identities}))
        config += IDENTITY.format(path=folder / "identities.json", user=user)
    (folder / "fuzz.toml").write_text(config)
    program = Path(sys.executable).with_name("st")
    words = ["--config-file", "fuzz.toml", "run", f"{server.base_url}/api/schema", "--checks", "all", "--seed", "1"]
    done = subprocess.run(
        [program, *words, "--phases", phases, "--max-examples", str(examples)],
        cwd=folder, env=environment(PYTHONPATH=ROOT), capture_output=True, text=True, timeout=WITHIN_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture
def fuzz_server(make_server, kind) -> Server:
    return make_server(kind, **SETTINGS)


@pytest.mark.parametrize("kind", ["uvicorn"])
def test_the_owner_meets_nothing_that_is_not_documented(fuzz_server) -> None:
    """Every operation and link; what Alice reads is asked for again as Charlie, and as nobody."""
    said = fuzzed(fuzz_server, "alice", "coverage,fuzzing,stateful", examples=4)
    assert "No issues found" in said
    assert fuzz_server.running
    assert "Traceback" not in fuzz_server.log_text


@pytest.mark.parametrize("kind", ["daphne"])
def test_the_other_server_keeps_to_the_schema_too(fuzz_server) -> None:
    assert "No issues found" in fuzzed(fuzz_server, "charlie", "fuzzing,stateful", examples=3)


@pytest.mark.parametrize("kind", ["uvicorn"])
def test_nobody_gets_anything_but_a_documented_refusal(fuzz_server) -> None:
    assert "No issues found" in fuzzed(fuzz_server, None, "fuzzing", examples=3)
