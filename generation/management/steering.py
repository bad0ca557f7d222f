"""Commands that ask something of one run."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandParser

from generation.management.following import operator
from generation.management.quietly import in_a_sentence
from generation.models import Run, User


class SteeringCommand(BaseCommand):
    act: ClassVar[Callable[[User, str], tuple[Run, bool]]]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("run")

    def handle(self, *args: Any, run: str, **options: Any) -> None:
        with in_a_sentence():
            found, changed = type(self).act(operator(), run)
        self.stdout.write(f"{found.uid} is {found.status}{'' if changed else ' already'}.")
