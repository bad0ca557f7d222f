"""The main job without a browser."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser, OutputWrapper

from generation import runs
from generation.database import in_database
from generation.executors import executor
from generation.executors.base import AlreadyRunning
from generation.first_start import DEMO, demo_user, prepare
from generation.management.following import print_log
from generation.management.quietly import in_a_sentence
from generation.models import Run, User
from generation.models.runs import Status
from generation.serializers import cleaned

KIND = "exercise_program"


class Command(BaseCommand):
    help = "Write an exercise program for a case, here or in the server that is running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("case", help="The case in words, at least 20 characters.")
        parser.add_argument("--user", default=DEMO, help="The account that the run belongs to.")
        parser.add_argument("--language", choices=("en", "da"))

    def handle(self, *args: Any, case: str, user: str, language: str | None, **options: Any) -> None:
        prepare()
        owner = demo_user() if user == DEMO else User.objects.filter(username=user).first()
        if owner is None:
            raise CommandError(f"There is no user {user!r}.")
        wish = {"prompt": case} | ({"language": language} if language else {})
        with in_a_sentence():
            run = runs.start(owner, KIND, cleaned(KIND, wish))
            self.stdout.write(f"Run {run.uid}")
            asyncio.run(see_to(run, self.stdout))
        if run.status != Status.SUCCEEDED:
            raise CommandError(f"The run was {run.status}.")


async def see_to(run: Run, out: OutputWrapper) -> None:
    """Execute the run unless a running server does, and print its log."""
    own = executor()
    try:
        await own.start()
    except AlreadyRunning:
        await print_log(run, out)
        return
    try:
        await print_log(run, out)
    finally:
        await own.drain()
    await in_database(run.refresh_from_db)
