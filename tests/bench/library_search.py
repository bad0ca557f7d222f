"""How long the library takes to search 5,000 exercises: the search alone, and a whole request with its facets.

    python -m tests.bench.library_search      (in the project's root)

On PostgreSQL when DATABASE_URL names a new database there. The exercises are the shipped ones over and over, each with
words of its own.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable

folder = tempfile.TemporaryDirectory(prefix="hep-bench-")
os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder.name}/bench.sqlite3")
os.environ["DJANGO_SETTINGS_MODULE"] = "hepcompanion.settings"

import django

django.setup()

from django.core.management import call_command
from django.db import transaction
from rest_framework.test import APIClient

from generation import exercise_search
from generation.clinical.library import load
from generation.models import Exercise, User
from generation.shelf import put

EXERCISES = 5_000
TIMES = 50
QUERIES = ("knæ", "knee", "heel raise", "stretch calf", "str", "s", "gluteus", "osteoarth", "band shoulder", "zebra")


def fill() -> None:
    dice = random.Random(1)  # noqa: S311
    shipped = load().exercises
    vocabulary = sorted({word for entry in shipped for word in exercise_search.words(str(entry["text"]["en"]))})
    entries = []
    for number in range(EXERCISES):
        entry = dict(shipped[number % len(shipped)])
        extra = " ".join(dice.choices(vocabulary, k=3))
        text = entry["text"]["en"]
        told = {**text, "name": f"{text['name']} {number}"[:80], "steps": [*text["steps"], extra]}
        text_of = {**entry["text"], "en": told}
        entries.append((None, {**entry, "slug": f"{entry['slug']}-{number}"[:80], "text": text_of}))
    with transaction.atomic():
        put(entries)


def timed(name: str, work: Callable[[str], object]) -> None:
    taken = []
    for _ in range(TIMES):
        for query in QUERIES:
            began = time.perf_counter()
            work(query)
            taken.append((time.perf_counter() - began) * 1000)
    cuts = statistics.quantiles(taken, n=20)
    print(f"{name}: p50 {statistics.median(taken):.1f} ms, p95 {cuts[18]:.1f} ms, worst {max(taken):.1f} ms")


def main() -> None:
    call_command("migrate", verbosity=0)
    fill()
    client = APIClient(SERVER_NAME="localhost")
    client.force_authenticate(User.objects.create(username="bench"))
    shelf = Exercise.objects.filter(status=Exercise.Status.REVIEWED)
    timed("search, 25 slugs", lambda q: list(exercise_search.matching(shelf, q, "en").values_list("slug")[:25]))
    assert client.get("/api/exercises?q=knee").status_code == 200
    timed("GET /api/exercises", lambda q: client.get("/api/exercises", {"q": q, "language": "en"}))
    timed("GET without a search", lambda q: client.get("/api/exercises", {"region": "knee"}))


if __name__ == "__main__":
    main()
