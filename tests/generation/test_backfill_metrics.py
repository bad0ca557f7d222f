"""What is missing in the metrics is rebuilt from the runs, their logs and their calls, as the workers wrote it."""

import io
import uuid
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from generation import reconciler, retention, runner, runs
from generation.database import in_database
from generation.executors import executor
from generation.models import Event, Run
from generation.wire import TERMINAL
from metrics.models import GenerationMetric, RunMetric
from tests.faults.in_process import model_server, run_ended
from tests.generation.executing import executing, start, start_to_item, status_of, until
from tests.generation.factories import make_run
from tests.support.waiting import eventually

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library")]

STAGE_FIELDS = (
    "run_id", "attempt", "kind", "stage", "outcome", "provider", "model", "size", "input_tokens", "output_tokens",
    "whole", "cost_usd", "clinic_id", "user_id",
)  # fmt: skip
RUN_FIELDS = (
    "run_id", "kind", "outcome", "error_code", "attempts", "provider", "model", "clinic_id", "input_tokens",
    "output_tokens", "cost_usd",
)  # fmt: skip
# Of cut-off stages the log knows the events at both ends, the worker what lay between; the same in all later times.
NEAR_MS = 150


def backfilled(*options: str) -> str:
    out = io.StringIO()
    call_command("backfill_metrics", *options, stdout=out, stderr=out)
    return out.getvalue()


def rows() -> tuple[dict, dict]:
    stages = {(row.run_id, row.attempt, row.stage): row for row in GenerationMetric.objects.all()}
    return stages, {row.pk: row for row in RunMetric.objects.all()}


def assert_rebuilt(but: dict[tuple[str, int], str] | None = None) -> tuple[dict, dict]:
    """Forget every metric, rebuild them, and find the same ones; `but` has the outcomes that a log tells otherwise."""
    assert "0 stages and 0 ends" in backfilled()
    stages, ends = rows()
    GenerationMetric.objects.all().delete()
    RunMetric.objects.all().delete()
    assert f"{len(stages)} stages and {len(ends)} ends missing" in backfilled("--dry-run")
    assert not GenerationMetric.objects.exists()
    assert f"{len(stages)} stages and {len(ends)} ends written" in backfilled()
    new_stages, new_ends = rows()
    assert new_stages.keys() == stages.keys()
    for key, row in stages.items():
        if (otherwise := (but or {}).get((row.stage, row.attempt))) is not None:
            assert new_stages[key].outcome == otherwise
            # Nobody knows what a lost worker has paid.
            row.outcome, row.cost_usd = otherwise, None
        assert_same(new_stages[key], row, STAGE_FIELDS, ("duration_ms", "asked_ms"))
        if row.outcome == "succeeded":
            assert new_stages[key].duration_ms == row.duration_ms
    assert new_ends.keys() == ends.keys()
    for key, row in ends.items():
        assert_same(new_ends[key], row, RUN_FIELDS, ("duration_ms", "first_event_ms", "first_item_ms", "cancel_ms"))
    return stages, ends


def assert_same(new, old, fields, times) -> None:
    assert [(name, getattr(new, name)) for name in fields] == [(name, getattr(old, name)) for name in fields]
    for name in times:
        one, other = getattr(new, name), getattr(old, name)
        assert (one is None) == (other is None)
        assert one is None or abs(one - other) <= NEAR_MS, (old, name, one, other)
    assert abs(new.created_at - old.created_at) <= timedelta(milliseconds=NEAR_MS)


async def test_a_run_of_the_composer_is_rebuilt_and_its_rows_can_be_learned(alice):
    async with executing():
        await until(await start(alice), *TERMINAL)
    await in_database(lambda: (GenerationMetric.objects.update(learned=1), RunMetric.objects.update(learned=1)))
    stages, _ = await in_database(assert_rebuilt)
    assert len(stages) == 6
    assert await in_database(GenerationMetric.objects.filter(learned=None).count) == 6
    assert await in_database(RunMetric.objects.filter(learned=None).count) == 1


@pytest.mark.parametrize("model", ["good", "two-exercises", "busy-once", "unknown-slug", "wrong-dose"])
@pytest.mark.parametrize("engine", ["llm", "auto"])
async def test_a_run_that_asked_a_model_is_rebuilt(alice, model, engine):
    async with model_server(model) as server:
        ended = await run_ended(alice, server, engine=engine)
        stages, ends = await in_database(assert_rebuilt)
    assert sum(row.output_tokens for row in stages.values()) == ended.run.output_tokens > 0
    assert sum(row.input_tokens for row in stages.values()) == ended.run.input_tokens
    assert sum(row.cost_usd for row in stages.values()) == ended.run.cost_usd
    assert {row.stage: row.size for row in stages.values()}["storing"] == ended.rows[0].asked_tokens > 0
    assert ends[ended.run.uid].outcome == "succeeded"


