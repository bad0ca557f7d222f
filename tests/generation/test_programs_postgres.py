"""Commands against one program at once, purges, rights and the cost of models once more, on a real PostgreSQL."""

import subprocess
import sys

import pytest

from tests.support.servers import ROOT, environment

FILES = (
    "test_budget.py", "test_calls.py", "test_delete.py", "test_idempotency.py", "test_looks.py",
    "test_program_delete.py", "test_program_versions.py", "test_purge.py", "test_purge_race.py", "test_rights.py",
    "test_spending.py", "test_timeline.py", "test_timeline_admin.py",
)  # fmt: skip


@pytest.mark.timeout(400)
def test_what_is_locked_summed_and_purged_on_postgresql_is_as_on_sqlite(postgres):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider",
         *(f"tests/generation/{name}" for name in FILES)],
        cwd=ROOT, env=environment(HEP_TEST_DATABASE_URL=postgres.new_database()),
        capture_output=True, text=True, timeout=350, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
