"""Facts that a clinician corrects, as a browser without scripts meets them."""

import re

import pytest
from django.http import QueryDict

from generation.correction_forms import CorrectionForm
from generation.models import AuditEntry, Run
from generation.models.runs import Status
from tests.generation.browsing import browser, ended_run, page, run_url
from tests.generation.program_making import KNEE, auditor_of, make_program

PROFILE = KNEE.as_dict()


def sent(profile=PROFILE, **changes) -> QueryDict:
    """What a browser posts of the form after these changes; None leaves a field out."""
    form, data = CorrectionForm(profile, "en"), QueryDict(mutable=True)
    for name in form.fields:
        value = changes.get(name, form.initial.get(name))
        for one in value if isinstance(value, list) else [value]:
            if one not in (None, "", False):
                data.appendlist(f"fact-{name}", one)
    return data


def posted(**changes) -> dict[str, list[object]]:
    """The same for the test client, which of a QueryDict would take the last value of each."""
    return dict(sent(**changes).lists())


def corrected(profile=PROFILE, **changes) -> dict:
    form = CorrectionForm(profile, "en", sent(profile, **changes))
    assert form.is_valid(), form.errors
    return form.corrections()


@pytest.mark.parametrize(("changes", "corrections"), [
    ({}, {}),
    ({"side": "left"}, {"side": "left"}),
    ({"age": "", "pain_worst": "6"}, {"age": None, "pain_worst": 6}),
    ({"regions": ["hip", "knee"]}, {"regions": ["hip", "knee"]}),
    ({"onset_value": "2", "onset_unit": "week"}, {"onset": {"value": 2.0, "unit": "week"}}),
    ({"onset_value": ""}, {"onset": None}),
    ({"surgery_type": "tka", "surgery_weeks": "3"}, {"surgery": {"type": "tka", "weeks_post_op": 3.0}}),
    ({"surgery_type": "tka"}, {"surgery": {"type": "tka", "weeks_post_op": None}}),
    ({"restrictions": []}, {"restrictions": {"remove": ["cannot_kneel"]}}),
    ({"restrictions": ["cannot_kneel", "boot"], "flexion_limit": "90"},
     {"restrictions": {"add": ["boot", {"code": "flexion_limit", "value": 90}]}}),
    ({"wb_status": "PWB", "goals": [], "phase": "load", "pregnant": "on"},
     {"wb_status": "PWB", "goals": [], "phase": "load", "pregnant": True}),
])  # fmt: skip
def test_only_what_was_changed_is_a_correction(changes, corrections):
    assert corrected(**changes) == corrections


def test_a_code_that_the_page_does_not_know_is_not_taken_away():
    profile = PROFILE | {"goals": ["climb_stairs", "of_next_year"], "condition_tags": ["after_tka", "knee_oa"]}
    assert corrected(profile) == {}


@pytest.mark.parametrize("changes", [{"pain_now": "11"}, {"age": "-1"}, {"side": "up"}, {"flexion_limit": "181"}])
def test_what_can_not_be_is_refused_at_its_fact(changes):
    assert set(CorrectionForm(PROFILE, "en", sent(**changes)).errors) == set(changes)


@pytest.mark.parametrize(("changes", "field"), [
    ({"surgery_weeks": "3"}, "surgery_weeks"),
    ({"pain_now": "6", "pain_worst": "5"}, "pain_worst"),
])  # fmt: skip
def test_facts_that_do_not_go_together_are_refused(changes, field):
    assert set(CorrectionForm(PROFILE, "en", sent(**changes)).errors) == {field}


def test_an_operation_is_taken_away_although_its_weeks_are_left_in_their_field():
    profile = PROFILE | {"surgery": {"type": "tka", "weeks_post_op": 3.0}}
    assert corrected(profile, surgery_type="") == {"surgery": None}


