"""History played again: each forecast knows only what had ended before it."""

import csv
import math
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from metrics.models import GenerationMetric
from metrics.replay import COLUMNS, FRACTIONS, Replayed, Report, Stage, evaluate, from_file
from tests.metrics.rows import metrics

TRACE = Path(__file__).parents[2].parent / "shared" / "data" / "stage_trace.csv"
HEAD = "run_id,started_at,kind,provider,model,input_tokens,output_tokens,stage,duration_ms,outcome\n"


def replayed(number: int, started_ms: float, *durations: int, outcome: str = "succeeded", model: str = "m") -> Replayed:
    """A run of a stage `a` and, with a second duration, a stage `b` in which it ended."""
    outcomes = ["succeeded"] * (len(durations) - 1) + [outcome]
    stages = [Stage(code, took, ended, 0) for code, took, ended in zip("abc", durations, outcomes, strict=False)]
    return Replayed(str(number), started_ms, "k", "p", model, 0, stages)


def forecasts(runs) -> dict:
    return {(scored.run.run_id, scored.fraction): scored for scored in evaluate(runs)}


def test_a_forecast_is_the_same_whatever_comes_after_it():
    draw = random.Random(1)
    runs = [replayed(number, number * 10_000, draw.randint(1_000, 60_000)) for number in range(40)]
    whole, begun = forecasts(runs), forecasts(runs[:20])
    asked_before = [key for key in begun if runs[int(key[0])].started_ms + begun[key].elapsed_ms < runs[20].started_ms]
    assert len(asked_before) > 40
    for key in asked_before:
        assert whole[key] == begun[key]


def test_a_run_that_still_runs_teaches_nothing():
    short = [replayed(number, number * 1_000, 500) for number in range(20)]
    # It began first and takes an hour: whoever begins meanwhile does not know that.
    long = replayed(99, -1, 3_600_000)
    assert forecasts([*short, long])["19", 0.0].ms == forecasts(short)["19", 0.0].ms


def test_what_ends_at_the_very_moment_of_a_forecast_is_not_known_yet():
    found = forecasts([replayed(1, 0, 1_000), replayed(2, 1_000, 1_000), replayed(3, 2_001, 1_000)])
    assert found["2", 0.0].naive_ms is None
    assert found["3", 0.0].naive_ms == 1_000


def test_only_runs_that_succeeded_are_forecast_but_all_are_learned_from():
    runs = [replayed(number, number * 10_000, 1_000, 500, outcome="cancelled") for number in range(9)]
    assert forecasts([*runs, replayed(9, 90_000, 1_000, 4_000)]).keys() == {("9", part) for part in FRACTIONS}


def test_a_forecast_is_asked_of_the_stage_that_runs_then():
    run = replayed(1, 0, 1_000, 3_000)
    assert [run.at(part * run.total_ms) for part in FRACTIONS] == [
        ("a", 0, 0),
        ("b", 0, 0),
        ("b", 1_000, 0),
        ("b", 2_000, 0),
    ]


def test_the_naive_error_is_that_of_the_mean_minus_what_has_passed():
    found = forecasts([replayed(1, 0, 1_000), replayed(2, 10_000, 3_000), replayed(3, 20_000, 4_000)])
    assert [found["3", part].naive_ms for part in FRACTIONS] == [2_000, 1_000, 0, 0]


def test_a_kind_whose_stages_were_renamed_is_replayed_all_the_same():
    old = [replayed(number, number * 10_000, 1_000, 2_000) for number in range(8)]
    new = [
        Replayed(str(number), number * 10_000, "k", "p", "m", 0, [Stage("z", 1_000, "succeeded", 0)])
        for number in range(8, 16)
    ]
    assert len(forecasts([*old, *new])) == 16 * len(FRACTIONS)


def test_a_report_of_perfect_forecasts_has_no_error():
    (scored, *_) = [each for each in evaluate([replayed(1, 0, 1_000), replayed(2, 5_000, 3_000)]) if each.naive_ms]
    perfect = scored._replace(low_ms=scored.true_ms, ms=scored.true_ms, high_ms=scored.true_ms)
    assert Report.on([perfect]) == (1, 0, 1, 0)
    assert math.isnan(Report.on([perfect._replace(naive_ms=None)]).error)


