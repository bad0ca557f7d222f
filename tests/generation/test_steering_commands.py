"""The same steering from a terminal."""

import io
import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from generation.models import AuditEntry, Run
from generation.models.runs import Status
from tests.generation.factories import make_run

pytestmark = pytest.mark.django_db(transaction=True)


def said(command: str, run: object) -> str:
    out = io.StringIO()
    call_command(command, str(run), stdout=out)
    return out.getvalue().strip()


def test_a_run_is_paused_resumed_cancelled_retried_and_deleted(alice):
    run = make_run(alice)
    assert said("pause", run.uid) == f"{run.uid} is paused."
    assert said("pause", run.uid) == f"{run.uid} is paused already."
    assert said("resume", run.uid) == f"{run.uid} is queued."
    assert said("cancel", run.uid) == f"{run.uid} is cancelled."
    again = said("retry", run.uid).removeprefix("Run ")
    assert Run.objects.get(uid=again).parent == run
    Run.objects.filter(pk=run.pk).update(finished_at=timezone.now() - timedelta(minutes=1))
    assert said("delete", run.uid) == f"{run.uid} is deleted."
    assert AuditEntry.objects.get().actor_name == "operator"


def test_a_live_run_is_told_to_go(alice):
    run = make_run(alice, status=Status.RUNNING, holder=uuid.uuid4())
    assert said("delete", run.uid) == f"{run.uid} goes as soon as it has ended and its readers know."


@pytest.mark.parametrize("command", ["pause", "resume", "cancel", "retry", "delete"])
def test_a_run_that_is_not_there_is_a_sentence(alice, command):
    with pytest.raises(CommandError, match="There is no such run"):
        said(command, uuid.uuid4())


def test_what_can_not_be_done_is_a_sentence(alice):
    ended = make_run(alice, status=Status.FAILED)
    with pytest.raises(CommandError, match="failed"):
        said("pause", ended.uid)
