"""The pages of a batch, as a browser without scripts meets them."""

import re

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from generation.batch_presentation import row_of
from generation.models import Batch, Clinic, Membership, Run
from generation.models.runs import Status
from tests.generation.browsing import NEVER, REFERRED, browser, ended_run, page
from tests.generation.factories import CASE, make_run

pytestmark = pytest.mark.django_db

NEW = "/batches/new/"
BACK = "54 yo man, low back pain for 6 weeks, pain 3/10, 5/10 worst, sits a lot at work, wants to garden."
LOST = {"code": "WORKER_LOST", "message": "The server stopped several times.", "retryable": True, "stage": "storing"}
FAULT = re.compile(r'<tr><th scope="row">(\d+)</th><td>(?:<code>(\w+)</code>|–)</td><td>(.*?)</td></tr>')


def csv(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("cases.csv", text.encode("utf-8-sig"), "text/csv")


def make_batch(owner, count: int = 0, **fields) -> Batch:
    batch = Batch.objects.create(kind="exercise_program", owner=owner, max_parallel=2)
    for row in range(count):
        make_run(owner, batch=batch, row=row, **fields)
    return batch


def mixed_batch(owner) -> Batch:
    """One program, one failure, one that runs, one cancelled, one without information, one referral."""
    batch = make_batch(owner)
    ended_run(owner, CASE, mrn="AB-123456", batch=batch, row=0)
    ended_run(owner, status=Status.FAILED, error=LOST, batch=batch, row=1)
    make_run(owner, status=Status.RUNNING, stage="validating", progress=70, batch=batch, row=2)
    ended_run(owner, status=Status.CANCELLED, cancelled_by="bob", batch=batch, row=3)
    ended_run(owner, "The quick brown fox jumps over the lazy dog.", batch=batch, row=4)
    ended_run(owner, REFERRED, batch=batch, row=5)
    return batch


def url_of(batch: Batch, rest: str = "") -> str:
    return f"/batches/{batch.pk}/{rest}"


def numbers_in(text: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="row-(\d+)"', text)]


def refused(user, **sent) -> tuple[str, list[tuple[str, str, str]]]:
    answer = browser(user).post(NEW, sent)
    text = answer.content.decode()
    assert answer.status_code == 400, text
    assert not Run.objects.exists()
    assert not Batch.objects.exists()
    return text, FAULT.findall(text)


# Asking for one


@pytest.mark.django_db(transaction=True)
def test_pasted_lines_start_a_batch_and_lead_to_its_page(alice):
    answer = browser(alice).post(NEW, {"pasted": f"{CASE}\r\n\r\n{BACK}\r\n", "max_parallel": "2", "language": "da"})
    batch = Batch.objects.get()
    assert answer["Location"] == url_of(batch)
    assert (batch.owner, batch.max_parallel) == (alice, 2)
    assert [(run.row, run.input["prompt"], run.language) for run in batch.runs.order_by("row")] == [
        (0, CASE, "da"),
        (1, BACK, "da"),
    ]


@pytest.mark.django_db(transaction=True)
def test_a_file_starts_a_batch_with_record_numbers_and_clinics(alice):
    own = alice.clinics.get()
    east = Clinic.objects.create(name="Øst klinik")
    Membership.objects.create(clinic=east, user=alice)
    text = f'mrn;clinic;clinic_id;prompt\n7;øst Klinik;;"{CASE}\nno falls"\n;;{own.pk};{BACK}\n;;;{BACK}\n'
    assert browser(alice).post(NEW, {"file": csv(text)}).status_code == 302
    batch = Batch.objects.get()
    first, second, third = batch.runs.order_by("row")
    assert (first.clinic, first.input["mrn"], first.input["prompt"]) == (east, "7", f"{CASE}\nno falls")
    assert (second.clinic, third.clinic, third.language) == (own, None, alice.language)
    assert batch.max_parallel == settings.MAX_ACTIVE_RUNS_PER_USER


def test_every_fault_of_every_row_is_said_and_nothing_starts(alice):
    text = f"prompt;mrn;clinic\n{CASE};1;\nshort;{'9' * 65};\n\n;3;\n{BACK};4;Nowhere\n{BACK};5;;6\n"
    shown, faults = refused(alice, file=csv(text))
    said = {(row, column): reason for row, column, reason in faults}
    assert list(said) == [("3", "prompt"), ("3", "mrn"), ("5", "prompt"), ("6", "clinic"), ("7", "")]
    assert said["5", "prompt"] == "This field is required."
    assert said["6", "clinic"] == "There is no such clinic among yours."
    assert "choose it again" in shown
    assert BACK not in shown


@pytest.mark.django_db(transaction=True)
def test_a_formula_is_text(alice):
    formula = '=HYPERLINK("http://example.org") right knee OA, 68 yo'
    assert browser(alice).post(NEW, {"file": csv(f"prompt;mrn\n{formula};=1+1\n")}).status_code == 302
    run = Run.objects.get()
    assert (run.input["prompt"], run.input["mrn"]) == (formula, "=1+1")


def test_a_clinic_of_others_is_none_of_mine(alice, charlie):
    theirs = charlie.clinics.get()
    _, faults = refused(alice, pasted=f"prompt;clinic;clinic_id\n{CASE};{theirs.name};\n{CASE};;{theirs.pk}\n")
    assert [(row, column) for row, column, _ in faults] == [("2", "clinic"), ("3", "clinic_id")]


def test_a_name_that_two_clinics_share_is_no_name(alice):
    Membership.objects.create(clinic=Clinic.objects.create(name="NORTH clinic"), user=alice)
    _, ((_, column, reason),) = refused(alice, pasted=f"prompt;clinic\n{CASE};North clinic\n")
    assert (column, reason) == ("clinic", "Several of your clinics have this name; use clinic_id.")


def test_what_was_pasted_is_kept(alice):
    pasted = f"{CASE}\nshort <b>\n"
    text, faults = refused(alice, pasted=pasted)
    assert [row for row, _, _ in faults] == ["2"]
    assert f">\n{pasted.replace('<b>', '&lt;b&gt;')}</textarea>" in text


@pytest.mark.parametrize(("sent", "sentence"), [
    ({}, "Paste at least one case, or choose a file."),
    ({"pasted": " \r\n "}, "Paste at least one case, or choose a file."),
    ({"pasted": "prompt,mrn\n"}, "There is no row under the header."),
    ({"pasted": "prompt,age\nKnee,1"}, "“age” is not a column"),
    ({"pasted": CASE, "max_parallel": "0"}, "greater than or equal to 1"),
    ({"pasted": CASE, "max_parallel": "6"}, "less than or equal to 5"),
    ({"pasted": CASE, "language": "sv"}, "not one of the available choices"),
    ({"pasted": "\n".join([CASE] * 101)}, "At most 100 rows at a time; these are 101."),
])  # fmt: skip
def test_what_is_wrong_with_the_whole_is_a_sentence(alice, sent, sentence):
    text, faults = refused(alice, **sent)
    assert sentence in text
    assert faults == []


def test_a_file_and_pasted_rows_are_one_too_many(alice):
    assert "not both" in refused(alice, pasted=CASE, file=csv(f"prompt\n{CASE}"))[0]


def test_an_empty_file_is_said_at_its_field(alice):
    assert "The submitted file is empty." in refused(alice, file=SimpleUploadedFile("x.csv", b""))[0]


def test_too_many_active_are_refused_in_words_and_the_text_is_kept(alice):
    for _ in range(settings.MAX_ACTIVE_RUNS_PER_USER):
        make_run(alice)
    answer = browser(alice).post(NEW, {"pasted": CASE})
    text = answer.content.decode()
    assert answer.status_code == 429
    assert "Too many of your runs are active" in text
    assert CASE in text


# Looking at one


def test_the_totals_say_what_asks_for_somebody(alice):
    text = page(alice, url_of(mixed_batch(alice)))
    assert "5 of 6 done, 1 refer, 1 needs more information, 1 failed, 1 cancelled" in text
    assert '<h1 tabindex="-1">Batch of 6 cases</h1>' in text
    assert 'value="95.0"' in text


def test_a_row_says_what_came_of_it_and_leads_to_its_run(alice):
    batch = mixed_batch(alice)
    program, failed, running, cancelled, unclear, referral = page(alice, url_of(batch)).split('<tr id="row-')[1:]
    runs = list(batch.runs.order_by("row"))
    assert "Knee osteoarthritis (right)" in program
    assert f'href="/runs/{runs[0].uid}/"' in program
    assert "••••56" in program
    assert "AB-1234" not in program
    assert LOST["message"] in failed
    assert "Checking safety" in running
    assert 'value="70"' in running
    assert "Cancelled by bob." in cancelled
    assert "No body region was recognised" in unclear
    assert "Refer first" in referral
    assert "emergency" in referral


def test_a_row_offers_what_can_be_done_to_it(alice):
    batch = mixed_batch(alice)
    rows = page(alice, url_of(batch)).split('<tr id="row-')[1:]
    offers = [re.findall(r'data-api="/api/runs/[0-9a-f-]+/(\w+)"', row) for row in rows]
    assert offers == [[], ["retry"], ["cancel"], ["retry"], [], []]


def test_what_needs_attention_comes_first_where_that_is_asked_for(alice):
    batch = mixed_batch(alice)
    assert numbers_in(page(alice, url_of(batch))) == [1, 2, 3, 4, 5, 6]
    assert numbers_in(page(alice, url_of(batch, "?show=attention"))) == [6, 2, 5, 1, 3, 4]
    assert numbers_in(page(alice, url_of(batch, "?show=nonsense"))) == [1, 2, 3, 4, 5, 6]


def test_a_live_batch_looks_again_without_scripts_and_an_ended_one_does_not(alice):
    live, ended = make_batch(alice, 1), make_batch(alice, 1, status=Status.CANCELLED, finished_at=timezone.now())
    again = '<noscript><meta http-equiv="refresh"'
    assert again in page(alice, url_of(live))
    assert again not in page(alice, url_of(ended))


def test_buttons_of_the_whole_are_there_when_they_do_something(alice):
    def offered(batch: Batch) -> list[str]:
        forms = re.findall(r'<form id="([\w-]+)"[^>]*?( hidden)?>', page(alice, url_of(batch)))
        return [name for name, hidden in forms if not hidden]

    assert offered(make_batch(alice, 1)) == ["cancel-all"]
    assert offered(make_batch(alice, 1, status=Status.FAILED)) == ["retry-failed"]
    assert offered(mixed_batch(alice)) == ["cancel-all", "retry-failed"]


def test_the_script_gets_the_totals_and_the_rows_it_names(alice):
    batch = mixed_batch(alice)
    uids = [run.uid for run in batch.runs.order_by("row")]
    text = page(alice, url_of(batch, f"rows/?run={uids[5]}&run={uids[1]}&run={NEVER}&run=x"))
    assert "<html" not in text
    assert numbers_in(text) == [2, 6]
    assert "5 of 6 done, 1 refer" in text
    assert "csrfmiddlewaretoken" in text


def test_a_case_whose_key_is_gone_takes_no_page_with_it(alice, settings):
    batch = mixed_batch(alice)
    settings.FIELD_KEYS = "other:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
    assert numbers_in(page(alice, url_of(batch))) == [1, 2, 3, 4, 5, 6]


def test_a_long_case_is_cut_short(alice):
    assert len(row_of(make_run(alice, input={"prompt": "knee " * 500}))["case"]) < 120


def test_a_batch_whose_runs_were_deleted_says_so(alice):
    assert "have been deleted" in page(alice, url_of(make_batch(alice)))


def test_the_history_leads_from_a_run_to_its_batch(alice):
    batch = make_batch(alice, 1)
    make_run(alice)
    text = page(alice, "/runs/")
    assert text.count(f'href="{url_of(batch)}"') == 1


# Doing something to one


@pytest.mark.django_db(transaction=True)
def test_cancel_all_is_a_button(alice):
    batch = make_batch(alice, 3)
    assert browser(alice).post(url_of(batch, "cancel/"))["Location"] == url_of(batch)
    assert set(batch.runs.values_list("status", flat=True)) == {Status.CANCELLED}
    assert browser(alice).post(url_of(batch, "cancel/"))["Location"] == url_of(batch)


@pytest.mark.django_db(transaction=True)
def test_retry_starts_what_failed_again_in_its_place(alice):
    batch = make_batch(alice)
    ended_run(alice, batch=batch, row=0)
    failed = ended_run(alice, status=Status.FAILED, error=LOST, batch=batch, row=1)
    assert browser(alice).post(url_of(batch, "retry/"))["Location"] == url_of(batch)
    again = failed.children.get()
    assert (again.row, again.status) == (1, Status.QUEUED)
    text = page(alice, url_of(batch))
    assert numbers_in(text) == [1, 2]
    assert str(failed.uid) not in text
    assert browser(alice).post(url_of(batch, "retry/"))["Location"] == url_of(batch)
    assert batch.runs.count() == 3


@pytest.mark.django_db(transaction=True)
def test_one_row_is_cancelled_and_started_again_once(alice):
    batch = make_batch(alice, 2)
    first, second = batch.runs.order_by("row")
    client = browser(alice)
    assert client.post(url_of(batch, f"rows/{first.uid}/cancel/"))["Location"] == url_of(batch)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, second.status) == (Status.CANCELLED, Status.QUEUED)
    for _ in range(2):
        assert client.post(url_of(batch, f"rows/{first.uid}/retry/"))["Location"] == url_of(batch)
    assert first.children.get().row == 0


def test_a_refusal_is_said_on_the_page(alice):
    batch = make_batch(alice, 1, status=Status.FAILED)
    for _ in range(settings.MAX_ACTIVE_RUNS_PER_USER):
        make_run(alice)
    answer = browser(alice).post(url_of(batch, "retry/"))
    assert answer.status_code == 429
    assert "Too many of your runs are active" in answer.content.decode()
    assert numbers_in(answer.content.decode()) == [1]


# Who may


PATHS = ("", "rows/", "cancel/", "retry/", "rows/{run}/cancel/", "rows/{run}/retry/")


@pytest.mark.parametrize("path", PATHS)
def test_a_batch_does_not_exist_for_a_stranger(alice, charlie, path):
    batch = make_batch(alice, 1, status=Status.FAILED)
    run = batch.runs.get()
    for who, known in ((charlie, batch.pk), (alice, NEVER)):
        url = f"/batches/{known}/{path.format(run=run.uid)}"
        answer = browser(who).post(url) if path.endswith(("cancel/", "retry/")) else browser(who).get(url)
        assert answer.status_code == 404
        assert CASE not in answer.content.decode()
    assert batch.runs.count() == 1


@pytest.mark.parametrize("path", [NEW, f"/batches/{NEVER}/", f"/batches/{NEVER}/rows/"])
def test_a_page_asks_to_sign_in_and_comes_back(path):
    answer = browser(None).get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={path}")


@pytest.mark.parametrize("path", PATHS[2:])
def test_nothing_is_done_by_looking_or_by_nobody(alice, path):
    batch = make_batch(alice, 1)
    url = url_of(batch, path.format(run=batch.runs.get().uid))
    assert browser(alice).get(url).status_code == 405
    assert browser(None).post(url)["Location"].startswith("/login/")
    assert batch.runs.get().status == Status.QUEUED


def test_a_post_of_another_site_is_refused(alice):
    batch = make_batch(alice, 1)
    client = Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(NEW, {"pasted": CASE}).status_code == 403
    assert client.post(url_of(batch, "cancel/")).status_code == 403
    assert Run.objects.get().status == Status.QUEUED


def test_a_run_of_another_batch_is_not_reached_through_this_one(alice):
    batch, other = make_batch(alice, 1), make_batch(alice, 1)
    url = url_of(batch, f"rows/{other.runs.get().uid}/cancel/")
    assert browser(alice).post(url).status_code == 404
    assert other.runs.get().status == Status.QUEUED


def test_a_colleague_sees_the_rows_of_the_clinic_and_whose_batch_it_is(alice, bob):
    batch = make_batch(alice, 1, clinic=alice.clinics.get())
    make_run(alice, batch=batch, row=1)
    text = page(bob, url_of(batch))
    assert numbers_in(text) == [1]
    assert "· alice ·" in text


def test_text_of_a_case_is_never_markup(alice):
    prompt = "Right knee OA <script>alert(1)</script> \"'><img src=x onerror=alert(2)> pain 4/10, 68 yo, 8 months"
    batch = make_batch(alice)
    ended_run(alice, prompt, batch=batch, row=0)
    ended_run(alice, prompt, status=Status.FAILED, error={**LOST, "message": prompt}, batch=batch, row=1)
    for url in (url_of(batch), url_of(batch, f"rows/?run={batch.runs.first().uid}")):
        text = page(alice, url)
        assert "<script>alert" not in text
        assert "<img" not in text


def test_nothing_in_a_page_needs_more_than_the_policy_allows(alice):
    for url in (NEW, url_of(mixed_batch(alice)), url_of(make_batch(alice, 1))):
        answer = browser(alice).get(url)
        text = answer.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", text)
        for script in re.findall(r"<script\b[^>]*>", text):
            assert "src=" in script or 'type="application/json"' in script
        assert answer["Cache-Control"] == "no-store"
        assert CASE not in "".join(re.findall(r"<script.*?</script>", text, re.DOTALL))
