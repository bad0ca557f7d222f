from typing import Any

from django.core.management.base import BaseCommand

from generation.library_loading import load_library


class Command(BaseCommand):
    help = "Bring the shipped exercises into the database; what is the same is left alone, what has gone is retired."

    def handle(self, *args: Any, **options: Any) -> None:
        loaded = load_library()
        for slug in loaded.refused:
            self.stderr.write(f"{slug}: not loaded, because an exercise that was not shipped has this name.")
        self.stdout.write(
            f"Library {loaded.version}: {loaded.made} made, {loaded.changed} changed, {loaded.retired} retired, "
            f"{loaded.unchanged} unchanged."
        )
