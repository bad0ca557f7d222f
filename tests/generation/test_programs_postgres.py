"""Commands against the same program at once, purges and rights once more, on a real PostgreSQL."""

import subprocess
import sys

import pytest

from tests.support.servers import ROOT, environment

FILES = (
    "test_delete.py", "test_idempotency.py", "test_looks.py", "test_program_delete.py", "test_program_versions.py",
    "test_purge.py", "test_purge_race.py", "test_rights.py",
)  # fmt: skip


@pytest.mark.timeout(400)
def test_programs_are_changed_and_purged_on_postgresql_as_on_sqlite(postgres):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
         *(f"tests/generation/{name}" for name in FILES)],
        cwd=ROOT, env=environment(HEP_TEST_DATABASE_URL=postgres.new_database()),
        capture_output=True, text=True, timeout=350, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
