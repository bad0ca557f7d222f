from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generation import runs
from generation.management.following import operator
from generation.management.quietly import in_a_sentence


class Command(BaseCommand):
    help = "Ask a run to stop."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run")

    def handle(self, *args: Any, run: str, **options: Any) -> None:
        with in_a_sentence():
            found, changed = runs.cancel(operator(), run)
        self.stdout.write(f"{found.uid} is {found.status}{'' if changed else ' already'}.")
