"""From an empty folder to a page that works, and the commands beside a running server."""

import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.acceptance.cases import KNEE
from tests.support import checkout
from tests.support.process import Process, free_port
from tests.support.servers import Server, environment, manage

WITHIN_S = 10


class Quickstart(Process):
    """README's first command, in a copy of the checkout and with no setting at all."""

    def __init__(self, folder: Path, port: int) -> None:
        super().__init__(folder, f"quickstart-{port}.log")
        self.base_url = f"http://127.0.0.1:{port}"
        self.port = port

    def command(self) -> Sequence[str | Path]:
        return [sys.executable, "manage.py", "quickstart", "--port", str(self.port)]

    def options(self) -> Mapping[str, Any]:
        return {"env": bare(self.folder)}

    def answers(self) -> bool:
        try:
            return self.get("/api/runs") in (200, 401)
        except httpx.TransportError:
            return False

    def get(self, path: str, token: str | None = None) -> int:
        headers = {"Authorization": f"Token {token}"} if token else {}
        return httpx.get(f"{self.base_url}{path}", headers=headers, trust_env=False).status_code

    def lines(self, name: str) -> list[str]:
        return re.findall(rf"^{name}: (.*)$", self.log_text, re.MULTILINE)


def bare(folder: Path) -> dict[str, str]:
    env = environment(PYTHONPATH=folder)
    del env["DJANGO_SETTINGS_MODULE"]
    return env


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    for path in checkout.files():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(checkout.ROOT / path, copy / path)
    return copy


@pytest.fixture
def quickstart(folder: Path):
    started = Quickstart(folder, free_port()).start()
    yield started
    started.close()


@pytest.fixture
def slow_server(make_server: Callable[..., Server]) -> Server:
    return make_server("daphne", COMPOSER_PACE_S=2)


def until(condition: Callable[[], bool]) -> bool:
    give_up = time.monotonic() + WITHIN_S
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.05)
    return True


def run_of(printed: str) -> str:
    return re.findall(r"^Run ([0-9a-f-]{36})$", printed, re.MULTILINE)[0]


def test_it_prints_what_one_needs_and_answers(quickstart):
    said = quickstart.log_text.splitlines()
    assert said[0] == f"Address: {quickstart.base_url}/"
    assert re.fullmatch(r"Login: demo / \S{8,}", said[1])
    assert re.fullmatch(r"Token: \S{32,}", said[2])
    assert quickstart.get("/api/runs", quickstart.lines("Token")[0]) == 200


def test_the_printed_login_opens_the_site(quickstart):
    name, password = quickstart.lines("Login")[0].split(" / ")
    with httpx.Client(base_url=quickstart.base_url, follow_redirects=True, trust_env=False) as browser:
        form = browser.get("/")
        token = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)[0]
        answer = browser.post(form.url, data={"username": name, "password": password, "csrfmiddlewaretoken": token})
        assert answer.status_code == 200
        assert browser.get("/api/runs").status_code == 200


def test_a_second_start_keeps_the_password_and_renews_the_token(quickstart):
    quickstart.restart()
    first, second = quickstart.lines("Login")
    assert first == second
    old, new = quickstart.lines("Token")
    assert quickstart.get("/api/runs", new) == 200
    assert until(lambda: quickstart.get("/api/runs", old) == 401)


def test_a_second_server_on_the_same_file_is_refused_in_a_sentence(quickstart, folder):
    refused = manage("quickstart", "--port", str(free_port()), env=bare(folder), cwd=folder)
    assert refused.returncode != 0
    assert "Another process already executes the runs of this database file." in refused.stderr
    assert "Traceback" not in refused.stderr
    assert quickstart.get("/api/runs", quickstart.lines("Token")[0]) == 200


def test_a_taken_port_is_said_in_a_sentence(quickstart, folder):
    refused = manage("quickstart", "--port", str(quickstart.port), env=bare(folder), cwd=folder)
    assert refused.returncode != 0
    assert f"Port {quickstart.port} can't be used" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert "Token:" not in refused.stdout


def test_a_program_is_written_without_a_server(folder):
    done = manage("generate", KNEE, env=bare(folder), cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "100 %" in done.stdout
    assert run_of(done.stdout)


def test_generate_hands_its_run_to_the_server_that_runs(make_server):
    server = make_server("daphne")
    done = server.manage("generate", KNEE)
    assert done.returncode == 0, done.stderr
    assert server.snapshot(run_of(done.stdout), "dana")["status"] == "succeeded"
    assert "Traceback" not in server.log_text


def test_watch_prints_a_log_from_where_it_is_asked(make_server):
    server = make_server("daphne")
    run = server.start_run(KNEE)
    whole = server.manage("watch", run["id"])
    assert whole.returncode == 0, whole.stderr
    assert whole.stdout.splitlines()[-1].endswith("complete")
    rest = server.manage("watch", run["id"], "--after", "3")
    assert rest.stdout.splitlines() == whole.stdout.splitlines()[3:]


def test_cancel_stops_the_run_of_the_server(slow_server):
    run = slow_server.start_run(KNEE)
    assert until(lambda: slow_server.snapshot(run["id"])["status"] == "running")
    done = slow_server.manage("cancel", run["id"])
    assert done.returncode == 0, done.stderr
    assert "is cancelling" in done.stdout
    assert until(lambda: slow_server.snapshot(run["id"])["status"] == "cancelled")
    again = slow_server.manage("cancel", run["id"])
    assert "is cancelled already" in again.stdout


@pytest.mark.parametrize("command", ["watch", "cancel"])
def test_a_run_that_does_not_exist_is_said_in_a_sentence(slow_server, command):
    refused = slow_server.manage(command, "00000000-0000-0000-0000-000000000000")
    assert refused.returncode != 0
    assert "Traceback" not in refused.stderr
    assert refused.stderr.startswith("CommandError: ")