@pytest.mark.django_db
def test_a_dump_has_each_forecast_of_each_run_that_succeeded(tmp_path, capsys):
    trace, dump = tmp_path / "trace.csv", tmp_path / "dump.csv"
    outcomes = ["succeeded"] * 3 + ["failed"] + ["succeeded"] * 4
    lines = [
        f"{number},2026-06-01T00:{number:02}:00Z,k,p,m,100,,a,{1000 + number},{outcome}\n"
        for number, outcome in enumerate(outcomes)
    ]
    trace.write_text(HEAD + "".join(lines))
    call_command("evaluate_estimates", str(trace), dump=dump)
    rows = list(csv.DictReader(dump.read_text().splitlines()))
    assert tuple(rows[0]) == COLUMNS
    assert {(row["run_id"], float(row["fraction"])) for row in rows} == {
        (str(number), part) for number in range(8) if number != 3 for part in FRACTIONS
    }
    for row in rows:
        low, middle, high = (int(row[name]) for name in ("p10_ms", "p50_ms", "p90_ms"))
        assert 0 <= low <= middle <= high
        assert int(row["elapsed_ms"]) + int(row["true_remaining_ms"]) == pytest.approx(1000 + int(row["run_id"]), abs=1)
    assert "8 runs, 28 forecasts" in capsys.readouterr().out


@pytest.mark.django_db
def test_without_a_file_the_history_of_the_database_is_replayed(capsys):
    GenerationMetric.objects.bulk_create(metrics(40))
    call_command("evaluate_estimates")
    out = capsys.readouterr().out
    assert "at 75%" in out
    assert "k p a" in out


@pytest.mark.django_db
def test_an_empty_database_is_told_so():
    with pytest.raises(CommandError, match="nothing can be compared"):
        call_command("evaluate_estimates")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("run_id,kind\n1,k\n", "no column started_at"),
        (HEAD + "1,yesterday,k,p,m,1,,a,5,succeeded\n", "line 2"),
        (HEAD + "1,2026-06-01T00:00:00Z,k,p,m,1,,a,-5,succeeded\n", "line 2"),
        (HEAD + "1,2026-06-01T00:00:00Z,k,p,m,many,,a,5,succeeded\n", "line 2"),
        (HEAD + "1,2026-06-01T00:00:00Z,k\n", "line 2"),
        (HEAD + "1,2026-06-01T00:00:00Z,k,p,m,1,,a,\udcff,succeeded\n", "no text"),
    ],
    ids=["columns", "date", "negative", "tokens", "short", "binary"],
)
def test_a_file_that_is_no_trace_is_refused_with_its_line(tmp_path, text, said):
    trace = tmp_path / "trace.csv"
    trace.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CommandError, match=said):
        call_command("evaluate_estimates", str(trace))


@pytest.mark.django_db
def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(CommandError):
        call_command("evaluate_estimates", str(tmp_path / "none.csv"))


@pytest.fixture(scope="module")
def on_the_shared_trace() -> Report:
    if not TRACE.exists():
        pytest.skip("The shared trace is not beside the project.")
    return Report.on(list(evaluate(from_file(TRACE))))


@pytest.mark.timeout(300)
def test_on_the_shared_trace_errors_are_half_of_the_naive_ones_at_most(on_the_shared_trace):
    assert on_the_shared_trace.error <= 0.49


@pytest.mark.timeout(300)
def test_on_the_shared_trace_the_range_holds_for_eighty_percent(on_the_shared_trace):
    assert 0.78 <= on_the_shared_trace.coverage <= 0.82


@pytest.mark.timeout(300)
def test_on_the_shared_trace_the_range_is_narrow_enough_to_tell_something(on_the_shared_trace):
    assert on_the_shared_trace.width <= 2.3


def test_a_moment_is_read_in_its_own_time_zone(tmp_path):
    trace = tmp_path / "trace.csv"
    trace.write_text(HEAD + "1,2026-06-01T02:00:00+02:00,k,p,m,1,,a,5,succeeded\n")
    assert from_file(trace)[0].started_ms == datetime(2026, 6, 1, tzinfo=UTC).timestamp() * 1000
