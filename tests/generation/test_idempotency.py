"""The same POST twice is one start (wire.md 1.1)."""

from datetime import timedelta

import pytest
from django.utils import timezone

from generation import idempotency, program_copies
from generation.errors import IdempotencyConflict, Invalid
from generation.models import Batch, IdempotencyKey, Program, Run
from generation.models.runs import Status
from tests.generation.factories import CASE, make_run
from tests.generation.program_making import make_program

pytestmark = pytest.mark.django_db(transaction=True)

BODY = {"kind": "exercise_program", "input": {"prompt": CASE, "language": "en"}}
KEY = "6f1c2a"


def post(client, body=None, key=KEY, path="/api/runs"):
    return client.post(path, body or BODY, format="json", headers={"Idempotency-Key": key})


def test_the_second_answer_is_the_first_ones_run(alice, api):
    first, second = post(api("alice")), post(api("alice"))
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    assert first["Location"] == second["Location"]
    assert (first.get("Idempotent-Replayed"), second.get("Idempotent-Replayed")) == (None, "true")
    assert Run.objects.count() == 1


def test_the_order_of_fields_makes_no_other_request(alice, api):
    post(api("alice"))
    turned = {"input": {"language": "en", "prompt": CASE}, "kind": "exercise_program"}
    assert post(api("alice"), turned)["Idempotent-Replayed"] == "true"


def test_another_body_with_the_same_key_is_a_conflict(alice, api):
    post(api("alice"))
    answer = post(api("alice"), {**BODY, "input": {"prompt": f"{CASE} And more."}})
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "IDEMPOTENCY_CONFLICT")
    assert Run.objects.count() == 1


def test_a_key_is_of_the_person_who_sent_it(alice, api):
    assert post(api("alice")).json()["id"] != post(api("bob")).json()["id"]


def test_after_a_day_a_key_is_forgotten(alice, api):
    first = post(api("alice"))
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    assert post(api("alice")).json()["id"] != first.json()["id"]


def test_a_refused_request_leaves_its_key_free(alice, api, settings):
    settings.MAX_ACTIVE_RUNS_PER_USER = 1
    busy = make_run(alice)
    assert post(api("alice")).status_code == 429
    Run.objects.filter(pk=busy.pk).update(status=Status.FAILED)
    answer = post(api("alice"))
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer


def test_a_replay_is_given_even_at_the_limit(alice, api, settings):
    settings.MAX_ACTIVE_RUNS_PER_USER = 1
    assert post(api("alice")).status_code == 201
    assert post(api("alice"))["Idempotent-Replayed"] == "true"


def test_batches_and_retries_take_keys_too(alice, api):
    body = {"kind": "exercise_program", "inputs": [BODY["input"]] * 2}
    first, second = (post(api("alice"), body, path="/api/batches") for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    assert (Batch.objects.count(), second["Idempotent-Replayed"]) == (1, "true")
    ended = make_run(alice, status=Status.FAILED)
    again = [post(api("alice"), {}, "another", f"/api/runs/{ended.uid}/retry") for _ in range(2)]
    assert again[0].json()["id"] == again[1].json()["id"]
    assert post(api("alice"), {}, "another", f"/api/runs/{make_run(alice).uid}/retry").status_code == 409


def test_the_body_is_not_in_the_table(alice, api):
    post(api("alice"))
    kept = IdempotencyKey.objects.get()
    assert len(bytes(kept.body_mac)) == 32
    assert idempotency.request(KEY, "run", BODY).body_mac == bytes(kept.body_mac)


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 256, "a\n"])
def test_a_key_is_visible_ascii(key):
    with pytest.raises(Invalid):
        idempotency.request(key, BODY)


def test_a_conflict_starts_nothing(alice):
    run = make_run(alice)
    asked = idempotency.request(KEY, 1)
    assert idempotency.once(alice, asked, lambda: run) == (run, False)
    with pytest.raises(IdempotencyConflict):
        idempotency.once(alice, idempotency.request(KEY, 2), lambda: pytest.fail("begun"))


def test_whoever_may_no_longer_see_a_run_does_not_find_it_by_its_key(alice, bob, api):
    ended = make_run(alice, status=Status.FAILED, clinic=alice.clinics.get())
    assert post(api("bob"), {}, path=f"/api/runs/{ended.uid}/retry").status_code == 201
    bob.memberships.all().delete()
    assert post(api("bob"), {}, path=f"/api/runs/{ended.uid}/retry").status_code == 404


@pytest.mark.usefixtures("library")
def test_copies_of_programs_take_keys_too(alice, api):
    program = make_program(alice)
    template = program_copies.save_as_template(alice, program.pk, "Knee")
    for key, path, body in (
        ("one", f"/api/programs/{program.pk}/duplicate", {}),
        ("two", f"/api/programs/{program.pk}/template", {"name": "Hip"}),
        ("three", f"/api/program-templates/{template.pk}/use", {}),
    ):
        count = Program.objects.count()
        first, second = (post(api("alice"), body, key, path) for _ in range(2))
        assert (first.status_code, second["Location"]) == (201, first["Location"])
        assert second["Location"] == f"/api/programs/{second.json()['id']}"
        assert (first.get("Idempotent-Replayed"), second["Idempotent-Replayed"]) == (None, "true")
        assert Program.objects.count() == count + 1
    assert post(api("alice"), {"name": "Knee"}, "two", f"/api/programs/{program.pk}/template").status_code == 409
