from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation import runs
from generation.errors import HepError
from generation.management.following import operator


class Command(BaseCommand):
    help = "Ask a run to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run")

    def handle(self, *args: Any, run: str, **options: Any) -> None:
        try:
            found, changed = runs.cancel(operator(), run)
        except HepError as error:
            raise CommandError(error.sentence) from None
        self.stdout.write(f"{found.uid} is {found.status}{'' if changed else ' already'}.")
