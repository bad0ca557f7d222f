from typing import Any

from django.core.management.base import BaseCommand

from generation.management.following import operator
from generation.management.quietly import in_a_sentence
from generation.purge import purge


class Command(BaseCommand):
    help = "Delete the runs and programs that are past the time their clinic keeps them; a running server does so too."

    def handle(self, *args: Any, **options: Any) -> None:
        with in_a_sentence():
            gone = purge(by=operator().get_username())
        self.stdout.write(f"{gone['runs']} runs and {gone['programs']} programs deleted.")