@pytest.mark.parametrize("model", ["prose", "refusal", "status-500", "breaks-after-2"])
@pytest.mark.parametrize("engine", ["llm", "auto"])
async def test_a_run_whose_model_failed_is_rebuilt_whether_or_not_the_composer_took_over(alice, model, engine):
    async with model_server(model) as server:
        ended = await run_ended(alice, server, engine=engine)
        stages, ends = await in_database(assert_rebuilt)
    written_by = {row.stage: row.provider for row in stages.values()}
    end = ends[ended.run.uid]
    server_name = ended.rows[0].server
    assert written_by["generating"] == server_name
    if ended.code:
        assert (end.outcome, end.error_code, end.provider) == ("failed", ended.code, server_name)
    if ended.fell_back:
        assert (end.outcome, end.provider, written_by["storing"]) == ("succeeded", "composer", "composer")


async def test_a_referral_that_asked_no_model_is_rebuilt_though_the_model_is_gone_since(alice, settings):
    red_flag = "55 yo man, low back pain, saddle numbness and urinary retention since yesterday"
    async with model_server("good") as server:
        ended = await run_ended(alice, server, engine="auto", prompt=red_flag)
    assert not ended.rows
    assert settings.MODEL == ""
    stages, _ = await in_database(assert_rebuilt)
    assert {(row.provider, row.model) for row in stages.values()} == {(ended.run.provider, "good")}


