"""The library's own tests once more, on a real PostgreSQL: those that the database has a say in."""

import pytest

from tests.support.on_postgres import assert_they_pass

FILES = ("test_library_search.py", "test_library_loading.py", "test_library_import.py", "test_api_library.py")
# Whole files by their names, and of the others what asks the database more than a plain question.
CHOSEN = "test_library_search or test_library_loading or second or slug or whole or facet or filter or pages or search"


@pytest.mark.timeout(400)
def test_search_loading_and_import_do_on_postgresql_what_they_do_on_sqlite(postgres):
    assert_they_pass(postgres, (f"generation/{name}" for name in FILES), "-k", CHOSEN)
