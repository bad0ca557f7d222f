"""Programs over REST: what each address answers, to whom, and that it is what the schema says."""

import uuid

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from generation import program_copies, programs
from generation.models import AuditEntry, Program, ProgramVersion
from tests.generation.program_making import WORD_OF_THE_CASE, auditor_of, make_program, slugs

pytestmark = pytest.mark.django_db

MISSING = str(uuid.UUID(int=0))
# Method, the path behind the program's own, a body that would do, and what whoever may change it is answered.
WAYS = {
    "program": ("get", "", None, 200),
    "versions": ("get", "/versions", None, 200),
    "version": ("get", "/versions/1", None, 200),
    "differences": ("get", "/versions/1/differences", None, 200),
    "alternatives": ("get", "/alternatives?slug=bridge", None, 200),
    "record": ("get", "/record-text", None, 200),
    "edit": ("post", "/edits", {"version": 1, "action": "remove", "slug": "bridge"}, 200),
    "approve": ("post", "/approve", {"version": 1}, 200),
    "duplicate": ("post", "/duplicate", {}, 201),
    "template": ("post", "/template", {"name": "Knee"}, 201),
}
CHANGING = [way for way, (method, *_) in WAYS.items() if method == "post"]


@pytest.fixture
def program(alice, library):
    return make_program(alice)


@pytest.fixture(scope="module")
def openapi():
    return Client().get("/api/schema").json()


def ask(client, way, program_id):
    method, path, body, _ = WAYS[way]
    address = f"/api/programs/{program_id}{path}"
    return client.get(address) if method == "get" else client.post(address, body, format="json")


def assert_described(openapi, name, value):
    validator = Draft202012Validator({**openapi, "$ref": f"#/components/schemas/{name}"})
    assert not [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]


def edit(client, program, action, version=1, **fields):
    body = {"version": version, "action": action, **fields}
    return client.post(f"/api/programs/{program.pk}/edits", body, format="json")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["alice", "bob"])
def test_owner_and_clinic_reach_it(api, program, name, way):
    answer = ask(api(name), way, program.pk)
    assert answer.status_code == WAYS[way][3], answer.json()


@pytest.mark.parametrize("way", WAYS)
def test_to_a_stranger_it_looks_like_one_that_never_was(api, program, way):
    theirs, missing = (ask(api("charlie"), way, program_id) for program_id in (program.pk, MISSING))
    assert (theirs.status_code, missing.status_code) == (404, 404)
    assert theirs.json() == missing.json()
    assert not AuditEntry.objects.filter(actor_name="charlie").exists()


@pytest.mark.parametrize("way", WAYS)
def test_nobody_is_asked_to_sign_in(api, program, way):
    assert ask(api(None), way, program.pk).status_code == 401


@pytest.mark.parametrize("way", WAYS)
def test_outside_staff_looks_and_changes_nothing(api, program, way):
    answer = ask(api("dana"), way, program.pk)
    assert answer.status_code == (403 if way in CHANGING else 200)
    assert (Program.objects.count(), ProgramVersion.objects.count()) == (1, 1)


@pytest.mark.parametrize("way", WAYS)
def test_an_auditor_looks_and_changes_nothing(api, program, cast, way):
    client = api(None)
    client.force_authenticate(auditor_of(cast["alice"].clinic_id))
    answer = ask(client, way, program.pk)
    assert answer.status_code == (403 if way in CHANGING else 200)
    if way in CHANGING:
        assert answer.json()["error"]["code"] == "PERMISSION_DENIED"
    assert (Program.objects.count(), ProgramVersion.objects.count()) == (1, 1)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("program_id", ["x", MISSING, "a" * 3000])
def test_what_is_no_program_is_not_found(api, way, program_id):
    answer = ask(api("alice"), way, program_id)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("number", ["0", "9", "x", "-1", "1.0", str(2**31), str(2**63), "9" * 30, "١"])
