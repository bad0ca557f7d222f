from typing import Any

from django.core.management.base import BaseCommand, CommandError

from generation.management.quietly import in_a_sentence
from generation.rotation import rotate


class Command(BaseCommand):
    help = (
        "Seal everything with the first key of FIELD_KEYS. Once nothing is left, the older keys may be taken out of it."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        unreadable = left = 0
        with in_a_sentence():
            for done in rotate():
                unreadable, left = unreadable + done.unreadable, left + done.left
                self.stdout.write(
                    f"{done.place}: {done.moved} moved, {done.there} had the key, {done.unreadable} unreadable"
                )
        if unreadable:
            raise CommandError(f"{unreadable} values open with no key of FIELD_KEYS. Keep every key until they do.")
        if left:
            raise CommandError(
                f"{left} values lie under an older key: restart every server process, then run this again."
            )
        self.stdout.write("Everything has the first key.")
