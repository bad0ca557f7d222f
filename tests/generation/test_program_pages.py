"""The page of a program and what its buttons do, as a browser without scripts meets them."""

import re
from urllib.parse import urlencode

import pytest

from generation import programs
from generation.clinical import editing
from generation.models import AuditEntry, Program
from tests.generation.browsing import NEVER, browser, page
from tests.generation.program_making import KNEE, SHIPPED, auditor_of, make_program, slugs

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("library")]
HTMX = {"HX-Request": "true"}
CAUTIOUS = KNEE.__class__(**{name: getattr(KNEE, name) for name in KNEE.__slots__} | {"red_flags": (
    {"code": "weak_single", "tier": "CAUTION", "matched_text": "night pain", "status": "fired"},
)})  # fmt: skip


def url_of(program: Program, rest: str = "") -> str:
    return f"/programs/{program.pk}/{rest}"


def order(program: Program) -> list[str]:
    return slugs(programs.content_of(Program.objects.get(pk=program.pk)))


def edited(user, program, action, headers=None, version=None, **fields):
    sent = {"version": version or Program.objects.get(pk=program.pk).current, "action": action, **fields}
    return browser(user).post(url_of(program, "edit/"), sent, headers=headers)


def test_it_is_shown_in_the_order_of_a_clinician(alice):
    text = page(alice, url_of(make_program(alice, CAUTIOUS)))
    headings = ["Draft –", "What was understood", ">Exercises<", "Pain rule", "Stop and call", "Good to know"]
    places = [text.index(heading) for heading in [*headings, ">Approval<", "How this was made"]]
    assert places == sorted(places)
    assert "Green: go on" in text
    assert "Red: do less or stop" in text


def test_the_page_of_its_run_shows_the_program_as_it_is_now(alice):
    program = make_program(alice)
    program.run.__class__.objects.filter(pk=program.run.pk).update(status="succeeded")
    edited(alice, program, "note", slug=order(program)[0], text="Slowly, please")
    assert "Slowly, please" in page(alice, f"/runs/{program.run.uid}/")


def test_an_exercise_moves_and_the_page_comes_back_to_it(alice):
    program = make_program(alice)
    first, second, *_ = order(program)
    answer = edited(alice, program, "move", slug=second, direction="up")
    assert (answer.status_code, answer["Location"]) == (302, f"{url_of(program)}#up-{second}")
    assert order(program)[:2] == [second, first]
    assert "moved up" in page(alice, url_of(program))


def test_htmx_gets_the_program_alone_what_to_say_and_where_to_go_on(alice):
    program = make_program(alice)
    first = order(program)[0]
    text = edited(alice, program, "move", HTMX, slug=first, direction="down").content.decode()
    assert "<html" not in text
    assert f'data-focus="down-{first}"' in text
    assert re.search(r'id="status" hx-swap-oob="innerHTML">[^<]+ moved down<', text)


def test_the_dose_changes_within_its_bounds_and_says_where_it_may_not(alice):
    program = make_program(alice)
    item = next(item for item in programs.content_of(program)["items"] if item["dose"]["reps"])
    slug, (low, high) = item["slug"], editing.bounds(SHIPPED[item["slug"]], item["dose"])["reps"]
    assert edited(alice, program, "dose", slug=slug, reps=low).status_code == 302
    item = next(
        item for item in programs.content_of(Program.objects.get(pk=program.pk))["items"] if item["slug"] == slug
    )
    assert item["dose"]["reps"] == low
    answer = edited(alice, program, "dose", slug=slug, reps=high + 1)
    assert answer.status_code == 400
    assert f"{low} to {high} is allowed for this exercise." in answer.content.decode()
    assert edited(alice, program, "dose", slug=slug, reps="many").status_code == 400


def test_a_dose_sent_back_as_it_was_makes_no_version(alice):
    program = make_program(alice)
    item = programs.content_of(program)["items"][0]
    as_it_was = {name: (item["dose"] | item["dose"]["frequency"])[name]
                 for name in editing.bounds(SHIPPED[item["slug"]], item["dose"])}  # fmt: skip
    answer = edited(alice, program, "dose", slug=item["slug"],
                    **{name: "" if value is None else value for name, value in as_it_was.items()})  # fmt: skip
    assert answer.status_code == 302
    assert Program.objects.get(pk=program.pk).current == 1


def test_a_refused_dose_shows_what_was_typed_and_a_cleared_one_that_nothing_was_changed(alice):
    program = make_program(alice)
    slug = order(program)[0]
    text = edited(alice, program, "dose", slug=slug, sets="77").content.decode()
    assert re.search(r'name="sets"[^>]* value="77"[^>]* aria-invalid="true"', text)
    answer = edited(alice, program, "dose", slug=slug, sets="")
    assert answer.status_code == 400
    assert "Nothing was changed: a number is needed here." in answer.content.decode()
    as_it_was = programs.content_of(program)["items"][0]["dose"]["sets"]
    assert "Nothing was changed." in edited(alice, program, "dose", HTMX, slug=slug, sets=as_it_was).content.decode()
    assert Program.objects.get(pk=program.pk).current == 1


