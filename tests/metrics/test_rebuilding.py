"""Profiles made anew from the history are those that live learning made."""

import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from metrics import rebuilding
from metrics.learning import learn
from metrics.models import DailySummary, GenerationMetric, Learning, StageProfile
from metrics.rebuilding import Asked, rebuild
from tests.metrics.rows import FIRST, metrics

pytestmark = pytest.mark.django_db


def profiles(**only) -> dict:
    rows = StageProfile.objects.filter(build=Learning.objects.get().build, **only)
    return {(row.kind, row.stage, row.provider, row.model, row.size): row.state for row in rows}


def assert_same(one: dict, other: dict) -> None:
    assert one.keys() == other.keys()
    for key, state in one.items():
        assert state.keys() == other[key].keys()
        for name, measured in state.items():
            flat, twin = ([measured], [other[key][name]]) if name != "courses" else (measured, other[key][name])
            if name == "courses":
                assert flat.keys() == twin.keys()
                flat, twin = list(flat.values()), list(twin.values())
            for mine, theirs in zip(flat, twin, strict=True):
                if isinstance(mine, dict):
                    assert mine["bins"] == theirs["bins"]
                    assert mine["weights"] == pytest.approx(theirs["weights"], rel=1e-6)
                else:
                    assert mine == pytest.approx(theirs, rel=1e-6)


def learn_all(limit: int = 50) -> None:
    while learn(limit):
        pass


@pytest.fixture
def history():
    """Learned live, in rounds of fifty, the later half of it before the earlier one."""
    rows = metrics(120)
    GenerationMetric.objects.bulk_create(rows[200:])
    learn_all()
    GenerationMetric.objects.bulk_create(rows[:200])
    learn_all()
    return rows


@pytest.mark.parametrize("page", [7, 64, 50_000])
def test_a_rebuild_gives_what_live_learning_gave(history, monkeypatch, page):
    monkeypatch.setattr(rebuilding, "PAGE", page)
    live = profiles()
    count = rebuild(Asked(), lambda rows: None)
    assert count == len(live)
    assert_same(live, profiles())
    assert StageProfile.objects.count() == len(live)


def test_a_rebuild_mends_profiles_that_were_lost(history):
    live = profiles()
    StageProfile.objects.all().delete()
    rebuild(Asked(), lambda rows: None)
    assert_same(live, profiles())


def test_what_nobody_has_learned_from_is_taken_in_and_counted_in_its_days(history):
    late = metrics(15, seed=9, first=FIRST + timedelta(days=40))
    GenerationMetric.objects.bulk_create(late)
    rebuild(Asked(), lambda rows: None)
    rebuilt = profiles()
    assert not GenerationMetric.objects.filter(learned=None).exists()
    assert DailySummary.objects.filter(day=(FIRST + timedelta(days=40)).date()).exists()
    GenerationMetric.objects.filter(pk__in=[row.pk for row in late]).update(learned=None)
    StageProfile.objects.all().delete()
    GenerationMetric.objects.exclude(learned=None).update(learned=None)
    # In the order of the first learning: the later half, the earlier one, and then these.
    for part in (history[200:], history[:200], late):
        GenerationMetric.objects.exclude(pk__in=[row.pk for row in part]).filter(learned=None).update(learned=0)
        learn_all()
        GenerationMetric.objects.filter(learned=0).update(learned=None)
    assert_same(profiles(), rebuilt)


def test_only_one_kind_is_made_anew_and_the_others_stay():
    GenerationMetric.objects.bulk_create(metrics(30) + metrics(30, seed=2, kind="other"))
    learn_all()
    mine, theirs = profiles(kind="k"), profiles(kind="other")
    StageProfile.objects.filter(kind="k").update(state={})
    rebuild(Asked(kind="k"), lambda rows: None)
    assert_same(mine, profiles(kind="k"))
    assert profiles(kind="other") == theirs


def test_what_ended_before_a_day_can_be_forgotten(history):
    since = FIRST + timedelta(minutes=100)
    rebuild(Asked(since=since), lambda rows: None)
    kept = profiles()
    StageProfile.objects.all().delete()
    GenerationMetric.objects.filter(created_at__lt=since).delete()
    rebuild(Asked(), lambda rows: None)
    assert_same(profiles(), kept)