async def test_a_cancelled_run_is_rebuilt(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await start_to_item(alice)
        await in_database(lambda: runs.cancel(alice, run.uid))
        await until(run, "cancelled")
    stages, ends = await in_database(assert_rebuilt)
    assert [row.outcome for row in stages.values()].count("cancelled") == 1
    assert ends[run.uid].cancel_ms is not None


async def test_a_run_cancelled_in_mid_answer_is_rebuilt(alice):
    async with model_server("good-at-40") as server:
        run = await start_to_item(alice)
        await in_database(lambda: runs.cancel(alice, run.uid))
        await until(run, "cancelled")
        stages, _ = await in_database(assert_rebuilt)
    assert server.calls
    [cut] = [row for row in stages.values() if row.outcome == "cancelled"]
    assert (cut.stage, cut.size > 0, cut.output_tokens > 0) == ("generating", True, True)


async def test_a_run_cancelled_before_anybody_took_it_is_rebuilt(alice):
    run = await start(alice)
    await in_database(lambda: runs.cancel(alice, run.uid))
    stages, ends = await in_database(assert_rebuilt)
    assert (stages, ends[run.uid].attempts, ends[run.uid].first_event_ms) == ({}, 0, None)


async def paused_and_resumed(alice) -> Run:
    run = await start_to_item(alice)
    await in_database(lambda: runs.pause(alice, run.uid))
    await until(run, "paused")

    async def idle() -> bool:
        return not executor().health()["runs"]

    await eventually(idle)
    await in_database(lambda: runs.resume(alice, run.uid))
    await until(run, *TERMINAL)
    return run


async def test_a_run_that_was_paused_and_resumed_is_rebuilt(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await paused_and_resumed(alice)
    stages, ends = await in_database(assert_rebuilt)
    assert [stages[run.uid, attempt, "generating"].whole for attempt in (1, 2)] == [True, False]
    assert ends[run.uid].attempts == 2


async def test_a_run_paused_in_mid_answer_is_rebuilt_with_what_each_attempt_read_and_wrote(alice):
    async with model_server("good-at-40"):
        run = await paused_and_resumed(alice)
        stages, _ = await in_database(assert_rebuilt)
    await in_database(run.refresh_from_db)
    parts = [stages[run.uid, attempt, "generating"] for attempt in (1, 2)]
    assert sum(part.output_tokens for part in parts) == run.output_tokens
    assert min(part.output_tokens for part in parts) > 0
    assert sum(part.cost_usd for part in parts) == run.cost_usd
    assert parts[0].size == parts[1].size > 0
    assert stages[run.uid, 2, "storing"].asked_ms == parts[1].duration_ms


async def lose(run: Run) -> None:
    """As if the process that works on this run were killed: nothing of it is told, and its lease runs out."""
    attempt = executor().attempts[run.pk]
    attempt.stop(runner.Stop.LEASE_LOST)
    assert attempt.task is not None
    await attempt.task
    everything = lambda held: held.filter(pk=run.pk)  # noqa: E731
    assert await in_database(lambda: reconciler.reconcile(everything))


async def test_a_run_whose_worker_was_lost_is_rebuilt(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await start_to_item(alice)
        await lose(run)
        await until(run, *TERMINAL)
    stages, ends = await in_database(assert_rebuilt)
    assert [stages[run.uid, attempt, "generating"].outcome for attempt in (1, 2)] == ["lost", "succeeded"]
    assert [stages[run.uid, attempt, "generating"].whole for attempt in (1, 2)] == [True, False]
    assert ends[run.uid].first_item_ms < ends[run.uid].duration_ms


async def test_a_run_whose_worker_was_lost_in_mid_answer_is_rebuilt(alice):
    async with model_server("good-at-40"):
        run = await start_to_item(alice)
        await lose(run)
        await until(run, *TERMINAL)
        stages, _ = await in_database(assert_rebuilt)
    await in_database(run.refresh_from_db)
    lost, rest = (stages[run.uid, attempt, "generating"] for attempt in (1, 2))
    assert lost.size == rest.size > 0
    assert (lost.output_tokens + rest.output_tokens, lost.cost_usd) == (run.output_tokens, None)
    assert lost.input_tokens + rest.input_tokens == run.input_tokens


async def test_a_run_cancelled_while_its_worker_was_lost_is_rebuilt(alice, settings, monkeypatch):
    settings.COMPOSER_PACE_S = 0.3
    monkeypatch.setattr(type(executor()), "cancel", lambda self, run: None)
    async with executing():
        run = await start_to_item(alice)
        await in_database(lambda: runs.cancel(alice, run.uid))
        await lose(run)
        assert await status_of(run) == "cancelled"
    stages, _ = await in_database(assert_rebuilt)
    assert stages[run.uid, 1, "generating"].outcome == "lost"


async def test_a_run_given_up_after_its_workers_were_lost_is_rebuilt(alice, settings):
    settings.COMPOSER_PACE_S = 30
    async with executing():
        run = await start(alice)

        async def held_in_generating() -> bool:
            row = await in_database(lambda: Run.objects.get(pk=run.pk))
            return row.stage == "generating" and row.stage_started_at is not None and run.pk in executor().attempts

        # The first one stores steps, which is progress.
        for _ in range(1 + reconciler.STALLED_ATTEMPTS):
            await eventually(held_in_generating)
            await lose(run)
    stages, ends = await in_database(assert_rebuilt)
    assert [stages[run.uid, attempt, "generating"].outcome for attempt in (1, 2, 3, 4)] == ["lost"] * 4
    assert (ends[run.uid].outcome, ends[run.uid].error_code) == ("failed", "WORKER_LOST")


async def test_a_stage_cut_off_by_a_shut_down_comes_out_as_lost(alice, settings):
    settings.COMPOSER_PACE_S = 0.2
    async with executing():
        run = await start_to_item(alice)
    settings.COMPOSER_PACE_S = 0
    async with executing():
        await until(run, *TERMINAL)
    await in_database(lambda: assert_rebuilt({("generating", 1): "lost"}))


async def test_of_a_run_without_its_log_only_the_end_is_rebuilt(alice):
    async with executing():
        run = await start(alice)
        await until(run, *TERMINAL)

    def without_log() -> RunMetric:
        kept = RunMetric.objects.get()
        Run.objects.update(finished_at=timezone.now() - timedelta(days=10))
        retention.prune()
        assert not Event.objects.exists()
        GenerationMetric.objects.all().delete()
        RunMetric.objects.all().delete()
        assert "0 stages and 1 ends written" in backfilled()
        assert (kept.first_event_ms is None, kept.first_item_ms is None) == (False, False)
        return RunMetric.objects.get()

    end = await in_database(without_log)
    assert (end.run_id, end.outcome, end.provider, end.first_event_ms) == (run.uid, "succeeded", "composer", None)


async def test_only_what_is_asked_for_is_rebuilt(alice):
    async with executing():
        await until(await start(alice), *TERMINAL)

    def asked() -> None:
        RunMetric.objects.all().delete()
        assert "0 runs:" in backfilled("--since", f"{timezone.now() + timedelta(days=1):%Y-%m-%d}")
        assert "0 stages and 1 ends missing" in backfilled("--since", f"{timezone.now():%Y-%m-%d}", "--dry-run")
        with pytest.raises(CommandError, match="invalid choice"):
            backfilled("--kind", "poem")
        with pytest.raises(CommandError, match="not a day"):
            backfilled("--since", "yesterday")

    await in_database(asked)


def test_runs_that_live_and_runs_past_their_time_are_left_alone(alice, settings):
    make_run(alice, status="running", holder=uuid.uuid4(), stage="generating")
    long_ago = timezone.now() - timedelta(days=settings.METRICS_RETENTION_DAYS + 2)
    make_run(alice, status="succeeded", finished_at=long_ago)
    assert backfilled("--since", "2000-01-01").startswith("0 runs:")


async def test_a_run_whose_log_no_key_opens_is_left_out_until_one_does(alice, settings):
    async with executing():
        await until(await start(alice), *TERMINAL)

    def without_key() -> None:
        GenerationMetric.objects.all().delete()
        RunMetric.objects.all().delete()
        kept, settings.FIELD_KEYS = settings.FIELD_KEYS, "other:b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcm90aGVyb3Q="
        said = backfilled()
        assert "0 stages and 0 ends written" in said
        assert "1 of these runs were left out" in said
        assert not RunMetric.objects.exists()
        settings.FIELD_KEYS = kept
        assert "and 1 ends written" in backfilled()
        assert RunMetric.objects.get().first_event_ms is not None

    await in_database(without_key)
