"""The page of the dashboard: who may see it, what its address may ask, and where it leads."""

import re
import uuid
from datetime import timedelta
from html import unescape

import pytest
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from django.urls import reverse
from django.utils import timezone

from generation.executors import executor
from generation.models import Run, User
from generation.models.runs import Status
from metrics.dashboard.filters import DAYS, MOST_DAYS
from metrics.models import Calibration, Forecast, GenerationMetric, RunMetric, StageProfile
from metrics.profiles import bucket
from tests.generation.factories import held_run, make_run
from tests.metrics.charted import NOW, address, file, page, panel, runs, stages, table, words

pytestmark = pytest.mark.django_db
UNKNOWN = uuid.UUID(int=7)
LISTS = (GenerationMetric, RunMetric, Forecast, StageProfile, Calibration)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def staff(dana) -> Client:
    return signed_in(dana)


def addresses() -> list[str]:
    return [address(), *(reverse("admin:metrics_dashboard_csv", args=[slug]) for slug in ("runs", "live-runs"))]


@pytest.mark.parametrize("number", range(3))
def test_it_is_for_staff_who_may_see_metrics(bob, alice, number):
    url = addresses()[number]
    assert Client().get(url).status_code == 302
    assert signed_in(alice).get(url).status_code == 302
    bob.is_staff = True
    bob.save(update_fields=["is_staff"])
    assert signed_in(bob).get(url).status_code == 403
    bob.user_permissions.add(Permission.objects.get(codename="view_generationmetric"))
    assert signed_in(bob).get(url).status_code == 200


def test_the_admin_leads_to_it_only_those_who_may_see_it(staff, bob):
    assert address()[:-1] in page(staff)
    assert f'href="{address()[:-1]}"' in staff.get(reverse("admin:index")).content.decode()
    bob.is_staff = True
    bob.save(update_fields=["is_staff"])
    assert address()[:-1] not in signed_in(bob).get(reverse("admin:index")).content.decode()


def test_the_dashboard_comes_first_in_the_admin_and_its_menu(staff):
    index = staff.get(reverse("admin:index"))
    assert index.context["app_list"][0]["models"][0]["admin_url"] == address()[:-1]
    assert (
        sum(model["admin_url"] == address()[:-1] for app in index.context["app_list"] for model in app["models"]) == 1
    )
    for text in index.content.decode().split('id="main"'):
        links = re.findall(r'href="(/admin/[^"]*/[^"]*/)"', text)
        assert links[0] == address()[:-1]
        assert reverse("admin:metrics_runmetric_changelist") in links


def test_without_history_it_says_so(staff):
    assert "There is nothing to show." in page(staff)


def test_kind_model_and_clinic_narrow_every_panel(staff, alice):
    clinic = alice.clinics.get()
    chosen = {"kind": "j", "provider": "llm", "model": "small", "clinic_id": clinic.pk}
    runs(6, **chosen)
    stages(*[1000] * 6, **chosen)
    for other in ({"kind": "k"}, {"model": "large"}, {"clinic_id": None}):
        runs(5, **chosen | other)
        stages(*[60_000] * 5, **chosen | other)
    for query, count in (
        ("", 21), ("kind=j", 16), ("model=small", 16), (f"clinic={clinic.pk}", 16), ("clinic=none", 5),
        (f"kind=j&model=small&clinic={clinic.pk}", 6),
    ):  # fmt: skip
        assert file(staff, "usage-day", query)[1][0][1] == count
        for slug in ("usage-kind", "usage-model", "usage-clinic"):
            assert sum(row[1] for row in file(staff, slug, query)[1]) == count
    assert file(staff, "stage-durations", f"kind=j&model=small&clinic={clinic.pk}")[1][0][1] < 2


def test_a_provider_without_models_is_chosen_by_its_name(staff):
    runs(5, provider="composer")
    runs(6, provider="llm", model="small")
    assert table(panel(staff, "usage-model", "model=composer")) == [["composer", 5, 0, 0, None]]


