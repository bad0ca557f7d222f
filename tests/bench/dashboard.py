"""How long the dashboard takes with a million metrics behind it, in a database of its own.

    python -m tests.bench.dashboard [ROWS] [postgres]      (in the project's root)

ROWS are stages; there is a run for each six, over 90 days, four models, two kinds and ten clinics.
"""

import statistics
import sys
import time

from tests.bench.own_database import own_database

ROWS = 1_000_000
TIMES = 15

end = own_database()

from datetime import UTC, datetime, timedelta

from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from generation.models import Clinic, User
from metrics.models import DailySummary
from tests.support.history import past, save


def fill(rows: int) -> None:
    clinics = [Clinic.objects.create(name=f"Clinic {number}").pk for number in range(10)]
    began = time.perf_counter()
    with transaction.atomic():
        saved = save(past(round(rows / 5.8), clinics))
    print(f"{saved} metrics in {time.perf_counter() - began:.0f} s; {connection.vendor}")
    call_command("backfill_summaries")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    print(f"{DailySummary.objects.count()} summaries")


def timed(client: Client, name: str, address: str) -> None:
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = client.get(address)
        taken.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200
    size = len(answer.content) // 1024
    print(
        f"{name}: p50 {statistics.median(taken):.0f} ms, first {taken[0]:.0f} ms, worst {max(taken):.0f} ms, {size} KB"
    )


def main() -> None:
    rows = next((int(word) for word in sys.argv[1:] if word.isdigit()), ROWS)
    call_command("migrate", verbosity=0)
    fill(rows)
    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.create(username="bench", is_staff=True, is_superuser=True))
    page = reverse("admin:metrics_dashboard_changelist")
    days = f"from={(datetime.now(UTC) - timedelta(days=89)).date()}"
    clinic = Clinic.objects.first()
    assert clinic is not None
    timed(client, "last 30 days", page)
    timed(client, "90 days", f"{page}?{days}")
    timed(client, "90 days of a model", f"{page}?{days}&model=middle")
    timed(client, "90 days of a clinic", f"{page}?{days}&clinic={clinic.pk}")
    timed(client, "90 days of a kind, model and clinic", f"{page}?{days}&kind=procedure&model=large&clinic={clinic.pk}")
    timed(client, "CSV of 90 days", f"{reverse('admin:metrics_dashboard_csv', args=['stage-durations'])}?{days}")
    timed(client, "list of stages", reverse("admin:metrics_generationmetric_changelist"))
    timed(client, "list of runs of a model", f"{reverse('admin:metrics_runmetric_changelist')}?writer=large")


if __name__ == "__main__":
    try:
        main()
    finally:
        end()