@pytest.mark.django_db
class TestOnThePage:
    @pytest.fixture
    def run(self, alice, library) -> Run:
        run = make_program(alice).run
        run.status, run.result = Status.SUCCEEDED, {"profile": PROFILE, "outcome": "program"}
        run.save(update_fields=("status", "result"))
        return run

    def test_every_fact_is_there_to_be_corrected_and_what_nobody_said_to_be_filled_in(self, alice, run):
        text = page(alice, run_url(run))
        for name in CorrectionForm(PROFILE, "en").fields:
            assert f'name="fact-{name}"' in text
        assert "Generate again with the corrections" in text

    @pytest.mark.django_db(transaction=True)
    def test_several_corrections_start_one_run_of_the_same_case(self, alice, run):
        answer = browser(alice).post(f"{run_url(run)}correct/", posted(side="left", age="70"))
        made = Run.objects.latest("pk")
        assert answer["Location"] == run_url(made)
        assert made.parent == run
        assert made.input["corrections"] == {"side": "left", "age": 70}
        assert made.input["prompt"] == run.input["prompt"]

    def test_nothing_corrected_starts_nothing(self, alice, run):
        answer = browser(alice).post(f"{run_url(run)}correct/", posted())
        assert answer.status_code == 400
        assert "Nothing was changed yet." in answer.content.decode()
        assert Run.objects.count() == 1

    def test_what_is_wrong_is_said_in_its_fact_which_stays_open(self, alice, run):
        answer = browser(alice).post(f"{run_url(run)}correct/", posted(pain_now="11", side="left"))
        text = answer.content.decode()
        assert answer.status_code == 400
        (open_one,) = re.findall(r"<details open>.*?</details>", text, re.DOTALL)
        assert 'name="fact-pain_now"' in open_one
        assert "less than or equal to 10" in open_one
        assert '<option value="left" selected>' in text

    def test_what_a_colleague_is_shown_with_a_refusal_is_on_the_record(self, alice, bob, run):
        browser(bob).post(f"{run_url(run)}correct/", posted())
        (entry,) = AuditEntry.objects.filter(action="view")
        assert (entry.actor, entry.object_kind, entry.facts) == (bob, "program", {"version": 1})

    def test_the_corrections_outlive_an_edit_of_the_program(self, alice, run):
        assert '<form id="corrections" hx-preserve' in page(alice, run_url(run))

    def test_only_who_may_change_the_program_corrects_it(self, alice, bob, charlie, run):
        erin = auditor_of(run.clinic_id)
        url = f"{run_url(run)}correct/"
        assert 'name="fact-side"' in page(bob, run_url(run))
        assert 'name="fact-side"' not in page(erin, run_url(run))
        assert [browser(who).post(url, posted(side="left")).status_code for who in (erin, charlie)] == [404, 404]
        assert browser(alice).get(url).status_code == 405
        assert Run.objects.count() == 1


@pytest.mark.django_db
def test_what_is_missing_can_be_filled_in_where_no_exercises_were_chosen(alice):
    run = ended_run(alice, "lorem ipsum dolor sit amet consectetur")
    assert 'name="fact-regions"' in page(alice, run_url(run))


@pytest.mark.django_db
def test_a_refusal_without_a_program_is_on_the_record_too(alice, bob):
    run = ended_run(alice, "lorem ipsum dolor sit amet consectetur", clinic=alice.clinics.get())
    assert browser(bob).post(f"{run_url(run)}correct/", {}).status_code == 400
    (entry,) = AuditEntry.objects.filter(action="view")
    assert (entry.actor, entry.object_id) == (bob, run.uid)


@pytest.mark.django_db
def test_taking_over_the_case_of_another_is_on_the_record(alice, bob):
    run = ended_run(alice, clinic=alice.clinics.get())
    page(bob, f"/?from={run.uid}")
    (entry,) = AuditEntry.objects.filter(action="view")
    assert (entry.actor, entry.object_id) == (bob, run.uid)
