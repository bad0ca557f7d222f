"""A real PostgreSQL on a free port, in a folder of its own."""

import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg

from tests.support.needs import missing, need
from tests.support.process import ENDS_WITHIN_S, Process, free_port

USER = "hep"
# PostgreSQL refuses to run as root; any other account will do, as the folder is made its own.
STAND_INS = ("postgres", "nobody")


class PostgresServer(Process):
    def __init__(self, folder: Path, program: Path, options: Mapping[str, Any]) -> None:
        super().__init__(folder, "postgres.log")
        self.program = program
        self.port = free_port()
        self.popen_options = options
        self.numbers = itertools.count(1)

    def url(self, database: str = "postgres") -> str:
        return f"postgres://{USER}@127.0.0.1:{self.port}/{database}"

    def options(self) -> Mapping[str, Any]:
        return self.popen_options

    def prepare(self) -> None:
        self.run_once("initdb", "-D", "data", "-U", USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def run_once(self, name: str, *arguments: str) -> None:
        done = subprocess.run(
            [self.program.with_name(name), *arguments], cwd=self.folder, capture_output=True, **self.popen_options
        )
        if done.returncode:
            raise RuntimeError(f"{name}: {done.stderr.decode(errors='replace')}")

    def command(self) -> Sequence[str | Path]:
        settings = {
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
            "max_connections": "200",
            # Its crashes here are of the process, not of the machine.
            "fsync": "off",
        }
        given = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [self.program, "-D", "data", "-p", str(self.port), *given]

    def answers(self) -> bool:
        try:
            return bool(self.query("SELECT 1"))
        except psycopg.OperationalError:
            return False

    def query(self, statement: str, database: str = "postgres") -> Any:
        """The first value of the first row of the answer, if there is one."""
        with psycopg.connect(self.url(database), autocommit=True, connect_timeout=2) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return row[0] if row else None

    def new_database(self) -> str:
        """Make an empty database; returns its DATABASE_URL."""
        name = f"hep_{next(self.numbers)}"
        self.query(f"CREATE DATABASE {name}")
        return self.url(name)

    def terminate(self, within_s: float = ENDS_WITHIN_S) -> int:
        # SIGTERM would wait for every client to leave; SIGINT is what `pg_ctl stop` sends.
        self.signal(signal.SIGINT)
        assert self.popen is not None
        return self.popen.wait(within_s)

    def crash(self) -> None:
        """What `pg_ctl stop -m immediate` does: every connection is cut, and the next start recovers."""
        self.signal(signal.SIGQUIT)
        assert self.popen is not None
        self.popen.wait(ENDS_WITHIN_S)

    def kill(self) -> None:
        # SIGKILL would leave its children and its shared memory behind.
        self.crash()

    def close(self) -> None:
        super().close()
        shutil.rmtree(self.folder, ignore_errors=True)


def unprivileged() -> Mapping[str, Any]:
    """What `Popen` must be told so that PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    for name in STAND_INS:
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    missing("an account to run PostgreSQL as is not on this machine")


def start_postgres() -> PostgresServer:
    program, options = need("postgres"), unprivileged()
    # Not pytest's temporary folder: that is closed to every account but ours.
    folder = Path(tempfile.mkdtemp(prefix="hep-postgres-"))
    if options:
        os.chown(folder, options["user"], options["group"])
    server = PostgresServer(folder, program, options)
    try:
        server.prepare()
        server.start()
    except BaseException:
        server.close()
        raise
    return server
