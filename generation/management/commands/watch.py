import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generation.management.following import operator, print_log
from generation.management.quietly import in_a_sentence
from generation.runs import get_run_for
from generation.wire import parse_cursor


class Command(BaseCommand):
    help = "Print a run's log, and what is added to it, until it ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run")
        parser.add_argument("--after", default="0", help="Begin behind this number.")

    def handle(self, *args: Any, run: str, after: str, **options: Any) -> None:
        with in_a_sentence():
            asyncio.run(print_log(get_run_for(operator(), run), self.stdout, parse_cursor(after)))
