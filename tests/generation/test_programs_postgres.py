"""Commands against one program at once, purges, reconnects, rights and costs once more, on a real PostgreSQL."""

import pytest

from tests.support.on_postgres import assert_they_pass

FILES = (
    "test_budget.py", "test_calls.py", "test_delete.py", "test_idempotency.py", "test_looks.py",
    "test_program_delete.py", "test_program_versions.py", "test_purge.py", "test_purge_race.py",
    "test_reconnects.py", "test_rights.py", "test_spending.py", "test_timeline.py", "test_timeline_admin.py",
)  # fmt: skip


@pytest.mark.timeout(400)
def test_what_is_locked_summed_and_purged_on_postgresql_is_as_on_sqlite(postgres):
    assert_they_pass(postgres, (f"generation/{name}" for name in FILES))
