"""The profiles made anew from the whole history, beside those that are in use.

Rows are read in the order in which they were learned, so the result is the same. It takes shape as a build of its own,
is kept now and then so that a rebuild that broke off goes on from there, and replaces the one in use when it has caught
up, under the lock that learning takes.
"""

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Max, QuerySet, TextField
from django.db.models.functions import Cast

from metrics import summaries
from metrics.learning import Outcome, key_of, marks_of, store, unlearned
from metrics.models import GenerationMetric, Learning, RunMetric, StageProfile
from metrics.profiles import Observation, Profile, Profiles

# Rows read together, rows that are given their number in one transaction, and rows after which the work is kept.
PAGE = 50_000
ADOPTED = 20_000
KEPT = 1_000_000
READ = (
    "kind", "stage", "provider", "model", "size", "duration_ms", "outcome", "output_tokens", "asked_ms", "whole",
    "marks", "learned",
)  # fmt: skip


@dataclass
class Asked:
    """What a rebuild is of: a kind and a beginning, or everything."""

    kind: str | None = None
    since: datetime | None = None

    def rows(self) -> QuerySet[GenerationMetric]:
        return self.narrowed(GenerationMetric.objects.all())

    def narrowed(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.kind is not None:
            rows = rows.filter(kind=self.kind)
        return rows if self.since is None else rows.filter(created_at__gte=self.since)

    def state(self) -> dict[str, Any]:
        return asdict(self) | {"since": self.since.isoformat() if self.since else None}


def rehearse(asked: Asked, progress: Callable[[int], None]) -> int:
    """Make the profiles and throw them away; returns how many there were."""
    profiles = Profiles()
    for page, _ in pages(asked, 0):
        profiles.observe(observations(page))
        progress(len(page))
    left = read_of(asked.narrowed(unlearned(GenerationMetric))).order_by("created_at", "pk").iterator(PAGE)
    while rows := list(islice(left, PAGE)):
        profiles.observe(observations(rows))
        progress(len(rows))
    return len(profiles.found)


def rebuild(asked: Asked, progress: Callable[[int], None]) -> int:
    """Make the profiles anew and use them; returns how many there are. `progress` is told of rows as they are read.

    What nobody has learned from yet is taken in as well, and counted in the daily summaries. Raises Overtaken when
    another rebuild has been begun meanwhile.
    """
    Learning.objects.get_or_create(pk=1)
    adopt(asked)
    mine, profiles = begin(asked)
    position, read = mine.position, 0
    for rows, end in pages(asked, position):
        profiles.observe(observations(rows))
        progress(len(rows))
        position, read = end or position, read + len(rows)
        if read >= KEPT and end is not None:
            read = 0
            with transaction.atomic():
                at = mine.at()
                store(mine.build, profiles)
                at.rebuild["position"] = position
                at.save(update_fields=("rebuild",))
    with transaction.atomic():
        at = mine.at()
        for rows, _ in pages(asked, position):
            profiles.observe(observations(rows))
            progress(len(rows))
        store(mine.build, profiles)
        left = StageProfile.objects.filter(build=at.build)
        if asked.kind is not None:
            left.exclude(kind=asked.kind).update(build=mine.build)
        left.all().delete()
        at.build, at.rebuilding, at.rebuild = mine.build, None, {"days": at.rebuild.get("days", [])}
        at.save(update_fields=("build", "rebuilding", "rebuild"))
    count_days()
    return len(profiles.found)


class Overtaken(Exception):
    """Another rebuild has been begun, and will use its own profiles."""


@dataclass
class Mine:
    """A rebuild of this process: the build it makes, and the last round that is in what was kept of it."""

    token: str
    build: int
    position: int

    def at(self) -> Learning:
        """Where learning stands, locked until the caller's transaction ends. Raises Overtaken."""
        at = Learning.objects.select_for_update().get(pk=1)
        if at.rebuild.get("token") != self.token:
            raise Overtaken
        return at


def adopt(asked: Asked) -> None:
    """Give what nobody has learned from its place in the history, oldest first, and note the days it is of, in UTC.

    From here on live learning leaves it alone. Should the rebuild break off, the next one has it.
    """
    for table in (GenerationMetric, RunMetric):
        left = asked.narrowed(unlearned(table)).order_by("created_at", "pk")
        while left.exists():
            with transaction.atomic():
                at = Learning.objects.select_for_update().get(pk=1)
                moments = list(left.values_list("created_at", flat=True)[:ADOPTED])
                if not moments:
                    break
                at.round += 1
                days = {moment.astimezone(UTC).date().isoformat() for moment in moments}
                at.rebuild["days"] = sorted({*at.rebuild.get("days", []), *days})
                at.save(update_fields=("round", "rebuild"))
                oldest = left.filter(created_at__lte=moments[-1]).values("pk")
                table._default_manager.filter(pk__in=oldest).update(learned=at.round)


def begin(asked: Asked) -> tuple[Mine, Profiles]:
    """Begin a rebuild, or go on with the same one that broke off, from the profiles that were kept of it."""
    with transaction.atomic():
        at = Learning.objects.select_for_update().get(pk=1)
        found = Profiles()
        if at.rebuilding is not None and at.rebuild.get("asked") == asked.state():
            rows = StageProfile.objects.filter(build=at.rebuilding)
            found = Profiles({key_of(row): Profile.of(row.state) for row in rows})
        else:
            StageProfile.objects.exclude(build=at.build).delete()
            at.rebuilding = at.build + 1
            at.rebuild |= {"asked": asked.state(), "position": 0}
        mine = Mine(uuid.uuid4().hex, at.rebuilding, at.rebuild["position"])
        # Whoever was at it before finds another token.
        at.rebuild["token"] = mine.token
        at.save(update_fields=("rebuilding", "rebuild"))
        return mine, found


def count_days() -> None:
    """Count the days again whose rows were taken in, and forget each that is done."""
    while True:
        with transaction.atomic():
            at = Learning.objects.select_for_update().get(pk=1)
            days = at.rebuild.get("days", [])
            if not days:
                return
            summaries.rebuild(date.fromisoformat(days[0]))
            at.rebuild["days"] = days[1:]
            at.save(update_fields=("rebuild",))


def pages(asked: Asked, position: int) -> Iterator[tuple[list[tuple[Any, ...]], int | None]]:
    """The rows after a round, each page with the last round that is whole with it; None within a long round."""
    rows = read_of(asked.rows()).order_by("learned", "created_at", "pk")
    last = asked.rows().aggregate(last=Max("learned"))["last"] or 0
    while position < last:
        page = fetched(rows.filter(learned__gt=position, learned__lte=last)[:PAGE])
        if not page:
            return
        end: int = page[-1][-1]
        if len(page) == PAGE and end == page[0][-1]:
            # More than a page of one round.
            left = rows.filter(learned=end).iterator(PAGE)
            while page := list(islice(left, PAGE)):
                yield page, None
            yield [], end
        elif len(page) == PAGE:
            # The last round may go on beyond the page.
            page = [row for row in page if row[-1] != end]
            end = page[-1][-1]
            yield page, end
        else:
            yield page, end
        position = end


def read_of(rows: QuerySet[Any]) -> QuerySet[Any, tuple[Any, ...]]:
    """As tuples of READ. The marks are decoded only where there are some."""
    found: QuerySet[Any, tuple[Any, ...]] = rows.annotate(marks=Cast("metadata", TextField())).values_list(*READ)
    return found


def fetched(rows: QuerySet[Any, tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows as the driver gives them: Django would look at each value once more, half as long again."""
    statement, values = rows.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def observations(rows: list[tuple[Any, ...]]) -> Iterator[Observation]:
    """What there is to learn from rows of READ, as `learning.observation` has it."""
    for kind, stage, provider, model, size, took, outcome, tokens, asked_ms, whole, metadata, _ in rows:
        if whole:
            told = json.loads(metadata) if len(metadata) > 2 else {}
            finished, written = outcome == Outcome.SUCCEEDED, told.get("heard", tokens)
            marks = marks_of(told) if told else ()
            yield Observation(kind, stage, provider, model, size, took, finished, written, asked_ms, marks)