@pytest.mark.parametrize("rest", ["", "/differences"])
def test_a_version_that_is_not_there_is_not_found(api, program, number, rest):
    answer = api("alice").get(f"/api/programs/{program.pk}/versions/{number}{rest}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


def test_a_program_says_what_it_is_and_what_may_be_done_to_it(api, program, openapi):
    body = api("alice").get(f"/api/programs/{program.pk}").json()
    assert_described(openapi, "StoredProgram", body)
    assert (body["version"], body["status"], body["approved_by"], body["approved_at"]) == (1, "draft", None, None)
    assert (body["may_change"], body["may_undo"], body["run"]) == (True, False, str(program.run.uid))
    assert body["findings"] == programs.content_of(program)["findings"]
    assert [item["slug"] for item in body["items"]] == slugs(programs.content_of(program))
    assert not api("dana").get(f"/api/programs/{program.pk}").json()["may_change"]


def test_looking_is_on_the_audit_trail(api, program):
    api("bob").get(f"/api/programs/{program.pk}")
    api("bob").get(f"/api/programs/{program.pk}/record-text")
    rows = AuditEntry.objects.filter(object_id=program.pk).order_by("id")
    assert [(row.actor_name, row.action, row.facts) for row in rows] == [
        ("bob", "view", {"version": 1}),
        ("bob", "export", {"version": 1, "form": "record"}),
    ]


def test_every_action_answers_with_the_new_version(api, program, openapi):
    client, version = api("alice"), 1
    for action, fields in [
        ("swap", {"slug": "bridge", "to": "single-leg-bridge"}),
        ("move", {"slug": "tandem-stance", "direction": "up"}),
        ("dose", {"slug": "step-up-forward", "sets": 2, "per_day": 2}),
        ("remove", {"slug": "heel-slide-supine"}),
        ("add", {"slug": "heel-slide-supine"}),
        ("note", {"slug": "tandem-stance", "text": "By the sink"}),
        ("undo", {}),
    ]:
        answer = edit(client, program, action, version, **fields)
        body = answer.json()
        assert answer.status_code == 200, body
        version += 1
        assert (body["version"], body["change"]["action"], body["may_undo"]) == (version, action, True)
        assert_described(openapi, "StoredProgram", body)
    listed = client.get(f"/api/programs/{program.pk}/versions?page_size=5").json()
    assert_described(openapi, "ProgramVersionPage", listed)
    rest = client.get(listed["next"]).json()
    assert [row["number"] for row in listed["results"] + rest["results"]] == [8, 7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(("body", "field"), [
    ({}, "action"),
    ([], "action"),
    ({"version": 1}, "action"),
    ({"version": 1, "action": "explode"}, "action"),
    ({"version": 1, "action": ["swap"]}, "action"),
    ({"action": "undo"}, "version"),
    ({"version": 0, "action": "undo"}, "version"),
    ({"version": "1", "action": "undo"}, "version"),
    ({"version": True, "action": "undo"}, "version"),
    ({"version": 2**31, "action": "undo"}, "version"),
    ({"version": 1, "action": "undo", "slug": "bridge"}, "slug"),
    ({"version": 1, "action": "remove", "slug": "Bridge\n"}, "slug"),
    ({"version": 1, "action": "remove", "slug": "pendulum"}, "slug"),
    ({"version": 1, "action": "swap", "slug": "bridge"}, "to"),
    ({"version": 1, "action": "move", "slug": "bridge", "direction": "left"}, "direction"),
    ({"version": 1, "action": "note", "slug": "bridge", "text": "x" * 301}, "text"),
    ({"version": 1, "action": "note", "slug": "bridge", "text": 5}, "text"),
    ({"version": 1, "action": "note", "slug": "bridge", "text": "\x00"}, "text"),
    ({"version": 1, "action": "add", "slug": 5}, "slug"),
    ({"version": 1, "action": "add", "slug": "x" * 81}, "slug"),
    ({"version": 1, "action": "dose", "slug": "bridge"}, "dose"),
    ({"version": 1, "action": "dose", "slug": "bridge", "sets": 6}, "sets"),
    ({"version": 1, "action": "dose", "slug": "bridge", "sets": 2.5}, "sets"),
    ({"version": 1, "action": "dose", "slug": "bridge", "reps": 30}, "reps"),
    ({"version": 1, "action": "dose", "slug": "bridge", "duration_s": 60}, "duration_s"),
])  # fmt: skip
def test_a_bad_edit_names_the_field_and_changes_nothing(api, program, body, field):
    answer = api("alice").post(f"/api/programs/{program.pk}/edits", body, format="json")
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, "VALIDATION_ERROR")
    assert field in error["fields"]
    assert ProgramVersion.objects.count() == 1


def test_a_dose_out_of_bounds_is_told_the_bounds(api, program):
    error = edit(api("alice"), program, "dose", slug="bridge", reps=30).json()["error"]
    assert error["fields"] == {"reps": ["4 to 20 is allowed for this exercise."]}


def test_a_stale_command_is_told_the_current_version(api, program, openapi):
    edit(api("bob"), program, "remove", slug="bridge")
    for answer in (
        edit(api("alice"), program, "remove", slug="tandem-stance"),
        api("alice").post(f"/api/programs/{program.pk}/approve", {"version": 1}, format="json"),
    ):
        error = answer.json()["error"]
        assert (answer.status_code, error["code"], error["reason"], error["version"]) == (
            409, "CONFLICT", "stale_version", 2,
        )  # fmt: skip
        assert_described(openapi, "Error", answer.json())


def test_an_excluded_exercise_is_refused_with_its_reason(api, program, openapi):
    answer = edit(api("alice"), program, "add", slug="half-kneeling-hip-flexor-stretch")
    error = answer.json()["error"]
    assert (answer.status_code, error["reason"], error["excluded_by"]) == (409, "excluded", "cannot_kneel")
    assert error["message"] == "Excluded: can't kneel."
    assert_described(openapi, "Error", answer.json())


def test_nothing_to_undo_is_said(api, program):
    answer = edit(api("alice"), program, "undo")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (409, "nothing_to_undo")


def test_an_approval_is_shown_and_harmless_twice(api, program):
    for name in ("bob", "alice"):
        answer = api(name).post(f"/api/programs/{program.pk}/approve", {"version": 1}, format="json")
        assert answer.status_code == 200
        assert (answer.json()["status"], answer.json()["approved_by"]) == ("approved", "bob")
    body = edit(api("alice"), program, "remove", slug="bridge").json()
    assert (body["status"], body["approved_by"]) == ("draft", None)
    assert api("alice").get(f"/api/programs/{program.pk}/versions/1").json()["status"] == "approved"


@pytest.mark.parametrize("body", [
    {}, [], {"version": "1"}, {"version": 1, "x": 1},
    {"version": 1, "acknowledged": "x"}, {"version": 1, "acknowledged": [{}]},
])  # fmt: skip
def test_a_bad_approval_is_refused(api, program, body):
    answer = api("alice").post(f"/api/programs/{program.pk}/approve", body, format="json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


def test_differences_are_between_any_two_versions(api, program, openapi):
    edit(api("alice"), program, "remove", slug="bridge")
    base = f"/api/programs/{program.pk}/versions"
    there = api("alice").get(f"{base}/1/differences").json()
    assert_described(openapi, "Differences", there)
    assert (there["from"], there["to"], [one["what"] for one in there["differences"]]) == (1, 2, ["removed"])
    back = api("alice").get(f"{base}/2/differences?to=1").json()
    assert [one["what"] for one in back["differences"]] == ["added"]
    assert api("alice").get(f"{base}/1/differences?to=3").status_code == 404
    assert api("alice").get(f"{base}/1/differences?to=x").status_code == 400


def test_alternatives_are_ranked_with_their_reason(api, program, openapi):
    body = api("alice").get(f"/api/programs/{program.pk}/alternatives?slug=bridge").json()
    assert_described(openapi, "Alternatives", body)
    assert body["alternatives"][0]["why"]
    for query in ("", "?slug=", "?slug=pendulum", "?slug=a b"):
        answer = api("alice").get(f"/api/programs/{program.pk}/alternatives{query}")
        assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, ["slug"])


def test_the_record_text_is_in_the_language_asked_for(api, program, openapi):
    body = api("alice").get(f"/api/programs/{program.pk}/record-text?language=da").json()
    assert_described(openapi, "RecordText", body)
    assert "UDKAST" in body["text"]
    for query in ("language=sv", "version=0", "version=x", "unknown=1"):
        assert api("alice").get(f"/api/programs/{program.pk}/record-text?{query}").status_code == 400
    assert api("alice").get(f"/api/programs/{program.pk}/record-text?version=2").status_code == 404


def test_the_list_is_of_programs_one_may_see(api, program, openapi):
    for name, there in (("alice", True), ("bob", True), ("dana", True), ("charlie", False)):
        body = api(name).get("/api/programs").json()
        assert_described(openapi, "ProgramPage", body)
        assert [row["id"] for row in body["results"]] == ([str(program.pk)] if there else [])
    assert body["results"] == []


@pytest.mark.parametrize(("query", "count"), [
    ("", 2), ("status=draft", 1), ("status=approved", 1), ("template=true", 1), ("template=false", 2),
])  # fmt: skip
def test_the_list_is_filtered(api, alice, program, query, count):
    programs.approve(alice, make_program(alice).pk, 1)
    program_copies.save_as_template(alice, program.pk, "Knee")
    assert len(api("alice").get(f"/api/programs?{query}").json()["results"]) == count


@pytest.mark.parametrize("query", [
    "status=superseded", "template=1", "unknown=1", "page_size=0", "cursor=cD14", "cursor=%00",
])  # fmt: skip
def test_a_bad_query_of_a_list_is_refused(api, query):
    answer = api("alice").get(f"/api/programs?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize("cursor", ["cD14", "cD0x", "cD1hYmM=", "cD0tNQ==", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ=="])
