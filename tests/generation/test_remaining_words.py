"""The time that is left, as pages without scripts tell it: in the words of `eta.js`."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from generation.templatetags.remaining import remaining
from tests.support.checkout import ROOT
from tests.support.needs import need

# Seconds at the low end, in the middle and at the high end.
RANGES = [
    (0, 0, 0), (0, 3, 5), (0, 4, 5.1), (10, 18, 25), (12, 18, 23), (0, 10, 15), (15, 15, 15), (4.9, 42, 59),
    (20, 42, 90), (48, 60, 80), (120, 150, 240), (90, 299, 301), (840, 890, 910), (1800, 3000, 3600),
    (3500, 5000, 7300),
]  # fmt: skip
SCRIPT = """
import { etaText } from './eta.mjs';
import { hear, nothingHeard, shownAt } from './remaining.mjs';
const etas = JSON.parse(process.argv[1]);
console.log(JSON.stringify(etas.map((eta) => etaText(shownAt(hear(nothingHeard(), eta, 0, true), 0)))));
"""


def eta(low: float, middle: float, high: float, basis: str) -> dict:
    return {"low_ms": low * 1000, "ms": middle * 1000, "high_ms": high * 1000, "basis": basis}


@pytest.mark.parametrize("basis", ["history", "default"])
def test_the_first_words_of_an_estimate_are_those_of_the_script(tmp_path: Path, basis: str) -> None:
    for name in ("eta", "remaining"):
        shutil.copy(ROOT / "generation" / "static" / "generation" / f"{name}.js", tmp_path / f"{name}.mjs")
    etas = [eta(*each, basis) for each in RANGES]
    command = [need("node"), "--input-type=module", "--eval", SCRIPT, json.dumps(etas)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=True)
    assert [remaining(each) for each in etas] == json.loads(done.stdout)


def test_nothing_is_said_without_an_estimate() -> None:
    assert remaining(None) == remaining({}) == ""
