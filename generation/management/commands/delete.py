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
        gone = retention.erase(found.pk)
        self.stdout.write(f"{found.uid} {'is deleted' if gone else 'goes as soon as its worker has stopped'}.")