def test_no_cursor_of_the_versions_breaks_them(api, program, cursor):
    answer = api("alice").get(f"/api/programs/{program.pk}/versions?cursor={cursor}")
    assert answer.status_code in (200, 400)


def test_a_copy_says_where_it_is(api, program, openapi):
    answer = api("bob").post(f"/api/programs/{program.pk}/duplicate")
    assert answer["Location"] == f"/api/programs/{answer.json()['id']}"
    assert_described(openapi, "StoredProgram", answer.json())
    assert (answer.json()["run"], answer.json()["version"]) == (None, 1)


def test_a_template_is_kept_listed_and_used(api, program, openapi):
    kept = api("alice").post(f"/api/programs/{program.pk}/template", {"name": "Knee"}, format="json").json()
    assert_described(openapi, "StoredProgram", kept)
    assert (kept["template"], kept["template_name"]) == (True, "Knee")
    assert WORD_OF_THE_CASE not in str(kept)
    for name, there in (("bob", [kept["id"]]), ("charlie", [])):
        body = api(name).get("/api/program-templates").json()
        assert_described(openapi, "ProgramPage", body)
        assert [row["id"] for row in body["results"]] == there
    used = api("bob").post(f"/api/program-templates/{kept['id']}/use")
    assert used.status_code == 201
    assert_described(openapi, "StoredProgram", used.json())
    assert api("charlie").post(f"/api/program-templates/{kept['id']}/use").status_code == 404
    assert api("bob").post(f"/api/program-templates/{program.pk}/use").status_code == 404


@pytest.mark.parametrize(
    "body", [{}, {"name": ""}, {"name": "   "}, {"name": "x" * 81}, {"name": 5}, {"name": "x", "more": 1}]
)
def test_a_template_needs_a_name(api, program, body):
    answer = api("alice").post(f"/api/programs/{program.pk}/template", body, format="json")
    assert answer.status_code == 400
    assert Program.objects.count() == 1


def test_one_row_whose_key_is_gone_does_not_take_the_list_with_it(api, alice, program, settings):
    settings.FIELD_KEYS = "other:ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
    readable = make_program(alice)
    body = api("alice").get("/api/programs").json()
    assert {row["id"]: row["title"] is None for row in body["results"]} == {
        str(program.pk): True,
        str(readable.pk): False,
    }