def test_days_are_included_at_both_ends(staff):
    for ago in range(4):
        runs(5, created_at=NOW - timedelta(days=ago))
    query = f"from={NOW.date() - timedelta(days=2)}&to={NOW.date() - timedelta(days=1)}"
    assert [row[0] for row in file(staff, "runs", query)[1]] == [str(NOW.date() - timedelta(days=n)) for n in (2, 1)]


def test_the_form_shows_what_is_chosen(staff):
    runs(5, kind="j")
    text = page(staff, "kind=j&from=2026-01-02&to=2026-02-03")
    assert '<option value="j" selected>' in text
    assert 'name="from" value="2026-01-02"' in text
    assert 'name="to" value="2026-02-03"' in text


@pytest.mark.parametrize(("query", "said"), [
    ("kind=nothing", "No run was of the kind “nothing”; all kinds are shown."),
    ("model=nobody", "No run was written by “nobody”; all models are shown."),
    ("clinic=nowhere", "No run was of the clinic “nowhere”; all clinics are shown."),
    ("kind=%00", "No run was of the kind"),
    ("kind=*", "No run was of the kind “*”"),
    ("model=*", "No run was written by “*”"),
    ("clinic=*", "No run was of the clinic “*”"),
    ("kind=%3Cscript%3E", "“<script>”"),
    ("from=yesterday", f"A day is written like 2026-01-31; the last {DAYS} days are shown."),
    ("to=2026-02-30", "A day is written like 2026-01-31"),
    ("to=0001-01-01", "A day is written like 2026-01-31"),
    ("from=2026-03-01&to=2026-02-01", f"The first day is after the last one; the last {DAYS} days are shown."),
    ("from=0001-01-01", f"No more than {MOST_DAYS} days are shown at a time"),
])  # fmt: skip
def test_what_cannot_be_meant_is_said_and_left_out(staff, query, said):
    runs(5)
    text = page(staff, query)
    assert said in unescape(text)
    assert "<script>”" not in text
    assert table(panel(staff, "usage-kind", query)) == [["k", 5, 0, 0, None]]
    refused = staff.get(f"{reverse('admin:metrics_dashboard_csv', args=['runs'])}?{query}")
    assert refused.status_code == 400
    assert said in refused.content.decode()


def test_a_day_to_come_is_today(staff):
    runs(5)
    assert 'role="alert"' not in page(staff, "to=9999-12-31")


def test_there_is_no_file_of_what_is_no_panel(staff):
    assert staff.get(reverse("admin:metrics_dashboard_csv", args=["nothing"])).status_code == 404


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1"])
def test_no_cell_of_a_file_is_a_formula(staff, name):
    runs(5, kind=name)
    stages(*[1] * 5, stage=name)
    assert file(staff, "usage-kind")[1][0][0] == f"'{name}"
    assert file(staff, "stage-durations")[0][1].startswith("'")


def test_from_a_chart_one_reaches_the_metrics_behind_it(staff):
    runs(5, kind="j", provider="llm", model="small")
    runs(5)
    old = {"kind": "j", "provider": "llm", "model": "small", "created_at": NOW - timedelta(days=1)}
    runs(5, **old)
    text = panel(staff, "runs", f"kind=j&model=small&clinic=none&from={NOW.date() - timedelta(days=1)}")
    links = [unescape(link) for link in re.findall(r'href="([^"]*runmetric[^"]*)"', text)]
    found = [staff.get(link).context["cl"].result_count for link in links]
    # Of each day and of both.
    assert found == [5, 5, 10]


@pytest.mark.parametrize("query", [
    "kind=j", "kind=nothing", "writer=nobody", "clinic=nowhere", "clinic=none", f"clinic={UNKNOWN}", "outcome=x",
    "created_at__gte=yesterday", "kind=%00",
])  # fmt: skip
def test_the_list_of_metrics_takes_every_address(staff, query):
    stages(*[1] * 5, kind="j")
    url = reverse("admin:metrics_generationmetric_changelist")
    assert staff.get(f"{url}?{query}", follow=True).status_code == 200


