"""The page of a run's timeline in the admin: for staff alone, drawn for everyone of them, and no word of the case."""

import json
import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from generation.admin import timeline as page_of
from generation.models import AuditEntry, Run
from generation.models.runs import Status
from generation.retention import prune
from generation.timeline.log import log_of
from metrics.models import GenerationMetric, RunMetric
from tests.generation import telling
from tests.generation.calling import call_of, make_call
from tests.generation.factories import make_run
from tests.generation.telling import after, kept, told_run

pytestmark = pytest.mark.django_db
LOGS = {
    "succeeded": telling.SUCCEEDED, "failed": telling.FAILED, "cancelled": telling.CANCELLED,
    "paused": telling.PAUSED, "unusually long": telling.UNUSUALLY_LONG, "lost twice": telling.LOST_TWICE,
    "live": telling.CANCELLED[:4],
}  # fmt: skip


@pytest.fixture
def staff(dana) -> Client:
    client = Client()
    client.force_login(dana)
    return client


def address(run: Run) -> str:
    return reverse("admin:generation_run_timeline", args=[run.pk])


def by_id(uid: uuid.UUID) -> str:
    return reverse("admin:generation_run_by_id", args=[uid])


def page(client: Client, run: Run) -> str:
    answer = client.get(address(run))
    assert answer.status_code == 200
    return answer.content.decode()


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", html)))


def embedded(html: str, name: str):
    found = re.search(rf'<script id="{name}" type="application/json">(.*?)</script>', html)
    return json.loads(found[1]) if found else None


@pytest.mark.parametrize("name", LOGS)
def test_every_kind_of_run_has_its_page_without_a_word_of_its_case(staff, alice, name):
    by = {"cancelled_by": "alice"} if name == "cancelled" else {}
    run = told_run(alice, LOGS[name], **by, input={"prompt": "QWERTZ", "mrn": "ZX-1"}, result={"note": "QWERTZ"})
    html = page(staff, run)
    assert "QWERTZ" not in html
    assert "ZX-1" not in html
    assert 'role="img"' in html
    assert len(embedded(html, "replay-data")["events"]) == len(LOGS[name])
    assert ("The run goes on" in html) == (name == "live")
    assert ("The end as it was foretold" in html) == (name in ("succeeded", "paused", "unusually long", "lost twice"))
    assert ("Pauses are left out" in html) == (name == "paused")
    assert ("alice: announced" in plain(html)) == (name == "cancelled")


def test_what_is_drawn_stands_in_words_and_in_a_table(staff, alice):
    run = told_run(alice, telling.CANCELLED)
    Run.objects.filter(pk=run.pk).update(cancel_requested_at=after(run, 2000))
    html = page(staff, run)
    desc = re.search(r'<desc id="gantt-told">(.*?)</desc>', html)
    assert desc is not None
    assert "generating: cancelled" in desc[1]
    assert "generating cancelled 1 0.200 s 2.060 s 1.9 s" in plain(html)
    assert "Cancel call to the model closed 2.040 s" in plain(html)


def test_calls_to_models_are_drawn(staff, alice):
    run = told_run(alice, telling.SUCCEEDED)
    call_of(run, "0.1", duration_ms=500, first_text_ms=120)
    make_call(alice, "0.1", model="somebody-elses")
    html = page(staff, run)
    assert "small, 1000 + 200 tokens, first text after 120 ms" in html
    assert "somebody-elses" not in html


def test_the_drawing_needs_no_script_and_numbers_in_it_are_for_machines(staff, alice, dana):
    dana.language = "da"
    dana.save(update_fields=["language"])
    html = page(staff, told_run(alice, telling.SUCCEEDED))
    drawing = re.search(r'<svg class="gantt".*?</svg>\s*<ul', html, re.DOTALL)
    assert drawing is not None
    assert re.findall(r'(?:x|x1|x2|y|width|height)="([^"]*,[^"]*)"', drawing[0]) == []
    assert "<script" not in drawing[0]
    assert re.search(r"\son[a-z]+=", drawing[0]) is None