def test_a_note_that_came_too_late_is_kept_in_its_field(alice, bob):
    program = make_program(alice)
    first, second, *_ = order(program)
    edited(bob, program, "remove", slug=first)
    answer = edited(alice, program, "note", version=1, slug=second, text="Hold on to the chair")
    assert answer.status_code == 409
    assert ">Hold on to the chair</textarea>" in answer.content.decode()


def test_what_is_shown_with_a_refusal_is_on_the_record(alice, bob):
    program = make_program(alice)
    edited(bob, program, "remove", slug="none-such")
    entry = AuditEntry.objects.get(action=AuditEntry.Action.VIEW)
    assert (entry.actor, entry.facts) == (bob, {"version": 1})


def test_an_exercise_is_swapped_for_one_that_is_offered_with_its_reason(alice):
    program = make_program(alice)
    slug = order(program)[0]
    offered = programs.alternatives(program, slug)
    text = page(alice, url_of(program, f"swap/{slug}/"))
    assert all(choice["name"] in text and choice["why"] in text for choice in offered)
    assert "<html" not in page(alice, url_of(program, f"swap/{slug}/"), **HTMX)
    edited(alice, program, "swap", slug=slug, to=offered[0]["slug"])
    assert order(program)[0] == offered[0]["slug"]


def test_what_the_person_may_not_do_can_be_found_but_not_added_and_says_why(alice):
    program = make_program(alice)
    kneeling = next(exercise for exercise in SHIPPED.values() if "pos_kneeling" in exercise["demands"])
    name = kneeling["text"]["en"]["name"]
    text = page(alice, url_of(program, f"add/?{urlencode({'q': name})}"))
    entries = re.findall(r'<li class="choice refused">.*?</li>', text, re.DOTALL)
    (refused,) = [entry for entry in entries if f">{name}<" in entry]
    assert "Excluded: " in refused
    assert "<button" not in refused
    answer = edited(alice, program, "add", slug=kneeling["slug"])
    assert answer.status_code == 409
    assert "Excluded: " in answer.content.decode()


def test_without_a_query_what_may_be_added_is_suggested(alice):
    program = make_program(alice)
    text = page(alice, url_of(program, "add/"))
    (slug, *_) = re.findall(r'name="slug" value="([a-z0-9-]+)"', text)
    assert edited(alice, program, "add", slug=slug).status_code == 302
    assert slug in order(program)


def test_every_edit_can_be_undone(alice):
    program = make_program(alice)
    before = order(program)
    assert 'id="undo"' not in page(alice, url_of(program))
    edited(alice, program, "remove", slug=before[0])
    assert 'id="undo"' in page(alice, url_of(program))
    edited(alice, program, "undo")
    assert order(program) == before


def test_who_was_overtaken_sees_the_program_as_it_is_now(alice, bob):
    program = make_program(alice)
    first, second, *_ = order(program)
    edited(bob, program, "remove", slug=first)
    for headers in (None, HTMX):
        answer = edited(alice, program, "remove", headers, version=1, slug=second)
        text = answer.content.decode()
        assert answer.status_code == 409
        assert "Somebody changed the program meanwhile" in text
        assert f'data-slug="{first}"' not in text
        assert f'data-slug="{second}"' in text
        assert 'name="version" value="2"' in text


def test_approval_is_said_with_its_name_and_an_edit_takes_it_back(alice, bob):
    program = make_program(alice)
    assert browser(bob).post(url_of(program, "approve/"), {"version": 1}).status_code == 302
    text = page(alice, url_of(program))
    assert "Approved by bob" in text
    assert "Draft" not in text
    edited(alice, program, "remove", slug=order(program)[0])
    text = page(alice, url_of(program))
    assert "Draft again – it was changed after bob had approved version 1." in text


def test_each_warning_is_acknowledged_before_approval(alice):
    program = make_program(alice, CAUTIOUS)
    client = browser(alice)
    answer = client.post(url_of(program, "approve/"), {"version": 1})
    assert answer.status_code == 409
    assert "Tick each warning before you approve." in answer.content.decode()
    client.post(url_of(program, "approve/"), {"version": 1, "acknowledged": ["weak_single"]})
    assert Program.objects.get(pk=program.pk).status == Program.Status.APPROVED


@pytest.mark.parametrize("version", ["", "x", "99999999999"])
def test_an_approval_names_the_version_it_is_of(alice, version):
    program = make_program(alice)
    assert browser(alice).post(url_of(program, "approve/"), {"version": version}).status_code == 400


