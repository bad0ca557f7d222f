"""The admin: every page opens for staff, shows no case, changes only what it says, and asks a run to stop."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import NoReverseMatch, reverse

from generation import events
from generation.models import ApiToken, AuditEntry, Clinic, Exercise, Membership, Run, User
from generation.models.runs import Status
from metrics.models import GenerationMetric
from metrics.recorder import record
from tests.generation.factories import CASE, held_run, make_run

pytestmark = pytest.mark.django_db

MODELS = ("generation.run", "generation.exercise", "generation.clinic", "generation.user", "generation.apitoken",
          "metrics.generationmetric", "auth.group")  # fmt: skip
READ_ONLY = ("generation.run", "generation.exercise", "generation.apitoken", "metrics.generationmetric")


def address(model: str, view: str, *args: object) -> str:
    return reverse(f"admin:{model.replace('.', '_')}_{view}", args=args)


@pytest.fixture
def rows(alice, library):
    """One row of each model, by its name."""
    run, _ = held_run(alice, clinic=alice.clinics.get(), result={"note": CASE}, stage="generating")
    record(run_id=run.uid, attempt=1, kind=run.kind, stage="started", duration_ms=12, outcome="succeeded")
    return {
        "generation.run": run,
        "generation.exercise": Exercise.objects.first(),
        "generation.clinic": run.clinic,
        "generation.user": alice,
        "generation.apitoken": ApiToken.objects.filter(user=alice).get(),
        "metrics.generationmetric": GenerationMetric.objects.get(),
        "auth.group": Group.objects.create(name="Physiotherapists"),
    }


@pytest.fixture
def staff(dana) -> Client:
    client = Client()
    client.force_login(dana)
    return client


def test_the_index_lists_every_model(staff):
    page = staff.get(reverse("admin:index")).content.decode()
    assert [model for model in MODELS if address(model, "changelist") not in page] == []


@pytest.mark.parametrize("model", MODELS)
def test_a_list_opens(staff, rows, model):
    page = staff.get(address(model, "changelist"))
    assert page.status_code == 200
    assert address(model, "change", rows[model].pk) in page.content.decode()


@pytest.mark.parametrize("model", MODELS)
def test_a_detail_opens(staff, rows, model):
    page = staff.get(address(model, "change", rows[model].pk))
    assert page.status_code == 200
    assert ('name="_save"' in page.content.decode()) == (model not in READ_ONLY)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("query", ["q=alice", "q=%00", "q=' OR 1=1--", "o=99.x", "p=-1", "p=999999", "e=1"])
def test_a_strange_query_of_a_list_is_answered(staff, rows, model, query):
    assert staff.get(f"{address(model, 'changelist')}?{query}").status_code in (200, 302)


@pytest.mark.parametrize("model", READ_ONLY)
def test_what_is_looked_at_here_is_changed_elsewhere(staff, rows, model):
    row = rows[model]
    before = type(row).objects.filter(pk=row.pk).values().get()
    answers = [
        staff.post(address(model, "change", row.pk), {"status": "succeeded", "name": "changed", "slug": "changed"}),
        staff.get(address(model, "add")),
        staff.post(address(model, "add"), {"name": "made"}),
    ]
    if model != "generation.apitoken":
        answers.append(staff.post(address(model, "delete", row.pk), {"post": "yes"}))
    assert {answer.status_code for answer in answers} == {403}
    after = type(row).objects.filter(pk=row.pk).values().get()
    # Sealed values are compared by their bytes, which any write would renew.
    assert {name: getattr(value, "stored", value) for name, value in after.items()} == {
        name: getattr(value, "stored", value) for name, value in before.items()
    }
    if model != "generation.apitoken":
        assert "delete_selected" not in staff.get(address(model, "changelist")).content.decode()


def test_a_token_is_revoked_but_never_shown(staff, cast, rows):
    token = rows["generation.apitoken"]
    pages = [staff.get(address("generation.apitoken", *view)).content.decode() for view in (
        ("changelist",), ("change", token.pk), ("delete", token.pk))]  # fmt: skip
    for page in pages:
        assert cast["alice"].token not in page
        assert "alice" in page
    staff.post(address("generation.apitoken", "delete", token.pk), {"post": "yes"})
    assert not ApiToken.objects.filter(pk=token.pk).exists()


@pytest.mark.parametrize("who", ["nobody", "clinician", "staff without rights"])
@pytest.mark.parametrize("model", MODELS)
def test_others_see_no_page(rows, alice, bob, who, model):
    client = Client()
    if who == "clinician":
        client.force_login(alice)
    elif who == "staff without rights":
        bob.is_staff = True
        bob.save(update_fields=["is_staff"])
        client.force_login(bob)
    for view in (("changelist",), ("change", rows[model].pk)):
        answer = client.get(address(model, *view))
        if who == "staff without rights":
            assert answer.status_code == 403
        else:
            assert answer.status_code == 302
            assert answer["Location"].startswith(reverse("admin:login"))


def test_a_clinician_can_not_act_by_the_admin(rows, alice):
    client = Client()
    client.force_login(alice)
    run = rows["generation.run"]
    answer = client.post(
        address("generation.run", "changelist"), {"action": "ask_to_cancel", "_selected_action": [run.pk]}
    )
    assert answer.status_code == 302
    run.refresh_from_db(fields=["status"])
    assert run.status == Status.RUNNING


def test_a_run_shows_its_timeline_and_not_its_case(staff, alice):
    texts = {"input": {"prompt": "QWERTZ of a person", "mrn": "ZX-1"}, "result": {"note": "QWERTZ"}}
    run = make_run(alice, **texts)
    events.append_unheld(
        run,
        ("progress", {"stage": "generating", "message": "QWERTZ message", "progress": 40}),
        ("queued", {"position": 3, "eta": None}),
        ("item", {"path": "exercises", "index": 0, "value": {"name": "QWERTZ"}}),
        ("warning", {"code": "red_flag", "message": "QWERTZ"}),
        ("<script>", {"stage": "<b>bold</b>"}),
    )
    page = staff.get(address("generation.run", "change", run.pk)).content.decode()
    for shown in ("queued", "position 3", "stage generating, progress 40", "index 0", "code red_flag"):
        assert shown in page
    assert "QWERTZ" not in page
    assert "ZX-1" not in page
    # Whatever a log holds is text.
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold" in page


def test_a_list_of_runs_opens_no_case(staff, alice, django_assert_max_num_queries):
    for _ in range(30):
        make_run(alice, clinic=alice.clinics.get())
    with django_assert_max_num_queries(20) as asked:
        assert staff.get(address("generation.run", "changelist")).status_code == 200
    case = Run._meta.get_field("input").column
    assert not [query["sql"] for query in asked if f'"{Run._meta.db_table}"."{case}"' in query["sql"]]


@pytest.mark.parametrize("term", ["alice", "{uid}"])
def test_a_run_is_found_by_its_owner_and_its_id(staff, rows, term):
    run = rows["generation.run"]
    page = staff.get(address("generation.run", "changelist"), {"q": term.format(uid=run.uid)}).content.decode()
    assert address("generation.run", "change", run.pk) in page


def test_a_run_is_not_found_by_its_text(staff, rows):
    page = staff.get(address("generation.run", "changelist"), {"q": "knee"}).content.decode()
    assert address("generation.run", "change", rows["generation.run"].pk) not in page


def ask_to_cancel(client: Client, *chosen: Run) -> str:
    return ask(client, "ask_to_cancel", *chosen)


def ask(client: Client, action: str, *chosen: Run) -> str:
    data = {"action": action, "_selected_action": [run.pk for run in chosen]}
    answer = client.post(address("generation.run", "changelist"), data, follow=True)
    assert answer.status_code == 200
    return " ".join(str(message) for message in answer.context["messages"])


def test_ask_to_cancel_stops_what_lives_and_names_what_does_not(staff, dana, alice):
    held, _ = held_run(alice)
    waiting, ended = make_run(alice), make_run(alice, status=Status.SUCCEEDED)
    said = ask_to_cancel(staff, held, waiting, ended)
    for run in (held, waiting, ended):
        run.refresh_from_db()
    # A held run is ended by its worker; one that nobody holds at once.
    assert [run.status for run in (held, waiting, ended)] == ["cancelling", "cancelled", "succeeded"]
    assert {(run.cancelled_by, run.cancel_reason) for run in (held, waiting)} == {(dana.username, "admin")}
    assert "2 runs were asked to stop." in said
    assert f"{ended.uid}: The run has succeeded" in said


def test_runs_are_paused_resumed_retried_and_deleted_from_here(staff, alice):
    waiting, ended = make_run(alice), make_run(alice, status=Status.FAILED)
    said = ask(staff, "ask_to_pause", waiting, ended)
    assert "1 runs were asked to pause." in said
    assert f"{ended.uid}: The run is failed; it can" in said
    waiting.refresh_from_db()
    assert waiting.status == Status.PAUSED
    assert "1 runs go on." in ask(staff, "resume", waiting)
    assert "1 runs were started." in ask(staff, "retry", waiting, ended)
    assert Run.objects.get(parent=ended).owner == alice
    assert "1 runs were deleted" in ask(staff, "ask_to_delete", ended)
    assert not Run.objects.filter(pk=ended.pk).exists()
    assert AuditEntry.objects.get().actor_name == "dana"


def test_asking_twice_asks_once(staff, alice):
    held, _ = held_run(alice)
    ask_to_cancel(staff, held)
    assert "0 runs were asked to stop." in ask_to_cancel(staff, held)


def test_the_admin_asks_for_the_csrf_token(dana, alice):
    client = Client(enforce_csrf_checks=True)
    client.force_login(dana)
    run, _ = held_run(alice)
    data = {"action": "ask_to_cancel", "_selected_action": [run.pk]}
    assert client.post(address("generation.run", "changelist"), data).status_code == 403
    run.refresh_from_db(fields=["status"])
    assert run.status == Status.RUNNING


def test_clinics_and_their_members_are_edited_here(staff, alice, charlie):
    clinic = alice.clinics.get()
    page = staff.get(address("generation.clinic", "change", clinic.pk)).content.decode()
    assert 'name="memberships-TOTAL_FORMS"' in page
    members = list(clinic.memberships.all())
    form = {
        "name": "Renamed", "phone": "", "emergency_number": "112", "draft_days": 30,
        "memberships-TOTAL_FORMS": len(members) + 1,
        "memberships-INITIAL_FORMS": len(members), "memberships-MIN_NUM_FORMS": 0, "memberships-MAX_NUM_FORMS": 99,
    }  # fmt: skip
    for number, member in enumerate([*members, Membership(user=charlie)]):
        form |= {
            f"memberships-{number}-id": member.pk or "", f"memberships-{number}-clinic": clinic.pk,
            f"memberships-{number}-user": member.user_id, f"memberships-{number}-role": member.role,
        }  # fmt: skip
    answer = staff.post(address("generation.clinic", "change", clinic.pk), form)
    assert answer.status_code == 302
    assert Clinic.objects.get(pk=clinic.pk).name == "Renamed"
    assert charlie.clinics.contains(clinic)


def test_a_user_is_made_with_a_password_that_is_hashed(staff):
    form = {"username": "erik", "password1": "a long enough phrase", "password2": "a long enough phrase",
            "usable_password": "true", "memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}  # fmt: skip
    answer = staff.post(address("generation.user", "add"), form)
    assert answer.status_code == 302, answer.context and answer.context["errors"]
    user = User.objects.get(username="erik")
    assert user.check_password("a long enough phrase")
    assert "a long enough phrase" not in staff.get(address("generation.user", "change", user.pk)).content.decode()


@pytest.mark.parametrize(
    "model", ["generation_event", "generation_step", "generation_program", "generation_programitem"]
)
def test_what_holds_case_text_has_no_page(model):
    with pytest.raises(NoReverseMatch):
        reverse(f"admin:{model}_changelist")


@pytest.mark.parametrize("days", [0, -1])
def test_drafts_are_kept_for_a_day_at_least(staff, alice, days):
    clinic = alice.clinics.get()
    form = {"name": "North", "emergency_number": "112", "draft_days": days}
    form |= {"memberships-TOTAL_FORMS": 0, "memberships-INITIAL_FORMS": 0}
    answer = staff.post(address("generation.clinic", "change", clinic.pk), form)
    assert "draft_days" in answer.context["adminform"].form.errors
    clinic.refresh_from_db()
    assert clinic.draft_days == 30


def test_an_account_with_runs_is_not_deleted_but_said_to_be_made_inactive(staff, alice):
    make_run(alice)
    path = address("generation.user", "delete", alice.pk)
    for answer in (staff.get(path), staff.post(path, {"post": "yes"})):
        assert "make it inactive instead" in answer.content.decode()
    assert User.objects.filter(pk=alice.pk).exists()


def test_an_account_without_runs_is_deleted(staff, charlie):
    staff.post(address("generation.user", "delete", charlie.pk), {"post": "yes"})
    assert not User.objects.filter(pk=charlie.pk).exists()
