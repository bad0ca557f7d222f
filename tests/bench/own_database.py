"""A database of a bench's own, which Django has been told of before anything of it is imported."""

import os
import sys
import tempfile
from collections.abc import Callable

import django

from tests.support.postgres_server import start_postgres

# They guard nothing.
KEYS = {
    "SECRET_KEY": "a-key-of-a-bench-that-guards-nothing-at-all-here",
    "FIELD_KEYS": "bench:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
}


def own_database() -> Callable[[], None]:
    """Set up Django on an empty database: PostgreSQL if the command line says so, else SQLite. Returns what ends it."""
    folder = tempfile.TemporaryDirectory(prefix="hep-bench-")
    server = start_postgres() if "postgres" in sys.argv else None
    os.environ["DATABASE_URL"] = server.new_database() if server else f"sqlite:///{folder.name}/bench.sqlite3"
    os.environ["DJANGO_SETTINGS_MODULE"] = "hepcompanion.settings"
    for name, key in KEYS.items():
        os.environ.setdefault(name, key)
    django.setup()

    def end() -> None:
        from django.db import connection

        connection.close()
        if server:
            server.close()
        folder.cleanup()

    return end
