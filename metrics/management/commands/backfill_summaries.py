"""`backfill_summaries`: what the dashboard reads, counted again from the rows."""

import time
from argparse import ArgumentParser
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, transaction
from django.db.models import Min

from metrics.models import GenerationMetric, Learning, RunMetric
from metrics.summaries import rebuild


class Command(BaseCommand):
    help = (
        "Count the daily summaries again from the metrics, day by day and safely beside live runs. Days before the "
        "oldest metric stay as they are: their rows were pruned."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", help="the first day, as 2026-01-31; by default that of the oldest metric")

    def handle(self, *args: Any, since: str | None, **options: Any) -> None:
        asked = day_of(since) if since else date.min
        try:
            self.count(asked, options["verbosity"])
        except DatabaseError:
            raise CommandError("The database is not ready; 'manage.py migrate' prepares it.") from None

    def count(self, asked: date, verbosity: int) -> None:
        if (first := oldest()) is None:
            self.stdout.write("There are no metrics.")
            return
        first, today = max(first, asked), datetime.now(UTC).date()
        Learning.objects.get_or_create(pk=1)
        began, rows = time.monotonic(), 0
        for day in (first + timedelta(days=number) for number in range((today - first).days + 1)):
            with transaction.atomic():
                # Whoever learns meanwhile waits; what is not yet learned is counted then.
                Learning.objects.select_for_update().get(pk=1)
                rows += rebuild(day)
            if verbosity > 1:
                self.stdout.write(f"{day}: {rows} rows so far")
        self.stdout.write(f"{rows} rows since {first} in {time.monotonic() - began:.1f} s.")


def day_of(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--since must be a day such as 2026-01-31, not {text}.") from error


def oldest() -> date | None:
    """The UTC day of the oldest metric, None if there is none."""
    found = [model._default_manager.aggregate(at=Min("created_at"))["at"] for model in (GenerationMetric, RunMetric)]
    return min((at.astimezone(UTC).date() for at in found if at is not None), default=None)
