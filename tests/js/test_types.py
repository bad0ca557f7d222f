"""The browser's modules are plain JavaScript; their JSDoc types are checked all the same."""

import subprocess

from tests.support.checkout import ROOT
from tests.support.needs import need

MODULES = sorted(module for app in ("generation", "metrics") for module in (ROOT / app / "static" / app).glob("*.js"))
OPTIONS = (
    "--noEmit --allowJs --checkJs --strict --target es2022 --module es2022 --moduleResolution node "
    "--lib es2022,dom,dom.iterable"
).split()


def test_the_types_hold() -> None:
    done = subprocess.run([need("tsc"), *OPTIONS, *MODULES], capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout
