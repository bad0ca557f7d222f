"""How the tests of the pages ask for one, and what they show there."""

import asyncio
import uuid

from django.test import Client
from django.utils import timezone

from generation.models import Run, User
from generation.models.runs import Status
from generation.pipelines import exercise_program
from tests.generation.factories import CASE, make_run
from tests.generation.pipelines.handle import MemoryRun

NEVER = str(uuid.UUID(int=0))
REFERRED = "45 yo with low back pain, saddle numbness since this morning and urinary retention."


def browser(user: User | None) -> Client:
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return client


def ended_run(owner: User, prompt: str = CASE, status: str = Status.SUCCEEDED, **fields) -> Run:
    """A run whose pipeline has really been through this case."""
    if status == Status.SUCCEEDED and "result" not in fields:
        fields["result"] = asyncio.run(exercise_program.execute(MemoryRun(prompt)))
    given = {"prompt": prompt, "mrn": fields.pop("mrn", "")}
    return make_run(owner, status=status, input=given, progress=100, finished_at=timezone.now(), **fields)


def page(user: User, url: str, status: int = 200, **headers: str) -> str:
    answer = browser(user).get(url, headers=headers)
    # Said here, because pytest explains only the asserts of test files.
    assert answer.status_code == status, f"{url}: {answer.status_code}"
    return answer.content.decode()


def run_url(run: Run) -> str:
    return f"/runs/{run.uid}/"