def test_whatever_a_log_holds_is_text(staff, alice):
    run = told_run(alice, [(0, "<b>event", {"stage": "</script><b>stage"})], status=Status.RUNNING)
    html = page(staff, run)
    assert "<b>event" not in html
    assert "<b>stage" not in html
    assert embedded(html, "replay-data")["events"][0]["data"] == {"stage": "</script><b>stage"}


def test_without_its_log_the_page_says_so_and_replays_nothing(staff, alice):
    run = told_run(alice, telling.SUCCEEDED, finished_at=timezone.now() - timedelta(days=30))
    kept(run, "generating", "succeeded", 5200, 4500)
    prune()
    html = page(staff, run)
    assert "The log is no longer kept." in html
    assert "generating succeeded 1 0.700 s 5.200 s 4.5 s" in plain(html)
    assert embedded(html, "replay-data") is None


def test_of_a_log_whose_key_is_lost_the_page_says_so_and_shows_the_rest(staff, alice, settings):
    run = told_run(alice, telling.SUCCEEDED)
    kept(run, "generating", "succeeded", 5200, 4500)
    settings.FIELD_KEYS = telling.OTHER_KEY
    html = page(staff, run)
    assert "No key of this server opens the log." in html
    assert "The log is no longer kept." not in html
    assert "generating succeeded 1 0.700 s 5.200 s 4.5 s" in plain(html)
    assert embedded(html, "replay-data") is None


def test_the_heading_names_the_page_and_the_run(staff, alice):
    run = told_run(alice, telling.SUCCEEDED)
    heading = re.search(r"<h1.*?</h1>", page(staff, run), re.DOTALL)
    assert heading is not None
    assert plain(heading[0]).strip().endswith(f"Runs chevron_right Timeline of run {run.uid.hex[:8]}")


def written_by(html: str) -> str:
    return re.search(r"<dt>Model</dt><dd>(.*?)</dd>", html)[1]


def test_who_wrote_a_run_that_came_to_nothing_is_known_from_its_metrics(staff, alice):
    run = told_run(alice, telling.CANCELLED)
    assert written_by(page(staff, run)) == "–"
    stage = kept(run, "generating", "cancelled", 2060, 1860)
    GenerationMetric.objects.filter(pk=stage.pk).update(provider="composer", model="rules-1")
    assert written_by(page(staff, run)) == "composer, rules-1"
    end = {"duration_ms": 2060, "attempts": 1, "created_at": run.finished_at}
    RunMetric.objects.create(
        run_id=run.uid, kind=run.kind, outcome="cancelled", provider="api.example", model="small", **end
    )
    assert written_by(page(staff, run)) == "api.example, small"
    Run.objects.filter(pk=run.pk).update(provider="row.example", model="large")
    assert written_by(page(staff, run)) == "row.example, large"


def test_a_run_that_never_began_was_written_by_nobody(staff, alice):
    run = told_run(alice, [telling.queued(), (500, "cancelled", {"by": "alice"})], attempt=0, engine="composer")
    end = {"duration_ms": 500, "attempts": 0, "created_at": run.finished_at}
    RunMetric.objects.create(
        run_id=run.uid, kind=run.kind, outcome="cancelled", provider="composer", model="rules-1", **end
    )
    assert written_by(page(staff, run)) == "–"


def test_what_forecasts_rest_on_is_said_in_words(staff, alice, dana):
    shipped = {**telling.ETA, "basis": "default"}
    run = told_run(alice, [telling.queued(), (900, "queued", {"position": 1, "eta": shipped}), telling.complete(4000)])
    assert "3.000 s 6.000 s earlier runs yes" in plain(page(staff, run))
    assert "3.900 s 6.900 s shipped figures yes" in plain(page(staff, run))