@pytest.mark.parametrize("model", LISTS)
def test_what_was_learned_is_looked_at_and_never_changed(staff, model):
    name = model._meta.model_name
    assert staff.get(reverse(f"admin:metrics_{name}_changelist")).status_code == 200
    assert staff.get(reverse(f"admin:metrics_{name}_add")).status_code == 403


def test_a_metric_leads_to_its_run(staff, alice):
    run = make_run(alice, status=Status.SUCCEEDED)
    stages(5, run_id=run.uid)
    text = staff.get(reverse("admin:metrics_generationmetric_changelist")).content.decode()
    (link,) = re.findall(rf'href="([^"]*)">{run.uid.hex[:8]}</a>', text)
    assert staff.get(link, follow=True).redirect_chain[-1][0].startswith(f"/admin/generation/run/{run.pk}/")


def test_it_shows_the_queue_and_who_works_on_it(staff, alice):
    make_run(alice)
    held_run(alice, lease_until=timezone.now() + timedelta(seconds=10))
    lost, _ = held_run(alice, lease_until=timezone.now() - timedelta(seconds=90))
    queue, workers = words(panel(staff, "live-runs")), words(panel(staff, "workers"))
    assert re.search(r"Queued 1 \d s ago Running 2 ", queue)
    assert "This process Takes no runs 0 –" in workers
    assert "At work 1 –" in workers
    assert re.search(rf"{lost.holder.hex[:8]} Silent 1 9\d s ago", workers)


def test_a_worker_that_is_this_process_is_shown_once(staff, alice):
    Run.objects.filter(pk=held_run(alice)[0].pk).update(holder=executor().id)
    assert len(re.findall("<tr>", panel(staff, "workers"))) == 2


def test_a_file_of_how_things_stand_leaves_cells_empty(staff):
    assert file(staff, "live-runs")[1][0] == ["Queued", 0, None]
    answer = staff.get(reverse("admin:metrics_dashboard_csv", args=["live-runs"]))
    assert "–" not in answer.content.decode()


def test_calibrations_are_told_in_three_decimals_and_explained(staff):
    Calibration.objects.create(kind="k", lower=0.0612345678, upper=0.9123456)
    text = staff.get(reverse("admin:metrics_calibration_changelist")).content.decode()
    assert re.search(r"All providers.*All models.*0\.061.*0\.912", words(text))
    assert "0.0612" not in text
    assert "a lower to an upper quantile" in text


def test_a_profile_of_all_says_so_in_words(staff):
    told = {"build": 1, "kind": "k", "stage": "a"}
    StageProfile.objects.create(**told, provider="*", size=-1)
    StageProfile.objects.create(**told, provider="llm", model="small", size=bucket(1000))
    text = words(staff.get(reverse("admin:metrics_stageprofile_changelist")).content.decode())
    assert re.search(r"k a All that ask a model All models All sizes", text)
    least, most = map(int, re.search(r"k a llm small (\d+) to (\d+) tokens", text).groups())
    assert least <= 1000 <= most
    assert bucket(least) == bucket(most) == bucket(1000)
    assert bucket(least - 1) < bucket(1000) < bucket(most + 1)


@pytest.mark.parametrize("model", [Calibration, StageProfile])
def test_what_was_learned_has_a_page(staff, model):
    row = model.objects.create(kind="k", **({"build": 1, "stage": "a"} if model is StageProfile else {}))
    page = reverse(f"admin:metrics_{model._meta.model_name}_change", args=[row.pk])
    assert "All models" in staff.get(page).content.decode()


def test_it_shows_how_model_servers_do(staff):
    from generation.providers import breaker

    breaker.forget()
    assert "No model server is set up." in panel(staff, "model-servers")
    with override_settings(MODEL="small"):
        assert "This process has not asked the model server yet." in panel(staff, "model-servers")
    breaker.breaker_of("models.example").failed()
    assert "models.example Working 1 –" in words(panel(staff, "model-servers"))


def test_more_history_costs_no_more_queries(staff, django_assert_max_num_queries):
    for kind in "jk":
        for ago in range(5):
            runs(5, kind=kind, provider="llm", model=f"m{ago}", created_at=NOW - timedelta(days=ago))
    with django_assert_max_num_queries(16):
        page(staff)
