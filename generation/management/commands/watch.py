import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from generation.management.following import find, print_log


class Command(BaseCommand):
    help = "Print a run's log, and what is added to it, until it ends."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run")
        parser.add_argument("--after", type=int, default=0, help="Begin behind this number.")

    def handle(self, *args: Any, run: str, after: int, **options: Any) -> None:
        asyncio.run(print_log(find(run), self.stdout, after))
