"""A purge waits for whoever is just approving a program, and then leaves it. Run by `test_programs_postgres`."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from generation import programs
from generation.models import Program, ProgramVersion, Run
from generation.purge import purge
from tests.generation.program_making import make_program
from tests.generation.test_purge import ago

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("library"),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time."),
]


def discard_all() -> None:
    with transaction.atomic():
        programs.discard(Run.objects.get())


def until_somebody_waits() -> None:
    """PostgreSQL tells nobody of it, so it is asked again and again."""
    give_up = time.monotonic() + 30
    while time.monotonic() < give_up:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        time.sleep(0.01)
    raise AssertionError("Nobody waits.")


@pytest.mark.parametrize("way", [purge, discard_all])
def test_an_approval_that_is_not_committed_yet_is_waited_for(alice, way):
    program = make_program(alice)
    Run.objects.update(status="failed", finished_at=ago(40))
    ProgramVersion.objects.update(made_at=ago(40))
    approved = threading.Event()

    def approve():
        try:
            with transaction.atomic():
                programs.approve(alice, program.pk, 1)
                approved.set()
                until_somebody_waits()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as beside:
        done = beside.submit(approve)
        assert approved.wait(timeout=30)
        way()
        done.result(timeout=60)
    assert Program.objects.get().status == "approved"
