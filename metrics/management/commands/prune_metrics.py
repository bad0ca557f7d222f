"""`prune_metrics`: history that is past its time goes."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from metrics.management.terminal import Bar, day
from metrics.pruning import Pruned, count, kept_since, pruning


class Command(BaseCommand):
    help = (
        "Delete the metrics of stages and runs, and the forecasts, of days long past; a running server does so every "
        "hour. What nothing was learned from yet stays, as do the profiles and the daily summaries."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        which = parser.add_mutually_exclusive_group()
        which.add_argument("--before", type=day, help="the first day that is kept, as 2026-01-31")
        which.add_argument("--days", type=int, default=settings.METRICS_RETENTION_DAYS, help="how many days are kept")
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args: Any, before: datetime | None, days: int, dry_run: bool, **options: Any) -> None:
        if days < 0:
            raise CommandError("--days counts back from today; it can't be negative.")
        since = before or kept_since(days)
        try:
            gone = count(since)
            if not dry_run:
                bar, gone = Bar(self.stdout, gone.stages + gone.runs + gone.forecasts), Pruned()
                for rows in pruning(since, gone):
                    bar.add(rows)
                bar.close()
        except DatabaseError:
            raise CommandError("The database is not ready; 'manage.py migrate' prepares it.") from None
        would = "would be " if dry_run else ""
        self.stdout.write(
            f"Before {since:%Y-%m-%d}: {gone.stages} stages, {gone.runs} runs and {gone.forecasts} forecasts "
            f"{would}deleted."
        )
