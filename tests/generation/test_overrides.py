"""A red flag that the clinician states as excluded lets the program through, and is on record."""

import pytest

from generation.database import in_database
from generation.models import AuditEntry
from generation.wire import TERMINAL
from tests.generation.executing import executing, start, until

pytestmark = pytest.mark.django_db(transaction=True)

STOPPED = "Low back pain for 2 weeks, 4/10, saddle numbness last week."


async def outcome_of(alice, prompt: str) -> str:
    async with executing():
        run = await start(alice, prompt=prompt)
        await until(run, *TERMINAL)
    await in_database(run.refresh_from_db)
    return run.result["outcome"]


@pytest.mark.usefixtures("library")
async def test_a_stated_exclusion_is_on_record_by_its_code(alice):
    assert await outcome_of(alice, f"{STOPPED} CES excluded on MRI.") == "program"
    entry = await in_database(AuditEntry.objects.get)
    assert (entry.actor_name, entry.action) == ("alice", "override")
    assert entry.facts == {"codes": ["cauda_equina"], "outcome": "program"}


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("said", ["", " Denies fever."])
async def test_without_one_the_referral_stands_and_nothing_is_recorded(alice, said):
    assert await outcome_of(alice, STOPPED + said) == "referral"
    assert await in_database(AuditEntry.objects.count) == 0