def test_a_rebuild_that_broke_off_goes_on_where_it_was(history, monkeypatch):
    live = profiles()
    monkeypatch.setattr(rebuilding, "PAGE", 60)
    monkeypatch.setattr(rebuilding, "KEPT", 100)
    read: list[int] = []

    def break_off(rows: int) -> None:
        read.append(rows)
        if sum(read) > 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(Asked(), break_off)
    assert_same(live, profiles())
    again: list[int] = []
    rebuild(Asked(), again.append)
    assert sum(again) < len(GenerationMetric.objects.all())
    assert_same(live, profiles())


def test_a_rebuild_of_something_else_begins_anew(history, monkeypatch):
    monkeypatch.setattr(rebuilding, "PAGE", 60)
    monkeypatch.setattr(rebuilding, "KEPT", 50)
    live = profiles()

    def break_off(rows: int) -> None:
        if StageProfile.objects.exclude(build=Learning.objects.get().build).exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(Asked(since=FIRST + timedelta(minutes=60)), break_off)
    rebuild(Asked(), lambda rows: None)
    assert_same(live, profiles())


def test_what_is_learned_while_it_is_rebuilt_is_in_it(history, monkeypatch):
    monkeypatch.setattr(rebuilding, "PAGE", 60)
    new = metrics(20, seed=5, first=FIRST + timedelta(days=2))

    def meanwhile(rows: int) -> None:
        if new:
            GenerationMetric.objects.bulk_create(new)
            new.clear()
            learn_all()

    rebuild(Asked(), meanwhile)
    rebuilt = profiles()
    rebuild(Asked(), lambda rows: None)
    assert_same(rebuilt, profiles())
    assert not GenerationMetric.objects.filter(learned=None).exists()


def test_the_command_says_what_it_did(history, capsys):
    call_command("backfill_estimates")
    out = capsys.readouterr().out
    assert out.startswith(f"{GenerationMetric.objects.count()} stages became {StageProfile.objects.count()} profiles")


def test_a_dry_run_changes_nothing(capsys):
    GenerationMetric.objects.bulk_create(metrics(20))
    call_command("backfill_estimates", dry_run=True)
    assert "would become" in capsys.readouterr().out
    assert not StageProfile.objects.exists()
    assert not GenerationMetric.objects.exclude(learned=None).exists()


def test_the_command_refuses_a_kind_that_is_not_remembered(history):
    with pytest.raises(CommandError, match="nothing to learn from"):
        call_command("backfill_estimates", kind=f"no-{uuid.uuid4()}")


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01"])
def test_the_command_refuses_what_is_no_date(since):
    with pytest.raises(CommandError, match="--since"):
        call_command("backfill_estimates", "--since", since)


def test_of_two_rebuilds_at_once_the_later_one_is_used_and_the_earlier_one_says_so(history):
    live = profiles()
    with pytest.raises(rebuilding.Overtaken):
        rebuild(Asked(), lambda rows: rebuild(Asked(), lambda rows: None))
    assert_same(live, profiles())
    assert StageProfile.objects.count() == len(live)


def test_of_two_rebuilds_of_different_things_the_earlier_one_changes_nothing(history):
    live = profiles()
    with pytest.raises(rebuilding.Overtaken):
        rebuild(Asked(since=FIRST + timedelta(minutes=100)), lambda rows: rebuild(Asked(), lambda rows: None))
    assert_same(live, profiles())


def test_days_that_were_taken_in_are_counted_even_if_the_rebuild_broke_off(history):
    late = FIRST + timedelta(days=40)
    GenerationMetric.objects.bulk_create(metrics(15, seed=9, first=late))

    def break_off(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(Asked(), break_off)
    assert not DailySummary.objects.filter(day=late.date()).exists()
    rebuild(Asked(), lambda rows: None)
    assert DailySummary.objects.filter(day=late.date()).exists()
    assert Learning.objects.get().rebuild == {"days": []}
