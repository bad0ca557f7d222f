"""What works on one machine only has no place in the checkout: registries, and paths of a machine."""

import re
from pathlib import Path

import pytest

from tests.support.checkout import ROOT, files

# In halves, so that this file does not name them either.
FORBIDDEN = re.compile(
    "|".join(
        [
            r"\bpypi\." + "org",
            "python" + r"hosted\.org",
            r"registry\.npm" + r"js\.org",
            # The command in README that keeps such addresses out of the lock may stay.
            "(?<!no-emit-)index" + "-url",
            "(?<!no-emit-)find" + "-links",
            "(?<![\\w.])/" + "work/",
            "/tmp/" + "w/",
            "(?<![\\w.])/" + "root/",
            "/opt/" + "pypi",
        ]
    )
)


def text_of(path: Path) -> str:
    try:
        return (ROOT / path).read_text()
    except UnicodeDecodeError:
        return ""


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = [
        f"{path}:{number}: {line.strip()[:120]}"
        for path in files()
        for number, line in enumerate(text_of(path).splitlines(), start=1)
        if FORBIDDEN.search(line)
    ]
    assert not found


def test_the_lock_holds_nothing_but_pins_hashes_and_why() -> None:
    lock = ROOT / "requirements.lock"
    if not lock.exists():
        pytest.fail("requirements.lock is missing")
    pin = r"[a-z0-9][a-z0-9.-]*==[^ ]+( ; [^@/]+)?( \\)?"
    digest = r" {4}--hash=sha256:[0-9a-f]{64}( \\)?"
    why = r" {4}#.*"
    assert not [line for line in lock.read_text().splitlines() if not re.fullmatch(f"{pin}|{digest}|{why}", line)]
