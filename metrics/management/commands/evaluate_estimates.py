"""`evaluate_estimates`: history played again, and how good the estimates would have been."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from metrics.replay import BadTrace, Report, evaluate, from_database, from_file, write


class Command(BaseCommand):
    help = (
        "Replay runs in time order, each estimate knowing only what had ended before, and print how far off the "
        "estimates would have been. Without a file the history of this database is replayed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file",
            nargs="?",
            type=Path,
            help="a CSV file: run_id, started_at, kind, provider, model, input_tokens, output_tokens, stage, "
            "duration_ms, outcome",
        )
        parser.add_argument("--dump", type=Path, metavar="CSV", help="write each forecast with what was true")

    def handle(self, *args: Any, file: Path | None = None, dump: Path | None = None, **options: Any) -> None:
        try:
            runs = from_file(file) if file else from_database()
        except BadTrace as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{file} can't be read: {error.strerror}.") from None
        except DatabaseError:
            raise CommandError("The database is not ready; 'manage.py migrate' prepares it.") from None
        scored = list(evaluate(runs))
        if not scored:
            raise CommandError("There is no run that succeeded after another one had; nothing can be compared.")
        if dump:
            try:
                write(dump, scored)
            except OSError as error:
                raise CommandError(f"{dump} can't be written: {error.strerror}.") from None
        self.stdout.write(f"{len(runs)} runs, {len(scored)} forecasts for those that succeeded")
        self.stdout.write(f"{'':<28}{'n':>7} {'error':>7} {'held':>7} {'width':>7}")
        for name, report in Report.of(scored):
            self.stdout.write(
                f"{name:<28}{report.forecasts:>7} {report.error:>7.3f} {report.coverage:>7.3f} {report.width:>7.3f}"
            )
        self.stdout.write(
            "error: of the median, as a share of that of the mean of all history minus what has passed.\n"
            "held: how often the truth lay in the 80 % range. width: of that range, as a share of what was left on "
            "average."
        )
