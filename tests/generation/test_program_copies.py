"""Duplicates, templates and the text for the record."""

import base64

import pytest
from django.test import Client
from django.utils import timezone

from generation import program_copies, programs
from generation.clinical import editing, template
from generation.clinical.constraints import constraints_for, first_excluding
from generation.clinical.corrections import choices
from generation.clinical.profile import Profile
from generation.clinical.record import facts
from generation.errors import Conflict, EditRefused, NotAllowed, NotFound
from generation.models import Program
from tests.generation.program_making import KNEE, SHIPPED, WORD_OF_THE_CASE, auditor_of, make_program, slugs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]


@pytest.fixture
def program(alice):
    made = make_program(alice)
    return programs.edit(
        alice, made.pk, 1, "note", slug=slugs(programs.content_of(made))[0], text="Only after breakfast"
    )


def test_a_duplicate_is_a_new_draft_of_the_same_person(program, alice, bob):
    programs.approve(alice, program.pk, 2)
    copy = program_copies.duplicate(bob, program.pk)
    assert (copy.owner, copy.clinic, copy.run, copy.current, copy.status) == (alice, program.clinic, None, 1, "draft")
    assert programs.content_of(copy)["items"] == programs.content_of(program)["items"]
    assert programs.version_of(copy).made_by == bob
    assert programs.version_of(copy).back_to is None
    programs.edit(alice, copy.pk, 1, "remove", slug=slugs(programs.content_of(copy))[0])
    assert programs.version_of(program).number == 2


def test_a_template_has_neither_the_words_of_the_case_nor_notes(program, bob):
    template = program_copies.save_as_template(bob, program.pk, "  Knee, later stage ")
    assert (template.is_template, template.template_name, template.owner) == (True, "Knee, later stage", bob)
    content = programs.content_of(template)
    assert WORD_OF_THE_CASE not in str(content)
    assert "breakfast" not in str(content)
    assert slugs(content) == slugs(programs.content_of(program))
    assert [limit["code"] for limit in content["profile"]["restrictions"]] == ["cannot_kneel"]


def test_a_template_has_no_red_flags_of_the_person_it_was_made_from(alice):
    met = {"code": "ACUTE_TRAUMA", "tier": "CAUTION", "matched_text": WORD_OF_THE_CASE, "status": "fired"}
    program = make_program(alice, Profile.from_dict(KNEE.as_dict() | {"red_flags": [met]}))
    content = programs.content_of(program_copies.save_as_template(alice, program.pk, "Knee"))
    assert editing.cautions(programs.content_of(program)) == ["ACUTE_TRAUMA"]
    assert editing.cautions(content) == content["cautions"] == []
    assert WORD_OF_THE_CASE not in str(content)


AFTER_KNEE = Profile.from_dict(KNEE.as_dict() | {
    "condition_tags": ["after_tka"], "surgery": {"type": "tka", "weeks_post_op": 13.7}, "acuity": "post_op",
    "onset": None, "side": "left", "age": 73, "pain_now": 3, "pain_worst": 7, "phase": "load", "wb_status": "FWB",
    "restrictions": [
        {"code": "bp_high", "value": 191, "source_text": "BP 191/97"},
        {"code": "flexion_limit", "value": 110, "source_text": "flexion to 110"},
    ],
})  # fmt: skip


@pytest.mark.parametrize("language", ["en", "da"])
def test_a_template_has_no_facts_of_the_person(alice, language):
    program = make_program(alice, AFTER_KNEE, language)
    content = programs.content_of(program_copies.save_as_template(alice, program.pk, "Knee"))
    profile = content["profile"]
    assert [profile[name] for name in ("age", "pain_now", "pain_worst", "onset", "side")] == [None] * 4 + ["unknown"]
    assert [(limit["code"], limit["value"]) for limit in profile["restrictions"]] == [("flexion_limit", 110)]
    assert profile["surgery"]["weeks_post_op"] != 13.7
    assert {"age", "pain", "side", "surgery_date"} <= set(profile["unknowns"])
    told = str({name: value for name, value in content.items() if name != "profile"})
    for fact in ("73", "191", "13.7", "(left)", "(venstre)", "left side", "venstre side", "3/10", "5 or less"):
        assert fact not in told
    assert content["findings"] == programs.content_of(program)["findings"]


def test_the_time_since_an_operation_stays_as_a_stage_where_the_exercises_rest_on_it():
    early, later = (constraints_for(weeks_on(weeks)) for weeks in (None, 13.7))
    forbidden_early = [e for e in SHIPPED.values() if first_excluding(early, e) and not first_excluding(later, e)]
    assert forbidden_early
    assert template.nobody(weeks_on(13.7), []).weeks is None
    assert template.nobody(weeks_on(13.7), forbidden_early[:1]).weeks == 12.1
    for exercise in forbidden_early:
        assert not first_excluding(constraints_for(template.nobody(weeks_on(13.7), [exercise])), exercise)


def weeks_on(weeks):
    surgery = {"condition_tags": ["after_aclr"], "surgery": {"type": "aclr", "weeks_post_op": weeks}}
    return Profile.from_dict(AFTER_KNEE.as_dict() | surgery)


def test_a_program_from_a_template_is_approved_once_its_caution_is_acknowledged(program, alice, client):
    made = program_copies.from_template(alice, program_copies.save_as_template(alice, program.pk, "Knee").pk)
    assert [caution["code"] for caution in programs.content_of(made)["cautions"]] == ["from_template"]
    with pytest.raises(EditRefused) as refused:
        programs.approve(alice, made.pk, 1)
    assert refused.value.reason == "not_acknowledged"
    client.force_login(alice)
    shown = client.get(f"/programs/{made.pk}/").content.decode()
    assert 'value="from_template" required> <span>Made from a template: check it' in shown
    assert programs.approve(alice, made.pk, 1, ["from_template"]).status == "approved"


