from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generation import retention, runs
from generation.management.following import operator
from generation.management.quietly import in_a_sentence


class Command(BaseCommand):
    help = "Delete a run with its log and its result; a live one is cancelled first. Its metrics stay."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run")

    def handle(self, *args: Any, run: str, **options: Any) -> None:
        with in_a_sentence():
            found = runs.delete(operator(), run)
        fate = "is deleted" if retention.erase(found.pk) else "goes as soon as it has ended and its readers know"
        self.stdout.write(f"{found.uid} {fate}.")
