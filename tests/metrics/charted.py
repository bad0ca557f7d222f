"""A history of today, and the dashboard as a client sees it."""

import csv
import io
import json
import re
import uuid
from datetime import UTC, datetime
from html import unescape
from typing import Any

from django.test import Client
from django.urls import reverse

from metrics.models import Forecast, GenerationMetric, RunMetric
from metrics.summaries import add

NOW = datetime.now(UTC)
Table = list[list[Any]]


def told(**fields: Any) -> dict[str, Any]:
    return {"run_id": uuid.uuid4(), "kind": "k", "created_at": NOW, "learned": 1, **fields}


def stages(*durations: int, **fields: Any) -> None:
    """A stage for each duration, each of a run of its own."""
    given = {"attempt": 1, "stage": "a", "outcome": "succeeded", **fields}
    add([GenerationMetric.objects.create(**told(duration_ms=duration, **given)) for duration in durations], [])


def runs(count: int, *, estimated: int = 0, held: bool = True, **fields: Any) -> None:
    """Ended runs, the first `estimated` of which were foretold 900 ms of the 1000 that they took."""
    given = {"attempts": 1, "duration_ms": 1000, "outcome": "succeeded", **fields}
    made = [RunMetric.objects.create(**told(**given)) for _ in range(count)]
    for run in made[:estimated]:
        Forecast.objects.create(
            run_id=run.run_id, kind=run.kind, created_at=NOW, from_history=True,
            elapsed_ms=0, low_ms=800, ms=900, high_ms=1100 if held else 950, true_ms=1000,
        )  # fmt: skip
    add([], made)


def address(query: str = "") -> str:
    return f"{reverse('admin:metrics_dashboard_changelist')}?{query}"


def page(client: Client, query: str = "") -> str:
    answer = client.get(address(query))
    assert answer.status_code == 200
    return answer.content.decode()


def words(text: str) -> str:
    """The words of a page, without its marks."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", text)).strip()


def panel(client: Client, slug: str, query: str = "") -> str:
    found = re.search(rf'<article[^>]* aria-labelledby="{slug}-title">.*?</article>', page(client, query), re.DOTALL)
    assert found
    return found[0]


def table(text: str) -> Table:
    """The rows of a panel's table: a name and numbers, None where there is none."""
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', text)
    return [[words(name), *map(number, re.findall(r"<td>(.*?)</td>", cells))] for name, cells in rows]


def number(text: str) -> float | str | None:
    """A cell; one that holds back a number, as it is."""
    text = unescape(text)
    return text if text.startswith("<") else None if text in ("", "–") else float(text.replace(",", ""))


def chart(text: str) -> dict[str, Any] | None:
    found = re.search(r'<script id="[^"]*" type="application/json">(.*?)</script>', text)
    return json.loads(found[1]) if found else None


def file(client: Client, slug: str, query: str = "") -> tuple[list[str], Table]:
    """The head and the rows of a CSV file."""
    answer = client.get(f"{reverse('admin:metrics_dashboard_csv', args=[slug])}?{query}")
    assert answer.status_code == 200
    head, *rows = csv.reader(io.StringIO(answer.content.decode()))
    return head, [[name, *map(number, cells)] for name, *cells in rows]


def file_name(client: Client, slug: str) -> str:
    answer = client.get(reverse("admin:metrics_dashboard_csv", args=[slug]))
    found = re.search('filename="(.*)"', answer["Content-Disposition"])
    assert found
    return found[1]
