"""What learning and estimating cost, and how fast the profiles are made anew from the history.

    python -m tests.bench.estimates [ROWS] [postgres]      (in the project's root)

Prints microseconds of one process's time for an observation and for an estimate, after 20,000 runs of six models with
requests of all sizes: `known` while the outlook stands, `anew` with what is made first for a model and a size, at most
every five seconds. Then rows a second of `backfill_estimates` over ROWS stages [1,000,000] in a database of
its own.
"""

import random
import sys
import time
import timeit
from collections.abc import Callable

from tests.bench.own_database import own_database

end = own_database()

from django.core.management import call_command

from metrics.models import GenerationMetric
from metrics.outlook import Outlook
from metrics.profiles import Mark, Observation, Profiles
from metrics.rebuilding import Asked, rebuild
from tests.support.history import past, save

ROWS = 1_000_000
RUNS = 20_000
REPEATS = 7
IN_A_ROUND = 500
STAGES = ("started", "fetching-exercises", "generating", "validating", "storing", "complete")


def made_up(runs: int) -> list[Observation]:
    draw = random.Random(1)
    found = []
    for _ in range(runs):
        model, size, tokens = draw.choice("abcdef"), draw.randint(200, 8_000), round(draw.lognormvariate(6.5, 0.6))
        writing = round(tokens * draw.lognormvariate(3, 0.2))
        for stage in STAGES:
            writes = stage == "generating"
            took = writing if writes else round(draw.lognormvariate(4, 0.5))
            asked = writing if stage in ("validating", "storing", "complete") else 0
            finished = draw.random() > 0.02
            observed = Observation(
                "k", stage, "p", model, size, took, finished, tokens if writes and finished else 0, asked
            )
            found.append(observed)
    return found


def microseconds(work: Callable[[], object], times: int) -> float:
    return min(timeit.repeat(work, number=times, repeat=REPEATS)) / times * 1e6


def main(rows: int) -> None:
    observations, profiles = made_up(RUNS), Profiles()
    profiles.observe(observations)
    sample = observations[:6_000]
    cost = microseconds(lambda: profiles.observe(sample), 1) / len(sample)
    print(f"observation          {cost:7.1f} us")

    def look() -> Outlook:
        return Outlook("k", STAGES, "p", "a", profiles.found)

    known, mark = look(), Mark(0.5, 4_000, 250)
    asked: list[tuple[str, Callable[[Outlook], object]]] = [
        ("waiting", lambda look: look.remaining(size=1_000)),
        ("writing", lambda look: look.remaining("generating", 5_000, size=1_000)),
        ("tokens so far", lambda look: look.remaining("generating", 5_000, size=1_000, tokens=300)),
        ("tokens and mark", lambda look: look.remaining("generating", 5_000, size=1_000, tokens=300, mark=mark)),
        ("later stage", lambda look: look.remaining("validating", 50, size=1_000, asked_ms=9_000)),
    ]
    for name, ask in asked:
        ask(known)
        warm = microseconds(lambda ask=ask: ask(known), 2_000)  # type: ignore[misc]
        cold = microseconds(lambda ask=ask: ask(look()), 100)  # type: ignore[misc]
        print(f"estimate, {name:<16}{warm:7.1f} us known, {cold:7.1f} us anew")
    backfill(rows)


def backfill(rows: int) -> None:
    call_command("migrate", verbosity=0)
    save(past(-(-rows // len(STAGES)), [None]))
    keys = list(GenerationMetric.objects.order_by("created_at", "pk").values_list("pk", flat=True))
    kept = len(keys)
    # In rounds, as they are learned live.
    for number, start in enumerate(range(0, kept, IN_A_ROUND), start=1):
        GenerationMetric.objects.filter(pk__in=keys[start : start + IN_A_ROUND]).update(learned=number)
    for name in ("learned before", "not learned yet"):
        if name != "learned before":
            GenerationMetric.objects.update(learned=None)
        began = time.perf_counter()
        rebuild(Asked(), lambda rows: None)
        print(f"backfill, {name:<16}{kept / (time.perf_counter() - began):>9.0f} rows/s of {kept}")


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:] if word.isdigit()]
    try:
        main(given[0] if given else ROWS)
    finally:
        end()
