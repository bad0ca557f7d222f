"""What the panels of the dashboard say, and of whom they keep silent."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.test import Client

from generation.pipelines import exercise_program
from metrics.aggregates import LEAST
from metrics.dashboard.page import PANELS
from metrics.dashboard.registry import registry
from tests.metrics.charted import NOW, chart, file, file_name, panel, runs, stages, table
from tests.support.history import STAGES, past, save

pytestmark = pytest.mark.django_db
TODAY = str(NOW.date())


@pytest.fixture
def staff(dana) -> Client:
    client = Client()
    client.force_login(dana)
    return client


def test_a_stage_has_its_median_and_its_90th_percentile(staff):
    stages(*range(1000, 3001, 20))
    head, rows = file(staff, "stage-durations")
    assert head == ["Day", "a p50, s", "a p90, s"]
    # A bin of the histogram is 9 % wide.
    assert rows == [[TODAY, pytest.approx(2.0, rel=0.09), pytest.approx(2.8, rel=0.09)]]


def test_waits_are_those_for_the_first_event_and_the_first_item(staff):
    runs(9, first_event_ms=100, first_item_ms=4000)
    assert file(staff, "waits")[1] == [[TODAY, *(pytest.approx(s, rel=0.09) for s in (0.1, 0.1, 4, 4))]]


def test_the_time_of_a_run_is_waiting_and_its_stages(staff):
    runs(6, first_event_ms=500)
    stages(*[1000, 3000] * 3, stage="short")
    stages(*[9000] * 6, stage="long")
    head, rows = file(staff, "parts")
    assert head == ["Day", "Until the first event, s", "long, s", "short, s"]
    assert rows == [[TODAY, 0.5, 9.0, 2.0]]


def test_a_day_whose_longest_stage_is_held_back_has_no_bar(staff):
    runs(6, first_event_ms=500)
    stages(*[9000] * 4, stage="long")
    stages(*[1000] * 6, stage="short")
    assert table(panel(staff, "parts")) == []
    stages(9000, stage="long")
    assert table(panel(staff, "parts")) == [[TODAY, 0.5, 9.0, 1.0]]


def test_waiting_alone_is_no_bar(staff):
    runs(6, first_event_ms=500)
    assert "There is nothing to show." in panel(staff, "parts")


def colors(text: str) -> dict[str, int]:
    return {each["label"]: each["color"] for each in chart(text)["series"]}


def test_a_stage_has_its_color_whatever_else_is_shown(staff):
    for kind, *shown in (("j", "generating", "storing"), ("k", "started", "generating", "validating")):
        for seconds, stage in enumerate(shown, start=1):
            stages(*[seconds * 1000] * 5, stage=stage, kind=kind)
    of_all, of_one = (colors(panel(staff, "stage-durations", query)) for query in ("", "kind=j"))
    assert len(set(of_all.values())) == 4
    assert of_one.items() <= of_all.items()
    assert of_all["generating p50"] == of_all["generating p90"] == colors(panel(staff, "parts"))["generating"]


def test_no_color_is_given_to_two_stages(staff):
    names = [*registry.stages, *"abc"]
    for number, stage in enumerate(names, start=1):
        stages(*[number * 1000] * 5, stage=stage)
    lines = colors(panel(staff, "stage-durations"))
    medians = [color for label, color in lines.items() if label.endswith("p50")]
    assert sorted(medians) == list(range(7))
    head, rows = file(staff, "parts")
    assert head[-1] == "Other stages, s"
    # The two shortest.
    assert rows[0][-1] == 3.0
    assert len(file(staff, "stage-durations")[0]) == 1 + 2 * len(names)


def test_a_logarithmic_axis_says_so(staff):
    stages(*[1000] * 5)
    assert chart(panel(staff, "stage-durations"))["axis"] == "s, logarithmic scale"


def test_history_of_tests_has_the_stages_of_a_run():
    assert list(STAGES) == [stage.code for stage in exercise_program.STAGES]


def test_runs_are_counted_by_how_they_ended(staff):
    runs(12)
    runs(4, outcome="failed", error_code="PROVIDER_ERROR")
    runs(3, outcome="cancelled", cancel_ms=100)
    assert file(staff, "runs")[1] == [[TODAY, 12, 4, 3, 25.0]]


def test_within_a_clinic_few_runs_of_an_outcome_are_not_counted(staff, alice):
    clinic = {"clinic_id": alice.clinics.get().pk}
    runs(12, **clinic)
    runs(4, outcome="cancelled", **clinic)
    query = f"clinic={clinic['clinic_id']}"
    assert file(staff, "runs", query)[1] == [[TODAY, 12, 0, "<5", 0.0]]
    text = panel(staff, "runs", query)
    assert table(text) == [[TODAY, 12, 0, "<5", 0.0]]
    assert "a number from 1 to 4 is given as &lt;5." in text
    assert [series["data"] for series in chart(text)["series"]] == [[12], [0], [None]]
    runs(1, outcome="failed", **clinic)
    # Its share would tell the number.
    assert file(staff, "runs", query)[1] == [[TODAY, 12, "<5", "<5", None]]
    assert file(staff, "runs")[1] == [[TODAY, 12, 1, 4, 7.7]]


def test_a_day_of_few_runs_of_each_outcome_in_a_clinic_has_no_chart(staff, alice):
    clinic = alice.clinics.get().pk
    for outcome in ("succeeded", "cancelled"):
        runs(3, outcome=outcome, clinic_id=clinic)
    text = panel(staff, "runs", f"clinic={clinic}")
    assert "All numbers are too small to be drawn." in text
    assert chart(text) is None
    assert table(text) == [[TODAY, "<5", 0, "<5", None]]


def test_failures_are_counted_by_code(staff):
    runs(14)
    runs(6, outcome="failed", error_code="PROVIDER_TIMEOUT")
    assert file(staff, "failures")[1] == [["PROVIDER_TIMEOUT", 6, 30.0]]


def test_cancelling_takes_its_time(staff):
    runs(5, outcome="cancelled", cancel_ms=800)
    assert file(staff, "cancellations")[1] == [[TODAY, *[pytest.approx(0.8, rel=0.09)] * 2]]


def test_estimates_are_held_against_what_was_true(staff):
    runs(6, estimated=6, provider="llm", model="small")
    runs(4, estimated=2, held=False, provider="llm", model="small")
    assert file(staff, "estimates")[1] == [["k · small", 8, 75.0, 10.0, 0.1]]
    assert file(staff, "calibration")[1] == [[TODAY, 75.0, 80]]
    assert file(staff, "errors")[1] == [[TODAY, 10.0]]


def test_estimates_by_day_are_of_all_models_and_of_the_chosen_one(staff):
    runs(6, estimated=6, provider="llm", model="small")
    runs(6, estimated=6, held=False, provider="llm", model="large")
    assert file(staff, "calibration") == (["Day", "All models, %", "Meant to hold, %"], [[TODAY, 50.0, 80]])
    head, rows = file(staff, "calibration", "model=small")
    assert head == ["Day", "All models, %", "small, %", "Meant to hold, %"]
    assert rows == [[TODAY, 50.0, 100.0, 80]]
    assert file(staff, "errors", "model=small")[0] == ["Day", "All models, %", "small, %"]


@pytest.mark.parametrize("slug", ["usage-day", "usage-kind", "usage-model", "usage-clinic"])
def test_without_tokens_there_is_no_chart_of_them(staff, slug):
    runs(5, provider="composer", model="rules-1")
    text = panel(staff, slug)
    assert "No tokens were used." in text
    assert chart(text) is None
    assert table(text)[0][1:] == [5, 0, 0, None]


def test_a_cost_that_nobody_knows_has_no_axis(staff):
    runs(5, provider="llm", model="small", input_tokens=9)
    drawn = chart(panel(staff, "usage-day"))
    assert drawn["right"] == ""
    assert [series["label"] for series in drawn["series"]] == ["Tokens read", "Tokens written"]


def test_tokens_and_cost_are_summed_up_four_ways(staff, alice):
    clinic = alice.clinics.get()
    spent = {"provider": "llm", "model": "small", "input_tokens": 10, "output_tokens": 2, "cost_usd": Decimal("0.5")}
    runs(5, clinic_id=clinic.pk, **spent)
    runs(6, kind="j", provider="composer")
    assert file(staff, "usage-day")[1] == [[TODAY, 11, 50, 10, 2.5]]
    assert file(staff, "usage-kind")[1] == [["k", 5, 50, 10, 2.5], ["j", 6, 0, 0, None]]
    assert file(staff, "usage-model")[1] == [["small", 5, 50, 10, 2.5], ["composer", 6, 0, 0, None]]
    assert file(staff, "usage-clinic")[1] == [[clinic.name, 5, 50, 10, 2.5], ["No clinic", 6, 0, 0, None]]


@pytest.mark.parametrize(("slug", "make"), [
    ("stage-durations", lambda count: stages(*[1] * count)),
    ("waits", lambda count: runs(count, first_event_ms=1)),
    ("parts", lambda count: stages(*[1] * count)),
    ("cancellations", lambda count: runs(count, outcome="cancelled", cancel_ms=1)),
    ("runs", lambda count: runs(count)),
    ("failures", lambda count: runs(count, outcome="failed", error_code="X")),
    ("calibration", lambda count: runs(9, estimated=count)),
    ("errors", lambda count: runs(9, estimated=count)),
    ("estimates", lambda count: runs(9, estimated=count)),
    ("usage-day", lambda count: runs(count, input_tokens=7)),
    ("usage-kind", lambda count: runs(count, input_tokens=7)),
    ("usage-model", lambda count: runs(count, input_tokens=7, model="m")),
    ("usage-clinic", lambda count: runs(count, input_tokens=7)),
])  # fmt: skip
def test_no_figure_rests_on_fewer_than_five_runs(staff, slug, make):
    make(LEAST - 1)
    text = panel(staff, slug)
    assert "There is nothing to show." in text
    assert "1 group of fewer than 5 runs is left out." in text
    assert chart(text) is None
    assert file(staff, slug)[1] == []
    assert file_name(staff, slug).endswith("-1-left-out.csv")
    make(1)
    assert chart(panel(staff, slug)) is not None
    assert "left-out" not in file_name(staff, slug)


def test_the_slugs_of_that_test_are_those_of_all_panels():
    (mark,) = test_no_figure_rests_on_fewer_than_five_runs.pytestmark
    assert [slug for slug, _ in mark.args[1]] == list(PANELS)


def test_attempts_of_few_runs_are_no_crowd(staff):
    stages(*[1] * 4)
    stages(*[1] * 9, outcome="lost")
    assert "There is nothing to show." in panel(staff, "stage-durations")


def test_a_cost_that_few_runs_know_is_left_out(staff):
    runs(4, cost_usd=Decimal(1))
    runs(5)
    assert table(panel(staff, "usage-kind")) == [["k", 9, 0, 0, None]]


def test_days_without_runs_stand_between_those_with(staff):
    stages(*[1] * 5, created_at=NOW - timedelta(days=2))
    stages(*[1] * 5)
    days = [row[0] for row in file(staff, "stage-durations")[1]]
    assert days == [str(NOW.date() - timedelta(days=ago)) for ago in (2, 1, 0)]


def test_chart_table_and_file_say_the_same(staff):
    save(past(400, [None], days=5))
    call_command("backfill_summaries", verbosity=0)
    for slug in PANELS:
        text, (head, rows) = panel(staff, slug), file(staff, slug)
        assert table(text) == rows
        drawn = chart(text) or {"labels": [], "series": []}
        assert drawn["labels"] == [name for name, *_ in rows]
        columns = {name: [row[number] for row in rows] for number, name in enumerate(head)}
        for series in drawn["series"]:
            unit = [name for name in columns if name == series["label"] or name.startswith(f"{series['label']}, ")]
            assert series["data"] in [columns[name] for name in unit]
