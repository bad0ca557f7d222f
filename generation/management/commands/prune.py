from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.management.following import operator
from generation.management.quietly import in_a_sentence
from generation.retention import prune


class Command(BaseCommand):
    help = "Reduce runs that ended some days ago to their snapshot; a running server does so every hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--days", type=int, default=settings.EVENT_RETENTION_DAYS)

    def handle(self, *args: Any, days: int, **options: Any) -> None:
        if days < 0:
            raise CommandError("--days counts back from today; it can't be negative.")
        with in_a_sentence():
            pruned = prune(days, by=operator().get_username())
        self.stdout.write(f"{pruned} run{'' if pruned == 1 else 's'} reduced to the snapshot.")
