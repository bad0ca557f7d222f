"""The clinical data files, read once per process."""

import json
from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


@cache
def read(name: str) -> Any:
    """The parsed `data/<name>.json`; callers share the object and must not change it."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def phrases(language: str) -> dict[str, Any]:
    texts: dict[str, Any] = read("phrases")[language if language in ("en", "da") else "en"]
    return texts
