"""The 33 fixed scenarios of domain.md 3.6, from text to program."""

import pytest

from generation.pipelines import exercise_program
from tests.generation.pipelines.handle import MemoryRun

# Scenario, language, phase, slugs that must be in, slugs that must not.
PROGRAMS = [
    ("Knee OA 68 y pain 4", "en", "maintain", {"sit-to-stand-no-hands", "tandem-stance"}, {"forward-lunge"}),
    (
        "TKA day 10 WBAT",
        "en",
        "protect",
        {"ankle-pumps", "quad-set", "heel-slide-supine", "heel-prop-extension", "sit-to-stand-with-hands"},
        {"step-up-forward"},
    ),
    (
        "ACLR hamstring graft wk 3, FWB",
        "en",
        "restore",
        {"heel-slide-supine", "supported-mini-squat"},
        {"standing-hamstring-curl", "hamstring-strap-stretch", "split-squat", "long-arc-quad"},
    ),
    ("PFP runner, left knee, 8 weeks, pain 3/10", "en", "load", {"single-leg-mini-squat", "single-leg-bridge"}, set()),
    (
        "acute LBP 4 days 7/10 no red flags",
        "en",
        "protect",
        {"pelvic-tilt-supine", "lower-trunk-rotation"},
        {"dead-bug"},
    ),
    ("LBP 3 weeks 4/10, denies saddle numbness", "en", "restore", {"cat-camel", "bridge"}, {"dead-bug"}),
    (
        "sciatica irritable, 3 weeks, 6/10",
        "en",
        "protect",
        {"transversus-activation", "prone-on-elbows"},
        {"straight-leg-raise", "sciatic-nerve-slider-seated"},
    ),
    ("neck pain desk worker 3 months", "en", "maintain", {"deep-neck-flexor-head-lift-hold", "wall-angel"}, set()),
    ("whiplash 2 wk", "en", "restore", {"deep-neck-flexor-nod-supine", "neck-rotation-arom"}, {"wall-angel"}),
    ("frozen shoulder 4 mo, pain 5/10", "en", "maintain", {"wall-walk", "scaption-raise"}, {"pendulum"}),
    (
        "RC repair wk 4 in sling",
        "en",
        "protect",
        {"pendulum", "elbow-flexion-extension-arom", "grip-squeeze", "scapular-setting-seated"},
        {"table-slide-flexion", "isometric-er-at-wall"},
    ),
    ("RC tendinopathy 8 weeks, pain 4/10, has bands", "en", "load", {"band-er", "scaption-raise"}, {"pendulum"}),
    ("tennis elbow 3 mo", "en", "maintain", {"eccentric-wrist-extension"}, set()),
    (
        "distal radius cast off 1 wk",
        "en",
        "restore",
        {"wrist-flexion-extension-arom", "pronation-supination-arom", "grip-squeeze"},
        {"wrist-flexion-curl", "wall-push-up"},
    ),
    (
        "THA posterior wk 2",
        "en",
        "protect",
        {"ankle-pumps", "glute-set", "quad-set"},
        {"single-knee-to-chest", "sit-to-stand-with-hands"},
    ),
    (
        "GTPS right, 6 months, 4/10",
        "en",
        "maintain",
        {"side-lying-hip-abduction", "bridge"},
        {"lower-trunk-rotation"},
    ),
    ("ankle sprain 5 days PWB", "en", "protect", {"ankle-pumps", "ankle-alphabet"}, {"single-leg-stance"}),
    (
        "Achilles tendinopathy 4 months 4/10, has stairs",
        "en",
        "maintain",
        {"heel-drop-straight-knee", "heel-drop-bent-knee"},
        set(),
    ),
    ("ankle ORIF NWB wk 2", "en", "protect", {"quad-set", "glute-set"}, {"ankle-alphabet", "double-heel-raise"}),
    ("plantar heel pain 5 weeks, 4/10", "en", "restore", {"plantar-fascia-stretch", "short-foot"}, set()),
    (
        "falls risk 82 y with osteoporosis",
        "en",
        "maintain",
        {"sit-to-stand-no-hands", "feet-together-stance"},
        {"tandem-stance", "lower-trunk-rotation"},
    ),
    (
        "pregnancy 28 wk pelvic girdle pain",
        "en",
        "restore",
        {"clamshell", "adductor-ball-squeeze", "pelvic-floor-slow-holds"},
        {"bridge", "pelvic-tilt-supine", "single-leg-stance"},
    ),
    (
        "68-årig kvinde, højre knæ, slidgigt, smerter 4/10",
        "da",
        "maintain",
        {"sit-to-stand-no-hands"},
        {"forward-lunge"},
    ),
    ("ondt i lænden 4 dage, 7/10, ingen ridebukseanæstesi", "da", "protect", {"pelvic-tilt-supine"}, {"dead-bug"}),
    ("frossen skulder 4 måneder, smerter 5/10", "da", "maintain", {"wall-walk"}, {"pendulum"}),
    ("knæalloplastik for 10 dage siden, venstre", "da", "protect", {"quad-set"}, {"step-up-forward"}),
    ("faldtendens, 82 år", "da", "maintain", {"sit-to-stand-no-hands"}, {"tandem-stance"}),
]
# Scenario, language, outcome, code of the flag.
OTHERS = [
    ("LBP and saddle numbness", "en", "referral", "cauda_equina"),
    ("TKA day 12, calf swelling", "en", "referral", "dvt_pe"),
    ("12-year-old with a limp and hip pain", "en", "referral", "child_hip"),
    ("lændesmerter og urinretention", "da", "referral", "cauda_equina"),
    ("asdf jkl qwerty uiop zxcvb", "en", "insufficient_info", None),
]


@pytest.mark.parametrize(
    ("prompt", "language", "phase", "within", "without"), PROGRAMS, ids=[prompt for prompt, *_ in PROGRAMS]
)
async def test_a_scenario_gets_its_program(prompt, language, phase, within, without):
    result = await exercise_program.execute(MemoryRun(prompt, language))
    assert result["outcome"] == "program"
    items = result["program"]["items"]
    slugs = {item["slug"] for item in items}
    assert result["profile"]["phase"] == phase
    assert within <= slugs
    assert not without & slugs
    assert 4 <= len(slugs) <= 8
    assert result["program"]["findings"] == []
    assert len({item["reason"] for item in items}) == len(items)


@pytest.mark.parametrize(("prompt", "language", "outcome", "code"), OTHERS)
async def test_a_scenario_gets_no_program(prompt, language, outcome, code):
    result = await exercise_program.execute(MemoryRun(prompt, language))
    assert result["outcome"] == outcome
    assert result["program"] is None
    assert (result["referral"] or {"code": None})["code"] == code


def test_they_are_all_here():
    """With the 19 characters that the API refuses, which its own tests send."""
    assert len(PROGRAMS) + len(OTHERS) + 1 == 33
