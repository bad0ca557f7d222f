from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from generation.exercise_import import FORMATS, Unreadable, import_rows, read
from generation.models import Clinic


class Command(BaseCommand):
    help = "Import another list of exercises as drafts; no program holds one before a person has reviewed it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--format", choices=sorted(FORMATS), required=True)
        parser.add_argument("--clinic", type=UUID, help="The id of the clinic whose own they become.")

    def handle(self, *args: Any, **options: Any) -> None:
        clinic = None
        if options["clinic"]:
            clinic = Clinic.objects.filter(pk=options["clinic"]).first()
            if clinic is None:
                raise CommandError("There is no clinic with this id. Nothing was imported.")
        try:
            rows = read(options["file"])
        except Unreadable as error:
            raise CommandError(f"{options['file']}: {error}. Nothing was imported.") from None
        imported = import_rows(rows, options["format"], clinic)
        for number, reason in imported.refused:
            self.stderr.write(f"Row {number}: {reason}.")
        counts = imported.counts
        self.stdout.write(
            f"{counts['made']} drafts made, {counts['changed']} changed, {counts['unchanged']} unchanged, "
            f"{counts['kept']} kept as reviewed or retired, {len(imported.refused)} rows refused."
        )