def test_a_template_of_what_came_from_a_template_has_no_caution(program, alice):
    first = program_copies.save_as_template(alice, program.pk, "Knee")
    second = program_copies.save_as_template(alice, program_copies.from_template(alice, first.pk).pk, "Knee again")
    content = programs.content_of(second)
    assert (content["cautions"], content["warnings"]) == ([], programs.content_of(first)["warnings"])


@pytest.mark.parametrize("language", ["en", "da"])
def test_every_limit_in_the_record_is_in_words(language):
    for choice in choices()["restrictions"]:
        told = dict(facts({"restrictions": [{"code": choice["code"], "value": 7}]}, language))
        [limits] = [words for words in told.values() if words.endswith(" 7")]
        assert limits == f"{choice['label'][language]} 7"


def test_a_template_is_for_the_clinic(program, alice, bob, charlie, dana):
    template = program_copies.save_as_template(alice, program.pk, "Knee")
    for actor, there in ((alice, True), (bob, True), (dana, True), (charlie, False)):
        assert program_copies.templates_for(actor).filter(pk=template.pk).exists() == there


def test_a_program_from_a_template_says_that_it_is_for_nobody_yet(program, alice, bob):
    template = program_copies.save_as_template(alice, program.pk, "Knee")
    made = program_copies.from_template(bob, template.pk)
    assert (made.owner, made.clinic, made.is_template, made.current, made.status) == (
        bob, template.clinic, False, 1, "draft",
    )  # fmt: skip
    assert "template" in programs.content_of(made)["warnings"][0]
    assert programs.version_of(made).change == {"action": "duplicate", "source": str(template.pk), "version": 1}


def test_a_template_is_not_approved_and_a_program_is_no_template(program, alice):
    template = program_copies.save_as_template(alice, program.pk, "Knee")
    with pytest.raises(Conflict):
        programs.approve(alice, template.pk, 1)
    with pytest.raises(NotFound):
        program_copies.from_template(alice, program.pk)


def test_an_auditor_outside_staff_and_strangers_copy_nothing(program, alice, cast, charlie, dana):
    template = program_copies.save_as_template(alice, program.pk, "Knee")
    auditor = auditor_of(cast["alice"].clinic_id)
    count = Program.objects.count()
    for actor, refusal in ((auditor, NotAllowed), (dana, NotAllowed), (charlie, NotFound)):
        for command in (
            lambda actor=actor: program_copies.duplicate(actor, program.pk),
            lambda actor=actor: program_copies.save_as_template(actor, program.pk, "Mine"),
            lambda actor=actor: program_copies.from_template(actor, template.pk),
        ):
            with pytest.raises(refusal):
                command()
    assert Program.objects.count() == count


def test_the_text_for_the_record_has_what_a_colleague_needs(program):
    text, content = programs.record_text(program), programs.content_of(program)
    assert text.startswith(f"Home exercise program: {content['title']}\n")
    assert "Version 2." in text
    assert "DRAFT – not reviewed." in text
    assert "- Age: 60\n" in text
    assert "- Limits: cannot kneel\n" in text
    for place, item in enumerate(content["items"], 1):
        assert f"{place}. {item['name']}: {item['dose_text']}\n" in text
    assert "   Note: Only after breakfast\n" in text
    for rule in (content["pain_rule"], *content["stop_rules"]):
        assert rule in text
    assert "(in 28 days)." in text
    assert WORD_OF_THE_CASE not in text


def test_an_approved_record_says_by_whom_and_has_no_draft_in_it(program, alice):
    alice.first_name, alice.last_name = "Alice", "Olsen"
    alice.save()
    approved = programs.approve(alice, program.pk, 2)
    now = timezone.now()
    assert f"Approved by Alice Olsen, {now.day} {now:%B} {now.year}." in programs.record_text(approved)
    assert "DRAFT" not in programs.record_text(approved)
    assert "DRAFT" in programs.record_text(approved, 1)


def test_the_record_has_danish_headings_and_dates(program):
    text = programs.record_text(program, language="da")
    assert "Hjemmetræningsprogram" in text
    assert "UDKAST – ikke gennemgået." in text
    assert "- Begrænsninger: kan ikke ligge på knæ\n" in text
    assert "Opfølgning:" in text


def test_the_record_has_no_record_number(alice):
    program = make_program(alice)
    run = program.run
    run.input = run.input | {"mrn": "HEP-1042"}
    run.save()
    copy = program_copies.duplicate(alice, program.pk)
    for one in (program, copy):
        assert "HEP-1042" not in programs.record_text(one) + str(programs.content_of(one))


def test_a_list_of_templates_survives_the_loss_of_their_key(program, alice, api, settings):
    template = program_copies.save_as_template(alice, program.pk, "Knee")
    settings.FIELD_KEYS = "other:" + base64.urlsafe_b64encode(b"o" * 32).decode()
    [row] = api("alice").get("/api/program-templates").json()["results"]
    assert (row["id"], row["template_name"], row["title"]) == (str(template.pk), None, None)
    client = Client()
    client.force_login(alice)
    assert str(template.pk) in client.get("/templates/").content.decode()


def test_after_an_edit_no_count_of_the_first_choice_is_left(program, alice):
    said = programs.content_of(programs.edit(alice, program.pk, 2, "remove", slug="bridge"))["summary_for_clinician"]
    assert "Age 60" in said
    assert "looked at" not in said
