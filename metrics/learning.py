"""How what has ended becomes what is expected: rows of history are taken into the profiles, in rounds.

Recording and learning are apart: a stage's row is written with the event that ends it, wherever that happens, and
touches nothing that others want. A round takes the rows that none has taken yet under one lock, so profiles change
atomically however many processes learn, and the order is known: a rebuild repeats it.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from metrics import calibration, summaries
from metrics.models import GenerationMetric, Learning, RunMetric, StageProfile
from metrics.profiles import ANY_MODEL, ANY_SIZE, BY_RULE, Key, Observation, Profile, Profiles, bucket

# Rows of one round beside live runs: on SQLite nobody else writes meanwhile.
ROUND = 250
# Of so many profiles each statement is made.
BATCH = 500
KEY = ("kind", "stage", "provider", "model", "size")
Outcome = GenerationMetric.Outcome


def learn(limit: int = ROUND) -> int:
    """Take at most `limit` rows of each table in, and return how many there were; 0 if another process is at it."""
    if not (unlearned(GenerationMetric).exists() or unlearned(RunMetric).exists()):
        return 0
    Learning.objects.get_or_create(pk=1)
    with transaction.atomic():
        at = Learning.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if at is None:
            return 0
        stages = list(unlearned(GenerationMetric).order_by("created_at", "pk")[:limit])
        runs = list(unlearned(RunMetric).order_by("created_at", "pk")[:limit])
        at.round += 1
        at.save(update_fields=("round",))
        observations = [seen for row in stages if (seen := observation(row)) is not None]
        profiles = Profiles(load(at.build, observations))
        profiles.observe(observations)
        store(at.build, profiles)
        calibration.learn(runs)
        summaries.add(stages, runs)
        GenerationMetric.objects.filter(pk__in=[row.pk for row in stages]).update(learned=at.round)
        RunMetric.objects.filter(pk__in=[row.pk for row in runs]).update(learned=at.round)
    return len(stages) + len(runs)


def unlearned(table: type[GenerationMetric] | type[RunMetric]) -> QuerySet[Any]:
    return table._default_manager.filter(learned=None)


def observation(row: Any) -> Observation | None:
    """What there is to learn from a stage's row; None where its time says nothing about the stage.

    What was left of a stage that an earlier attempt had begun is shorter than the stage.
    """
    if not row.whole:
        return None
    finished = row.outcome == Outcome.SUCCEEDED
    return Observation(
        row.kind,
        row.stage,
        row.provider,
        row.model,
        row.size,
        row.duration_ms,
        finished,
        row.metadata.get("heard", row.output_tokens),
        row.asked_ms,
        marks_of(row.metadata),
    )


def marks_of(metadata: Any) -> list[list[float]]:
    """The marks of a stage: done, milliseconds and tokens; what is none is left out, or it would stop all learning."""
    marks = metadata.get("marks") or ()
    return [mark for mark in marks if len(mark) == 3 and all(isinstance(value, int | float) for value in mark)]


def load(build: int, observations: Sequence[Observation]) -> dict[Key, Profile]:
    """The profiles that these change, and some more."""
    rows = StageProfile.objects.filter(
        build=build,
        kind__in={seen.kind for seen in observations},
        provider__in={seen.provider for seen in observations} | {ANY_MODEL, BY_RULE},
        model__in={seen.model for seen in observations} | {""},
        stage__in={seen.stage for seen in observations},
        size__in={bucket(seen.size) for seen in observations} | {ANY_SIZE},
    )
    return {key_of(row): Profile.of(row.state) for row in rows}


def store(build: int, profiles: Profiles) -> None:
    """Keep the profiles that have changed since they were last kept."""
    StageProfile.objects.bulk_create(
        [
            StageProfile(build=build, state=profiles.found[key].state(), **dict(zip(KEY, key, strict=True)))
            for key in sorted(profiles.changed)
        ],
        batch_size=BATCH,
        update_conflicts=True,
        unique_fields=("build", *KEY),
        update_fields=("state", "updated_at"),
    )
    profiles.settled()


def key_of(row: StageProfile) -> Key:
    return row.kind, row.stage, row.provider, row.model, row.size