def test_versions_are_compared_in_words(alice):
    program = make_program(alice)
    first, second, *_ = order(program)
    edited(alice, program, "remove", slug=first)
    edited(alice, program, "note", slug=second, text="Slowly")
    text = page(alice, url_of(program, "versions/?from=1&to=3"))
    assert "From version 1 to version 3" in text
    assert "Slowly" in text
    assert text.count('<th scope="row">') == 3
    assert page(alice, url_of(program, "versions/?from=9"), 404)


def test_an_older_version_is_shown_without_controls(alice):
    program = make_program(alice)
    gone = order(program)[0]
    edited(alice, program, "remove", slug=gone)
    text = page(alice, url_of(program, "versions/1/"))
    assert f'data-slug="{gone}"' in text
    assert "This is version 1; the program is at version 2 now." in text
    assert 'class="controls' not in text
    assert page(alice, url_of(program, "versions/7/"), 404)


def test_the_text_for_the_record_is_there_without_scripts_and_audited(alice):
    program = make_program(alice)
    text = page(alice, url_of(program, "record/?language=da"))
    assert '<textarea id="record-text"' in text
    assert 'lang="da" spellcheck' in text
    entry = AuditEntry.objects.get(action=AuditEntry.Action.EXPORT)
    assert (entry.object_id, entry.facts) == (program.pk, {"version": 1, "form": "record"})


def test_a_copy_and_a_template_open_where_they_are_made(alice, bob):
    program = make_program(alice)
    copy = browser(alice).post(url_of(program, "duplicate/"))["Location"]
    assert copy not in (url_of(program), "")
    template = browser(alice).post(url_of(program, "template/"), {"name": "Knees in spring"})["Location"]
    text = page(alice, template)
    assert "Knees in spring" in text
    assert ">Approval<" not in text
    assert "Knees in spring" in page(bob, "/templates/")
    used = browser(bob).post(f"/templates/{template.split('/')[2]}/use/")["Location"]
    assert "Draft –" in page(bob, used)
    assert Program.objects.get(pk=used.split("/")[2]).owner == bob


@pytest.mark.parametrize("name", ["", "x" * 81])
def test_a_template_needs_a_name_that_fits(alice, name):
    program = make_program(alice)
    assert browser(alice).post(url_of(program, "template/"), {"name": name}).status_code == 400


def test_looking_is_on_the_record(alice, bob):
    program = make_program(alice)
    page(bob, url_of(program))
    entry = AuditEntry.objects.get(action=AuditEntry.Action.VIEW)
    assert (entry.actor, entry.object_id, entry.facts) == (bob, program.pk, {"version": 1})


def test_an_auditor_reads_and_has_no_controls(alice):
    program = make_program(alice)
    erin = auditor_of(program.clinic_id)
    text = page(erin, url_of(program))
    assert order(program)[0] in text
    for control in ('class="controls', 'id="add"', ">Approval<", "Duplicate as new"):
        assert control not in text
    assert edited(erin, program, "remove", slug=order(program)[0]).status_code == 403


REST = ["", "versions/", "versions/1/", "record/", "add/", "swap/bridge/"]


@pytest.mark.parametrize("rest", REST)
def test_a_program_does_not_exist_for_a_stranger(alice, charlie, rest):
    program = make_program(alice)
    text = page(charlie, url_of(program, rest), 404)
    assert text == page(alice, f"/programs/{NEVER}/{rest}", 404)
    assert browser(None).get(url_of(program, rest)).status_code == 302


@pytest.mark.parametrize("rest", ["edit/", "approve/", "duplicate/", "template/"])
def test_a_stranger_changes_nothing(alice, charlie, rest):
    program = make_program(alice)
    sent = {"version": 1, "action": "remove", "slug": order(program)[0], "name": "Mine"}
    assert browser(charlie).post(url_of(program, rest), sent).status_code == 404
    assert browser(alice).get(url_of(program, rest)).status_code == 405
    assert (Program.objects.count(), Program.objects.get().current) == (1, 1)


def test_a_program_is_deleted_and_the_list_comes_next(alice):
    program = make_program(alice)
    answer = browser(alice).post(url_of(program, "delete/"))
    assert (answer.status_code, answer["Location"]) == (302, "/programs/")
    assert not Program.objects.exists()
    assert AuditEntry.objects.filter(action="delete", object_id=program.pk).count() == 1


def test_whoever_may_not_change_a_program_can_not_delete_it(alice, charlie):
    program = make_program(alice)
    assert browser(charlie).post(url_of(program, "delete/")).status_code == 404
    looking = auditor_of(program.clinic_id)
    assert "Delete this program" not in page(looking, url_of(program))
    assert browser(looking).post(url_of(program, "delete/")).status_code == 403
    assert Program.objects.exists()
