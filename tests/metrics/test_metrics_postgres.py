"""Recording, learning, rebuilding and summing up once more, on a real PostgreSQL."""

import pytest

from tests.support.on_postgres import assert_they_pass

FILES = (
    "metrics/test_dashboard.py", "metrics/test_dashboard_page.py", "metrics/test_learning.py",
    "metrics/test_periods.py", "metrics/test_prune_metrics.py", "metrics/test_rebuilding.py",
    "metrics/test_recorder.py", "metrics/test_summaries.py",
    "generation/test_api_metrics.py", "generation/test_backfill_metrics.py", "generation/test_estimates_api.py",
    "generation/test_run_metrics.py", "generation/test_scoring.py", "generation/test_waiting.py",
)  # fmt: skip


@pytest.mark.timeout(400)
def test_what_is_learned_and_summed_on_postgresql_is_as_on_sqlite(postgres):
    assert_they_pass(postgres, FILES)
