"""How the tests of the pages ask for one, and what they show there."""

import asyncio
import re
import uuid

from django.test import Client
from django.utils import timezone

from generation.models import Batch, Run, User
from generation.models.runs import Status
from generation.pipelines import exercise_program
from tests.generation.factories import CASE, make_batch, make_run
from tests.generation.pipelines.handle import MemoryRun

NEVER = str(uuid.UUID(int=0))
REFERRED = "45 yo with low back pain, saddle numbness since this morning and urinary retention."
LOST = {"code": "WORKER_LOST", "message": "The server stopped several times.", "retryable": True, "stage": "storing"}


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


def mixed_batch(owner) -> Batch:
    """One program, one failure, one that runs, one cancelled, one without information, one referral."""
    batch = make_batch(owner)
    ended_run(owner, CASE, mrn="AB-123456", batch=batch, row=0)
    ended_run(owner, status=Status.FAILED, error=LOST, batch=batch, row=1)
    make_run(owner, status=Status.RUNNING, stage="validating", progress=70, batch=batch, row=2)
    ended_run(owner, status=Status.CANCELLED, cancelled_by="bob", batch=batch, row=3)
    ended_run(owner, "The quick brown fox jumps over the lazy dog.", batch=batch, row=4)
    ended_run(owner, REFERRED, batch=batch, row=5)
    return batch


def url_of(batch: Batch, rest: str = "") -> str:
    return f"/batches/{batch.pk}/{rest}"


def numbers_in(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="row-(\d+)"', text)]
