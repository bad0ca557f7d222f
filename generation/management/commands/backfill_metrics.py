from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from generation.management.quietly import in_a_sentence
from generation.metrics_from_log import ended_runs, missing
from generation.pipelines import PIPELINES
from metrics.management.terminal import Bar, day
from metrics.pruning import remembered_since
from metrics.recorder import insert


@dataclass
class Done:
    """Runs that were looked at, rows that were missing, and runs left out since their log could not be read."""

    runs: int = 0
    stages: int = 0
    ends: int = 0
    unreadable: int = 0


class Command(BaseCommand):
    help = (
        "Rebuild the metrics of runs that have ended, where they are missing, from their rows, logs and model calls. "
        "Safe beside a running server, and it can be stopped and run again: only what is missing is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--since", type=day, help="the first day, as 2026-01-31; by default all that is kept")
        parser.add_argument("--kind", choices=sorted(PIPELINES))
        parser.add_argument("--dry-run", action="store_true", help="only say what is missing")

    def handle(self, *args: Any, since: datetime | None, kind: str | None, dry_run: bool, **options: Any) -> None:
        # What prune_metrics has deleted must not come back to be learned again.
        done = Done()
        with in_a_sentence():
            remembered = remembered_since()
            since = max(since or remembered, remembered)
            try:
                self.work(since, kind, dry_run, done)
            except KeyboardInterrupt:
                raise CommandError(f"Stopped after {done.runs} runs; the next time the rest is written.") from None
        what = "missing" if dry_run else "written"
        self.stdout.write(f"{done.runs} runs: {done.stages} stages and {done.ends} ends {what}.")
        if done.unreadable:
            left_out = f"{done.unreadable} of these runs were left out"
            self.stderr.write(f"{left_out}: their logs open with no key of FIELD_KEYS.")

    def work(self, since: datetime, kind: str | None, dry_run: bool, done: Done) -> None:
        bar = Bar(self.stdout, ended_runs(since, kind).count())
        try:
            for found in missing(since, kind):
                stages, ends = len(found.stages), len(found.ends)
                if not dry_run:
                    with transaction.atomic():
                        stages, ends = insert(found.stages), insert(found.ends)
                done.runs, done.unreadable = done.runs + found.runs, done.unreadable + found.unreadable
                done.stages, done.ends = done.stages + stages, done.ends + ends
                bar.add(found.runs)
        finally:
            bar.close()
