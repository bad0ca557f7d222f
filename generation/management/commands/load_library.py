from typing import Any

from django.core.management.base import BaseCommand

from generation.programs import load_library


class Command(BaseCommand):
    help = "Bring the shipped exercises into the database; what is the same is left alone."

    def handle(self, *args: Any, **options: Any) -> None:
        made, changed = load_library()
        self.stdout.write(f"{made} exercises added, {changed} changed.")
