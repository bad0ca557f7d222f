"""A program leaves as a FHIR R4 Bundle that other systems can read, without a word about who it is for."""

import json

import pytest
from fhir.resources.R4B.bundle import Bundle

from generation import fhir, programs
from generation.models import AuditEntry
from tests.generation.program_making import make_program

pytestmark = pytest.mark.django_db


@pytest.fixture
def program(alice, library):
    return make_program(alice)


def exported(client, program, **query):
    return client.get(f"/api/programs/{program.pk}/fhir", query)


def resources(bundle: dict, kind: str) -> list[dict]:
    return [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == kind]


def test_it_is_a_bundle_that_a_fhir_library_takes(api, program):
    answer = exported(api("alice"), program)
    assert answer["Content-Type"] == "application/fhir+json"
    bundle = Bundle.model_validate_json(answer.content)
    assert [entry.resource.__resource_type__ for entry in bundle.entry][0] == "CarePlan"


def test_each_exercise_is_an_order_with_its_dose_steps_and_reason(program):
    version = programs.version_of(program)
    bundle = fhir.bundle(program, version)
    orders, items = resources(bundle, "ServiceRequest"), version.content["items"]
    assert [order["code"]["text"] for order in orders] == [item["name"] for item in items]
    for order, item in zip(orders, items, strict=True):
        dose = next(part["extension"] for part in order["extension"] if part["url"] == fhir.DOSE)
        assert {"url": "sets", "valueInteger": item["dose"]["sets"]} in dose
        assert order["note"][0]["text"] == item["dose_text"]
        assert all(step in order["patientInstruction"] for step in item["steps"])
        # pa-sr-1 of the guide: a reason must be there.
        assert order["reasonCode"][0]["text"]


def test_references_lead_to_entries_of_the_bundle(program):
    bundle = fhir.bundle(program, programs.version_of(program))
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    assert len(set(urls)) == len(urls)
    [plan] = resources(bundle, "CarePlan")
    led_to = [goal["reference"] for goal in plan["goal"]] + [a["reference"]["reference"] for a in plan["activity"]]
    assert set(led_to) == set(urls[1:])
    for order in resources(bundle, "ServiceRequest"):
        assert order["basedOn"] == [{"reference": urls[0]}]
        assert order["extension"][0]["valueReference"]["reference"] in urls


def test_every_goal_says_something(program):
    goals = resources(fhir.bundle(program, programs.version_of(program)), "Goal")
    assert goals
    # pa-goal-1 of the guide.
    assert all(goal["description"]["text"] for goal in goals)


def test_a_draft_is_exported_as_one_until_it_is_approved(alice, program):
    draft = fhir.bundle(program, programs.version_of(program))
    assert {o["status"] for o in resources(draft, "ServiceRequest")} == {"draft"}
    programs.approve(alice, program.pk, program.current)
    program.refresh_from_db()
    active = fhir.bundle(program, programs.version_of(program))
    assert resources(active, "CarePlan")[0]["status"] == "active"
    assert {goal["lifecycleStatus"] for goal in resources(active, "Goal")} == {"active"}


@pytest.mark.parametrize(
    ("frequency", "repeat"),
    [
        ({"per_day": 3, "days_per_week": 7}, {"frequency": 3, "period": 1, "periodUnit": "d"}),
        ({"per_day": 1, "days_per_week": 4, "rest_days_between": 1}, {"frequency": 1, "period": 2, "periodUnit": "d"}),
        ({"per_day": 2, "days_per_week": 5}, {"frequency": 10, "period": 1, "periodUnit": "wk"}),
        (
            {"per_day": 1, "days_per_week": 2, "named_days": ["mon", "thu"]},
            {"frequency": 1, "period": 1, "periodUnit": "d", "dayOfWeek": ["mon", "thu"]},
        ),
    ],
)
def test_how_often_is_told_in_fhirs_terms(frequency, repeat):
    timing = fhir.timing({"named_days": [], "rest_days_between": 0} | frequency, 6)["repeat"]
    assert timing.pop("boundsDuration")["value"] == 6
    assert timing == repeat


