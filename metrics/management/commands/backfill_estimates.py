"""`backfill_estimates`: the profiles made anew from the whole history."""

import time
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from metrics.management.terminal import Bar, day
from metrics.rebuilding import Asked, Overtaken, rebuild, rehearse


class Command(BaseCommand):
    help = (
        "Rebuild what estimates are made from out of all stages that are remembered. The old profiles are used until "
        "the new ones are whole, and live runs may go on. Begun again after a stop, it goes on where it was."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", help="only the profiles of this kind of run")
        parser.add_argument("--since", type=day, help="leave out what ended before this day, as 2026-01-31")
        parser.add_argument("--dry-run", action="store_true", help="read and count, but change nothing")

    def handle(self, *args: Any, kind: str | None, since: datetime | None, dry_run: bool, **options: Any) -> None:
        asked, began = Asked(kind, since), time.monotonic()
        try:
            total = asked.rows().count()
            if not total:
                raise CommandError("There is nothing to learn from: no stage is remembered that was asked for.")
            bar = Bar(self.stdout, total)
            profiles = rehearse(asked, bar.add) if dry_run else rebuild(asked, bar.add)
            bar.close()
        except Overtaken:
            raise CommandError("Another rebuild was begun; this one has changed nothing.") from None
        except DatabaseError:
            raise CommandError("The database is not ready; 'manage.py migrate' prepares it.") from None
        became = "would become" if dry_run else "became"
        self.stdout.write(f"{bar.done} stages {became} {profiles} profiles in {time.monotonic() - began:.1f} s.")
