"""The application on a real server: Daphne by `quickstart`, or uvicorn."""

import base64
import contextlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx

from tests.support.accounts import Account
from tests.support.process import Process, free_port

ROOT = Path(__file__).resolve().parents[2]
Kind = Literal["daphne", "uvicorn"]
KINDS: tuple[Kind, ...] = ("daphne", "uvicorn")
# Of the developer's own environment a server gets only this: no key, no model and no limit of theirs.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH")
DATABASE_NAME = "hep.sqlite3"


def environment(**values: object) -> dict[str, str]:
    """A clean environment in which this checkout is found first, with these settings."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    fixed = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "DJANGO_SETTINGS_MODULE": "hepcompanion.settings"}
    return kept | fixed | {name: str(value) for name, value in values.items()}


def manage(*words: str, env: Mapping[str, str], cwd: Path, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command of `manage.py` to its end; its exit status is the caller's to judge."""
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *words],
        cwd=cwd, env=dict(env), capture_output=True, text=True, timeout=timeout_s, check=False,
    )  # fmt: skip


def accounts(*words: str, env: Mapping[str, str], cwd: Path) -> dict[str, Account]:
    """Run `tests.support.accounts` in a server's database."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.accounts", *words],
        cwd=cwd, env=dict(env), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"accounts {' '.join(words)}: {done.stderr[-2000:]}")
    return {name: Account(**made) for name, made in json.loads(done.stdout.splitlines()[-1]).items()}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A database with the library and the cast in it, and the settings that open it."""

    settings: Mapping[str, str]
    cast: Mapping[str, Account]
    file: Path | None

    def copy_to(self, folder: Path) -> "Prepared":
        """The same in a folder of its own; a database that is no file is used as it is."""
        if self.file is None:
            return self
        for part in self.file.parent.glob(f"{self.file.name}*"):
            shutil.copy2(part, folder / part.name)
        file = folder / self.file.name
        return Prepared({"DATABASE_URL": f"sqlite:///{file}"}, self.cast, file)


def prepare(folder: Path, database_url: str | None = None) -> Prepared:
    """Prepare the database at this address, by default a SQLite file in the folder."""
    file = folder / DATABASE_NAME if database_url is None else None
    settings = {"DATABASE_URL": database_url or f"sqlite:///{file}"}
    if file is None:
        settings["SECRET_KEY"] = secrets.token_urlsafe(48)
        settings["FIELD_KEYS"] = f"k1:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"
    return Prepared(settings, accounts("prepare", env=environment(**settings), cwd=folder), file)


class Server(Process):
    """One server process. `token` is Alice's; quickstart's own is `demo_token`."""

    def __init__(self, kind: Kind, folder: Path, prepared: Prepared, settings: Mapping[str, object]) -> None:
        super().__init__(folder, "server.log")
        self.kind = kind
        self.cast = prepared.cast
        self.token = prepared.cast["alice"].token
        self.database = prepared.file
        self.database_url = prepared.settings["DATABASE_URL"]
        self.env = environment(**{**prepared.settings, **settings})
        self.move_to(free_port())

    def move_to(self, port: int) -> None:
        """Listen on this port from the next start on."""
        self.port = port
        self.base_url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}"

    def options(self) -> Mapping[str, Any]:
        return {"env": self.env}

    def command(self) -> Sequence[str | Path]:
        if self.kind == "daphne":
            return [sys.executable, ROOT / "manage.py", "quickstart", "--port", str(self.port)]
        listen = ["--host", "127.0.0.1", "--port", str(self.port), "--lifespan", "on"]
        listen += ["--ws-max-size", str(1024 * 1024)]
        return [sys.executable, "-m", "uvicorn", "hepcompanion.asgi:application", *listen]

    def answers(self) -> bool:
        with contextlib.suppress(httpx.TransportError), self.client() as client:
            return client.get("/api/runs?page_size=1").status_code == 200
        return False

    def client(self, account: Account | str | None = "alice") -> httpx.Client:
        """A client that is one of the cast, another account, or with None nobody."""
        who = self.cast[account] if isinstance(account, str) else account
        headers = {"Authorization": f"Token {who.token}"} if who else {}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=30, trust_env=False)

    def printed(self, name: str) -> str:
        """What quickstart said last after `Address:`, `Login:` or `Token:`."""
        said: list[str] = re.findall(rf"^{name}: (.*)$", self.log_text, re.MULTILINE)
        return said[-1]

    @property
    def demo_token(self) -> str:
        return self.printed("Token")

    def start_run(self, prompt: str, account: Account | str = "alice", **fields: object) -> dict[str, Any]:
        """Start an exercise program; returns the run's snapshot."""
        body = {"kind": "exercise_program", "input": {"prompt": prompt, **fields}}
        with self.client(account) as client:
            answer = client.post("/api/runs", json=body)
        assert answer.status_code == 201, answer.text
        snapshot: dict[str, Any] = answer.json()
        return snapshot

    def snapshot(self, run_id: str, account: Account | str = "alice") -> dict[str, Any]:
        with self.client(account) as client:
            snapshot: dict[str, Any] = client.get(f"/api/runs/{run_id}").raise_for_status().json()
        return snapshot

    def add_account(self, username: str, clinic: str | None = None, staff: bool = False) -> Account:
        words = ["add", username, *(["--clinic", clinic] if clinic else []), *(["--staff"] if staff else [])]
        return accounts(*words, env=self.env, cwd=self.folder)[username]

    def manage(self, *words: str, timeout_s: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a command beside the server, on its database and with its settings."""
        return manage(*words, env=self.env, cwd=self.folder, timeout_s=timeout_s)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the server's SQLite file directly."""
        assert self.database is not None
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=20)) as connection:
            return connection.execute(query, values).fetchall()