def test_a_run_that_waits_has_a_page_too(staff, alice):
    assert "waits in the queue" in page(staff, told_run(alice, [telling.queued()], status=Status.QUEUED))
    assert "The log is no longer kept." in page(staff, make_run(alice, status=Status.QUEUED))


def test_a_log_past_the_bound_is_cut_and_says_so(staff, alice, monkeypatch):
    monkeypatch.setattr(page_of, "log_of", lambda run: log_of(run, most=5))
    html = page(staff, told_run(alice, telling.SUCCEEDED))
    assert f"The log has {len(telling.SUCCEEDED)} events. The first 5 are replayed and listed" in html
    assert len(embedded(html, "replay-data")["events"]) == 5


def test_a_long_log_costs_no_more_queries_than_a_short_one(staff, alice, django_assert_max_num_queries):
    items = [telling.item(300 + n, n) for n in range(400)]
    run = told_run(alice, [telling.queued(), *telling.stage("generating", 200), *items, telling.complete(9000)])
    with django_assert_max_num_queries(20):
        page(staff, run)


def test_a_run_leads_to_its_timeline_and_its_retries_to_each_other(staff, alice):
    run = told_run(alice, telling.FAILED)
    again = told_run(alice, telling.SUCCEEDED, parent=run)
    change = staff.get(reverse("admin:generation_run_change", args=[run.pk])).content.decode()
    assert f'href="{address(run)}"' in change
    assert f'href="{address(again)}"' in page(staff, run)
    assert f'href="{address(run)}"' in page(staff, again)


def test_the_public_id_leads_to_the_timeline(staff, alice):
    run = told_run(alice, telling.SUCCEEDED)
    answer = staff.get(by_id(run.uid))
    assert (answer.status_code, answer["Location"]) == (302, address(run))


def test_of_a_deleted_run_the_page_says_that_it_was_deleted(staff, api, alice):
    run = told_run(alice, telling.FAILED, finished_at=timezone.now() - timedelta(hours=1))
    assert api("alice").delete(f"/api/runs/{run.uid}").status_code == 204
    assert AuditEntry.objects.filter(object_id=run.uid).exists()
    answer = staff.get(by_id(run.uid))
    assert answer.status_code == 410
    assert f"The run {run.uid} was deleted" in answer.content.decode()
    assert staff.get(address(run)).status_code == 404


def test_metrics_alone_tell_that_a_run_was_there(staff, alice):
    run = make_run(alice)
    kept(run, "generating", "succeeded", 5200, 4500)
    Run.objects.filter(pk=run.pk).delete()
    answer = staff.get(by_id(run.uid))
    assert answer.status_code == 410
    assert f"?q={run.uid}" in answer.content.decode()


def test_a_run_that_never_was_is_not_found(staff):
    assert staff.get(by_id(uuid.uuid4())).status_code == 404
    assert staff.get(reverse("admin:generation_run_timeline", args=[999_999])).status_code == 404


@pytest.mark.parametrize("who", ["nobody", "clinician", "staff without rights"])
def test_others_learn_nothing_not_even_whether_it_was_there(alice, bob, who):
    run = told_run(alice, telling.SUCCEEDED)
    client = Client()
    if who == "clinician":
        client.force_login(alice)
    elif who == "staff without rights":
        bob.is_staff = True
        bob.save(update_fields=["is_staff"])
        client.force_login(bob)
    for url in (address(run), by_id(run.uid), by_id(uuid.uuid4())):
        answer = client.get(url)
        if who == "staff without rights":
            assert answer.status_code == 403
        else:
            assert answer.status_code == 302
            assert answer["Location"].startswith(reverse("admin:login"))


def test_the_page_is_only_looked_at(staff, alice):
    run = told_run(alice, telling.SUCCEEDED)
    assert [staff.post(url).status_code for url in (address(run), by_id(run.uid))] == [405, 405]
