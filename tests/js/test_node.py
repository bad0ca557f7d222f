"""The tests of the browser's modules, which Node runs."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.needs import need

MODULES = Path("generation/static/generation")
TESTS = Path("tests/js")


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    """A copy that is marked as ES modules: Node before 20.19 takes a bare `.js` for CommonJS, browsers never do."""
    for folder in (MODULES, TESTS):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def test_the_modules_pass_their_own_tests(modules: Path) -> None:
    # Named one by one: what Node makes of a folder differs between its versions.
    files = sorted((modules / TESTS).glob("*.test.mjs"))
    command = [need("node"), "--test", "--test-reporter=tap", *files]
    done = subprocess.run(command, cwd=modules, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
