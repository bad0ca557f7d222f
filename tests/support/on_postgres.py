"""Files of tests once more, on a real PostgreSQL, in a pytest of their own."""

import subprocess
import sys
from collections.abc import Iterable

from tests.support.postgres_server import PostgresServer
from tests.support.servers import ROOT, environment


def assert_they_pass(postgres: PostgresServer, files: Iterable[str], *options: str) -> None:
    """`files` are paths below `tests`; what pytest printed is in the AssertionError."""
    env = environment(HEP_TEST_DATABASE_URL=postgres.new_database())
    # With it pytest-django would read the settings before tests/conftest.py names the database.
    del env["DJANGO_SETTINGS_MODULE"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *options,
         *(f"tests/{name}" for name in files)],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=350, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
