"""The tests of the browser's modules, which Node runs."""

import subprocess
from pathlib import Path

from tests.support.needs import need

HERE = Path(__file__).parent
FILES = sorted(HERE.glob("*.test.mjs"))


def test_the_modules_pass_their_own_tests() -> None:
    # Named one by one: what Node makes of a folder differs between its versions.
    command = [need("node"), "--test", "--test-reporter=tap", *FILES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    assert "# fail 0" in done.stdout