def test_the_patient_is_an_identifier_and_nothing_else(program):
    bundle = fhir.bundle(program, programs.version_of(program))
    for entry in bundle["entry"]:
        assert entry["resource"]["subject"].keys() == {"type", "identifier"}
        assert entry["resource"]["subject"]["identifier"]["value"].startswith("urn:uuid:")


def test_the_same_version_has_the_same_addresses(program):
    version = programs.version_of(program)
    first, second = fhir.bundle(program, version), fhir.bundle(program, version)
    assert first == second


def test_words_of_a_program_are_text_in_its_narrative(program):
    version = programs.version_of(program)
    version.content = version.content | {"title": "<script>alert(1)</script>"}
    [plan] = resources(fhir.bundle(program, version), "CarePlan")
    assert "<script>" not in plan["text"]["div"]
    assert plan["title"] == "<script>alert(1)</script>"


def test_an_export_is_on_record(api, program):
    exported(api("bob"), program)
    entry = AuditEntry.objects.get(action="export")
    assert (entry.actor_name, entry.object_id) == ("bob", program.pk)
    assert "fhir" in json.dumps(entry.facts)


def test_a_stranger_gets_none(api, program):
    assert exported(api("charlie"), program).status_code == 404


@pytest.mark.parametrize(("version", "status"), [("1", 200), ("2", 404), ("0", 400), ("one", 400), ("9" * 30, 400)])
def test_a_version_may_be_asked_for(api, program, version, status):
    assert exported(api("alice"), program, version=version).status_code == status


def ids(bundle: dict) -> set[str]:
    """The identifier of each resource that stays the same."""
    return {entry["resource"]["identifier"][0]["value"] for entry in bundle["entry"]}


def urls(bundle: dict) -> set[str]:
    return {entry["fullUrl"] for entry in bundle["entry"]} | {bundle["identifier"]["value"]}


def test_an_approval_makes_another_bundle_of_the_same_resources(alice, program):
    draft = fhir.bundle(program, programs.version_of(program))
    program = programs.approve(alice, program.pk, 1)
    approved = fhir.bundle(program, programs.version_of(program))
    assert ids(draft) == ids(approved)
    assert not urls(draft) & urls(approved)


def test_a_plan_says_which_one_it_replaces(alice, program):
    program = programs.approve(alice, program.pk, 1)
    first = fhir.bundle(program, programs.version_of(program))
    program = programs.edit(alice, program.pk, 1, "remove", slug="bridge")
    draft = fhir.bundle(program, programs.version_of(program))
    program = programs.approve(alice, program.pk, 2)
    second = fhir.bundle(program, programs.version_of(program))
    [old], [unsigned], [new] = (resources(bundle, "CarePlan") for bundle in (first, draft, second))
    assert "replaces" not in old
    assert "replaces" not in unsigned
    assert new["replaces"] == [{"type": "CarePlan", "identifier": old["identifier"][1]}]
    assert new["identifier"][0] == old["identifier"][0]
    assert Bundle.model_validate(second)
    assert [entry["resource"]["meta"]["versionId"] for entry in second["entry"]] == ["2"] * len(second["entry"])
    approved_at = programs.version_of(program).approved_at
    assert new["meta"]["lastUpdated"] == second["meta"]["lastUpdated"] == approved_at.isoformat(timespec="seconds")


def test_an_exercise_keeps_its_identifier_when_it_moves(alice, program):
    before = fhir.bundle(program, programs.version_of(program))
    program = programs.edit(alice, program.pk, 1, "move", slug="bridge", direction="up")
    after = fhir.bundle(program, programs.version_of(program))
    told = [{o["code"]["text"]: o["identifier"] for o in resources(b, "ServiceRequest")} for b in (before, after)]
    assert told[0] == told[1]
