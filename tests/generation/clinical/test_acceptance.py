"""The fixed scenarios of domain.md 3.6, as far as the library reaches."""

import pytest

from generation.pipelines import exercise_program
from tests.generation.pipelines.handle import MemoryRun

PROGRAMS = [
    ("Knee OA 68 y pain 4", "maintain", {"sit-to-stand-no-hands"}, set()),
    ("TKA day 10 WBAT", "protect", {"quad-set", "heel-slide-supine"}, {"step-up-forward"}),
    ("ACLR hamstring graft wk 3, FWB", "restore", {"heel-slide-supine"}, {"standing-hamstring-curl", "split-squat"}),
    ("PFP runner, left knee, 8 weeks, pain 3/10", "load", {"side-lying-hip-abduction"}, set()),
    ("acute LBP 4 days 7/10 no red flags", "protect", {"pelvic-tilt-supine"}, {"dead-bug"}),
    ("LBP 3 weeks 4/10, denies saddle numbness", "restore", {"bridge"}, set()),
    ("sciatica irritable, 3 weeks, 6/10", "protect", {"transversus-activation"}, {"straight-leg-raise"}),
    ("frozen shoulder 4 mo, pain 5/10", "maintain", {"wall-walk"}, set()),
    ("RC repair wk 4 in sling", "protect", {"pendulum"}, {"table-slide-flexion", "isometric-er-at-wall"}),
    ("RC tendinopathy 8 weeks, pain 4/10, has bands", "load", {"band-er"}, set()),
    (
        "THA posterior wk 2",
        "protect",
        {"ankle-pumps", "glute-set"},
        {"single-knee-to-chest", "sit-to-stand-with-hands"},
    ),
    ("GTPS right, 6 months, 4/10", "maintain", {"side-lying-hip-abduction"}, set()),
    ("ankle sprain 5 days PWB", "protect", {"ankle-pumps", "ankle-alphabet"}, {"single-leg-stance"}),
    ("Achilles tendinopathy 4 months 4/10, has stairs", "maintain", {"single-heel-raise"}, set()),
    ("ankle ORIF NWB wk 2", "protect", {"quad-set"}, {"ankle-alphabet", "double-heel-raise"}),
    ("plantar heel pain 5 weeks, 4/10", "restore", {"plantar-fascia-stretch"}, set()),
    ("falls risk 82 y with osteoporosis", "maintain", {"sit-to-stand-no-hands"}, {"tandem-stance"}),
    ("pregnancy 28 wk pelvic girdle pain", "restore", {"clamshell"}, {"bridge", "pelvic-tilt-supine"}),
    ("68-årig kvinde, højre knæ, slidgigt, smerter 4/10", "maintain", {"sit-to-stand-no-hands"}, set()),
    ("ondt i lænden 4 dage, 7/10, ingen ridebukseanæstesi", "protect", {"pelvic-tilt-supine"}, set()),
    ("frossen skulder 4 måneder, smerter 5/10", "maintain", {"wall-walk"}, set()),
    ("knæalloplastik for 10 dage siden, venstre", "protect", {"quad-set"}, {"step-up-forward"}),
    ("faldtendens, 82 år", "maintain", {"sit-to-stand-no-hands"}, {"tandem-stance"}),
]
OTHERS = [
    ("LBP and saddle numbness", "referral", "cauda_equina"),
    ("TKA day 12, calf swelling", "referral", "dvt_pe"),
    ("12-year-old with a limp and hip pain", "referral", "child_hip"),
    ("lændesmerter og urinretention", "referral", "cauda_equina"),
    ("asdf jkl qwerty uiop zxcvb", "insufficient_info", None),
    ("neck pain desk worker 3 months", "insufficient_info", None),
    ("whiplash 2 wk", "insufficient_info", None),
    ("tennis elbow 3 mo", "insufficient_info", None),
    ("distal radius cast off 1 wk", "insufficient_info", None),
]


@pytest.mark.parametrize(("prompt", "phase", "within", "without"), PROGRAMS)
async def test_a_scenario_gets_its_program(prompt, phase, within, without):
    result = await exercise_program.execute(MemoryRun(prompt))
    assert result["outcome"] == "program"
    slugs = {item["slug"] for item in result["program"]["items"]}
    assert result["profile"]["phase"] == phase
    assert within <= slugs
    assert not without & slugs
    assert 4 <= len(slugs) <= 8
    assert not [finding for finding in result["program"]["findings"] if finding["severity"] == "error"]


@pytest.mark.parametrize(("prompt", "outcome", "code"), OTHERS)
async def test_a_scenario_gets_no_program(prompt, outcome, code):
    result = await exercise_program.execute(MemoryRun(prompt))
    assert result["outcome"] == outcome
    assert (result["referral"] or {"code": None})["code"] == code
