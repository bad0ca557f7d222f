from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generation import runs
from generation.management.following import operator
from generation.management.quietly import in_a_sentence


class Command(BaseCommand):
    help = "Start a run that has ended again, as a new one; the server that is running takes it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run")

    def handle(self, *args: Any, run: str, **options: Any) -> None:
        with in_a_sentence():
            again = runs.retry(operator(), run)
        self.stdout.write(f"Run {again.uid}")
