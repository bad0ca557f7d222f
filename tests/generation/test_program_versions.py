"""Versions: conditional commands, undo, approval, and what is kept of all that."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.db.models import ProtectedError

from generation import program_copies, programs, rights, shelf
from generation.clinical.profile import Profile
from generation.errors import ChecksFailed, Conflict, EditRefused, NotFound, StaleVersion
from generation.fields import CannotOpen
from generation.models import AuditEntry, Exercise, Program, ProgramVersion
from tests.generation.program_making import KNEE, WORD_OF_THE_CASE, auditor_of, make_program, slugs

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library")]


@pytest.fixture
def program(alice):
    return make_program(alice)


def shortened(actor, program):
    """After the last exercise was removed."""
    last = slugs(programs.content_of(program))[-1]
    return programs.edit(actor, program.pk, program.current, "remove", slug=last)


def acts(program):
    rows = AuditEntry.objects.filter(object_id=program.pk).order_by("id")
    return [(row.actor_name, row.action, row.facts) for row in rows]


def test_the_first_version_is_the_program_as_it_was_generated(program, alice):
    version = programs.version_of(program)
    assert (version.number, version.change, version.back_to) == (1, {"action": "generated"}, None)
    assert (version.made_by, program.status) == (alice, "draft")
    assert version.content["profile"]["regions"] == ["knee"]
    assert all(item["patient_note"] == "" for item in version.content["items"])


def test_an_edit_adds_a_version_and_leaves_the_old_one(program, bob):
    before = programs.content_of(program)
    edited = shortened(bob, program)
    assert (edited.current, edited.status) == (2, "draft")
    assert programs.content_of(edited, 1) == before
    assert slugs(programs.content_of(edited)) == slugs(before)[:-1]
    version = programs.version_of(edited)
    assert (version.made_by, version.back_to) == (bob, 1)
    assert version.change == {"action": "remove", "slug": slugs(before)[-1]}


def test_an_action_that_changes_nothing_makes_no_version(program, alice):
    slug = slugs(programs.content_of(program))[0]
    assert programs.edit(alice, program.pk, 1, "note", slug=slug, text="").current == 1
    assert acts(program) == []


def test_a_command_against_an_older_version_is_refused_with_the_current_one(program, alice):
    shortened(alice, program)
    slug = slugs(programs.content_of(program))[0]
    for command in (
        lambda: programs.edit(alice, program.pk, 1, "remove", slug=slug),
        lambda: programs.undo(alice, program.pk, 1),
        lambda: programs.approve(alice, program.pk, 1),
        lambda: programs.approve(alice, program.pk, 3),
    ):
        with pytest.raises(StaleVersion) as stale:
            command()
        assert stale.value.version == 2
    assert ProgramVersion.objects.count() == 2


def together(*commands):
    """What each of these gave or raised."""
    ready = threading.Barrier(len(commands))

    def one(command):
        try:
            ready.wait(timeout=30)
            return command()
        except Conflict as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(commands)) as threads:
        return list(threads.map(one, commands))


def test_of_two_editors_at_once_one_wins_and_the_other_is_told(program, alice, bob):
    first, second = slugs(programs.content_of(program))[:2]
    gave = together(
        lambda: programs.edit(alice, program.pk, 1, "remove", slug=first),
        lambda: programs.edit(bob, program.pk, 1, "remove", slug=second),
    )
    assert {type(one) for one in gave} == {Program, StaleVersion}
    assert {one.current if isinstance(one, Program) else one.version for one in gave} == {2}
    assert ProgramVersion.objects.count() == 2
    assert AuditEntry.objects.filter(action="edit").count() == 1


def test_whoever_has_looked_before_and_writes_after_another_is_told(program, alice, bob):
    content = programs.looked_at(program, 1).content
    programs.advance(alice, program, 1, content, {"action": "note"}, back_to=1)
    for late in (
        lambda: programs.advance(bob, program, 1, content, {"action": "note"}, back_to=1),
        lambda: programs.claim(program, 1, status="approved"),
    ):
        with pytest.raises(StaleVersion) as stale:
            late()
        assert stale.value.version == 2
    program.refresh_from_db()
    assert (program.current, program.status, ProgramVersion.objects.count()) == (2, "draft", 2)


def test_whoever_writes_to_a_program_that_is_gone_meanwhile_is_told(program, alice):
    looked = programs.get_program_for(alice, program.pk)
    content = programs.content_of(program)
    program.delete()
    with pytest.raises(NotFound):
        programs.advance(alice, looked, 1, content, {"action": "note"}, back_to=1)


def test_undo_goes_back_one_action_at_a_time_until_there_is_nothing(program, alice):
    contents = [programs.content_of(program)]
    for _ in range(3):
        program = shortened(alice, program)
        contents.append(programs.content_of(program))
    for expected in contents[2::-1]:
        assert programs.version_of(program).back_to is not None
        program = programs.undo(alice, program.pk, program.current)
        assert programs.content_of(program) == expected
    assert programs.version_of(program).back_to is None
    with pytest.raises(EditRefused) as refused:
        programs.edit(alice, program.pk, program.current, "undo")
    assert refused.value.reason == "nothing_to_undo"
    assert program.current == 7


def test_after_an_undo_an_edit_can_be_undone_as_well(program, alice):
    start = programs.content_of(program)
    program = shortened(alice, shortened(alice, program))
    program = programs.undo(alice, program.pk, program.current)
    once_shorter = programs.content_of(program)
    program = programs.undo(alice, program.pk, shortened(alice, program).current)
    assert programs.content_of(program) == once_shorter
    assert programs.content_of(programs.undo(alice, program.pk, program.current)) == start


def test_an_approval_says_who_and_when_and_is_given_once(program, alice, bob):
    assert programs.approve(bob, program.pk, 1).status == "approved"
    version = programs.version_of(program)
    assert version.approved_by == bob
    assert version.approved_at is not None
    assert programs.approve(alice, program.pk, 1).status == "approved"
    again = programs.version_of(program)
    assert (again.approved_by, again.approved_at) == (bob, version.approved_at)
    assert acts(program) == [("bob", "approve", {"version": 1})]


def test_an_edit_makes_a_draft_and_the_approved_version_stays_on_record(program, alice):
    approved = shortened(alice, programs.approve(alice, program.pk, 1))
    assert approved.status == "draft"
    assert programs.version_of(approved, 1).approved_by == alice
    assert programs.version_of(approved, 2).approved_by is None


def test_a_caution_is_acknowledged_before_an_approval(alice):
    met = [
        {"code": "ACUTE_TRAUMA", "tier": "CAUTION", "matched_text": "x", "status": "fired"},
        {"code": "OTHER", "tier": "CAUTION", "matched_text": "x", "status": "negated"},
    ]
    program = make_program(alice, Profile.from_dict(KNEE.as_dict() | {"red_flags": met}))
    for acknowledged in ((), ("OTHER",)):
        with pytest.raises(EditRefused) as refused:
            programs.approve(alice, program.pk, 1, acknowledged)
        assert refused.value.reason == "not_acknowledged"
    assert programs.approve(alice, program.pk, 1, ["ACUTE_TRAUMA"]).status == "approved"
    assert acts(program) == [("alice", "approve", {"version": 1, "acknowledged": ["ACUTE_TRAUMA"]})]


def test_a_program_with_an_error_is_not_approved(program, alice):
    slug = slugs(programs.content_of(program))[0]
    # As when a demand that was forgotten is mended in the library.
    Exercise.objects.filter(slug=slug).update(demands=["pos_kneeling"])
    shelf._shelves.clear()
    with pytest.raises(ChecksFailed) as failed:
        programs.approve(alice, program.pk, 1)
    assert failed.value.checks == ["V05"]
    program.refresh_from_db()
    assert (program.status, programs.version_of(program).approved_at) == ("draft", None)


def test_no_change_of_the_library_reaches_a_version(program, alice):
    programs.approve(alice, program.pk, 1)
    before = programs.content_of(program)
    for exercise in Exercise.objects.all():
        exercise.texts.update(name="Changed", steps=["Changed", "Changed"])
    Exercise.objects.all().delete()
    assert programs.content_of(program) == before
    assert "Changed" not in programs.record_text(program)


def test_an_auditor_and_outside_staff_only_look(program, cast, dana):
    auditor = auditor_of(cast["alice"].clinic_id)
    for actor in (auditor, dana):
        assert programs.get_program_for(actor, program.pk) == program
        assert not rights.may_change(actor, program)


def test_what_was_done_is_on_the_audit_trail_in_ids_and_codes(program, alice, bob):
    slug = slugs(programs.content_of(program))[0]
    programs.viewed(bob, program)
    programs.edit(alice, program.pk, 1, "note", slug=slug, text="Canary note")
    programs.undo(alice, program.pk, 2)
    programs.approve(bob, program.pk, 3)
    copy = program_copies.duplicate(bob, program.pk)
    template = program_copies.save_as_template(bob, program.pk, "Canary name")
    assert acts(program) == [
        ("bob", "view", {"version": 1}),
        ("alice", "edit", {"version": 2, "action": "note"}),
        ("alice", "edit", {"version": 3, "action": "undo"}),
        ("bob", "approve", {"version": 3}),
        ("bob", "duplicate", {"version": 3, "copy": str(copy.pk)}),
        ("bob", "template", {"version": 3, "copy": str(template.pk)}),
    ]
    changes = list(ProgramVersion.objects.values_list("change", flat=True))
    assert "Canary" not in str(changes)


def test_what_is_stored_can_not_be_read_without_the_key_or_in_another_place(program, alice):
    slug = slugs(programs.content_of(program))[0]
    programs.edit(alice, program.pk, 1, "note", slug=slug, text="Canary note")
    program_copies.save_as_template(alice, program.pk, "Canary name")
    told = [WORD_OF_THE_CASE, "Canary", "osteoarthritis", "Bridge", "can't kneel"]
    for table in ("generation_program", "generation_programversion"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
            stored = b"".join(bytes(value) for row in cursor for value in row if isinstance(value, bytes | memoryview))
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608
            rest = "".join(str(value) for row in cursor for value in row if not isinstance(value, bytes | memoryview))
        assert len(stored) > 30
        for word in told:
            assert word.encode() not in stored
            assert word not in rest
    first, second = ProgramVersion.objects.filter(program=program)
    second.__dict__["content"] = first.__dict__["content"]
    with pytest.raises(CannotOpen):
        _ = second.content


def test_a_draft_goes_with_its_run_and_what_was_ever_approved_stays(alice):
    drafted, approved = make_program(alice), make_program(alice)
    edited = shortened(alice, programs.approve(alice, approved.pk, 1))
    assert edited.status == "draft"
    with transaction.atomic():
        programs.discard(drafted.run)
        programs.discard(edited.run)
    assert list(Program.objects.all()) == [approved]


def test_no_program_goes_with_an_account_and_an_approval_keeps_its_name(program, alice, bob, api):
    with pytest.raises(ProtectedError):
        alice.delete()
    bob.first_name, bob.last_name = "Bob", "Berg"
    bob.save()
    approved = programs.approve(bob, program.pk, 1)
    bob.delete()
    version = programs.version_of(approved)
    assert (version.approved_by, version.approver) == (None, "Bob Berg")
    assert "Approved by Bob Berg" in programs.record_text(approved)
    assert api("alice").get(f"/api/programs/{program.pk}").json()["approved_by"] == "Bob Berg"


def test_of_an_approval_and_the_end_of_its_run_the_program_is_left_or_the_approval_refused(program, alice):
    def discard():
        with transaction.atomic():
            programs.discard(program.run)

    def approve():
        try:
            return programs.approve(alice, program.pk, 1)
        except NotFound as error:
            return error

    gave = together(discard, approve)
    assert isinstance(gave[1], Program) == Program.objects.exists()
