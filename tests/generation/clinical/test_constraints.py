"""What a person must not do never reaches them. Source: domain.md 2.5."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.clinical import library, selection
from generation.clinical.constraints import constraints_for, first_excluding
from generation.clinical.data_files import read
from generation.clinical.phase import PHASES
from generation.clinical.profile import Profile
from generation.clinical.scenario import parse

EXERCISES = library.load().exercises
BY_SLUG = {exercise["slug"]: exercise for exercise in EXERCISES}


def excluded(text: str, slug: str) -> str | None:
    constraint = first_excluding(constraints_for(parse(text)), BY_SLUG[slug])
    return constraint.code if constraint else None


@pytest.mark.parametrize(
    ("text", "slug", "code"),
    [
        ("ankle ORIF NWB wk 7", "double-heel-raise", "nwb_lower"),
        ("ankle ORIF NWB wk 7", "bridge", "nwb_lower"),
        ("TKA wk 3, PWB", "sit-to-stand-with-hands", "pwb"),
        ("TKA wk 3, PWB", "bridge", "pwb_low"),
        ("TKA wk 3, PWB 60 %", "bridge", None),
        ("TKA wk 3, WBAT", "sit-to-stand-with-hands", None),
        ("THA posterior wk 2, WBAT", "single-knee-to-chest", "hip_prec_posterior"),
        ("THA posterior wk 2, WBAT", "sit-to-stand-from-raised-seat", None),
        ("hip replacement wk 20, WBAT", "single-knee-to-chest", None),
        ("RC repair wk 4 in sling", "table-slide-flexion", "rc_repair_early"),
        ("RC repair wk 4 in sling", "pendulum", None),
        ("RC repair wk 7", "table-slide-flexion", None),
        ("RC repair wk 7", "supine-active-flexion", "rc_repair_no_active"),
        ("RC repair wk 10", "supine-active-flexion", None),
        ("RC repair wk 10", "band-er", "rc_repair_no_strength"),
        ("RC repair wk 10, massive tear", "supine-active-flexion", "rc_repair_no_active"),
        ("rotator cuff repair", "wall-walk", "rc_repair_early"),
        ("ACLR hamstring graft wk 3 FWB", "standing-hamstring-curl", "acl_hamstring_graft"),
        ("achilles rupture wk 4, FWB", "seated-towel-dorsiflexion-stretch", "achilles_early"),
        ("insertional achilles tendinopathy", "heel-drop-straight-knee", "achilles_insertional"),
        ("osteoporosis and low back pain", "lower-trunk-rotation", "osteoporosis"),
        ("osteoporosis and low back pain", "bridge", None),
        ("lumbar discectomy wk 3", "single-knee-to-chest", "spinal_surgery_early"),
        ("sciatica 3 weeks 7/10", "straight-leg-raise", "radiculopathy_irritable"),
        ("sciatica 3 weeks 3/10", "straight-leg-raise", None),
        ("spinal stenosis", "prone-press-up", "extension_sensitive"),
        ("28 weeks pregnant, pelvic girdle pain", "bridge", "pregnancy_t2_t3"),
        ("8 weeks pregnant, low back pain", "bridge", None),
        ("knee OA, uncontrolled hypertension", "wall-sit", "cardiovascular"),
        ("82 yo, knee OA", "tandem-stance", "falls_risk"),
        ("82 yo, knee OA", "feet-together-stance", None),
        ("82 yo, knee OA", "side-lying-hip-abduction", "falls_risk_floor"),
        ("82 yo, knee OA, can get up from the floor", "side-lying-hip-abduction", None),
        ("low back pain, cannot kneel", "cat-camel", "cannot_kneel"),
        ("low back pain, no prone", "prone-press-up", "no_prone"),
        ("knee pain, no flexion past 90", "low-resistance-cycling", "knee_flexion_limit"),
        ("low back pain, inguinal hernia", "dead-bug", "abdominal_wall"),
        ("hypermobile, knee pain", "hamstring-strap-stretch", "hypermobility"),
    ],
)
def test_an_exercise_is_excluded_for_its_reason(text, slug, code):
    assert excluded(text, slug) == code


def test_every_forbidden_demand_is_in_the_vocabulary():
    demands = set(read("exercise.schema")["properties"]["demands"]["items"]["enum"])
    assert {demand for entry in read("constraints") for demand in entry["forbids"]} <= demands


def test_exclusions_are_counted_by_reason():
    profile = parse("left ankle ORIF NWB wk 2")
    offer = selection.offer(EXERCISES, profile, constraints_for(profile))
    assert offer.excluded["nwb_lower"] > 5
    assert sum(offer.excluded.values()) + len(offer.candidates) == offer.in_region


conditions = [entry["tag"] for entry in read("conditions")] + [f"after_{s['type']}" for s in read("surgeries")]
regions = list(read("quotas")["neighbours"])
restrictions = [*read("terms")["restrictions"], "flexion_limit", "er_limit", "bp_high"]
profiles = st.builds(
    Profile,
    regions=st.lists(st.sampled_from(regions), min_size=1, max_size=2, unique=True).map(tuple),
    side=st.sampled_from(["left", "right", "both", "unknown"]),
    condition_tags=st.lists(st.sampled_from(conditions), max_size=3, unique=True).map(tuple),
    phase=st.sampled_from(PHASES),
    pain_now=st.none() | st.integers(0, 10),
    irritability=st.sampled_from(["low", "mod", "high"]),
    age=st.none() | st.integers(16, 90),
    pregnant=st.booleans(),
    comorbidities=st.lists(st.sampled_from(list(read("terms")["comorbidities"])), max_size=2, unique=True).map(tuple),
    restrictions=st.lists(st.sampled_from(restrictions), max_size=3, unique=True).map(
        lambda codes: tuple({"code": code, "value": 90, "source_text": ""} for code in codes)
    ),
    surgery=st.none()
    | st.builds(
        lambda kind, weeks: {"type": kind, "weeks_post_op": weeks},
        st.sampled_from([s["type"] for s in read("surgeries")]),
        st.none() | st.integers(0, 30),
    ),
    wb_status=st.sampled_from([None, "NWB", "TTWB", "PWB", "WBAT", "FWB"]),
    equipment_available=st.lists(st.sampled_from(list(read("terms")["equipment"])), max_size=3).map(tuple),
    goals=st.lists(st.sampled_from([goal["code"] for goal in read("goals")]), max_size=2, unique=True).map(tuple),
)


@settings(max_examples=300, deadline=None)
@given(profiles)
def test_no_plan_for_anyone_holds_a_forbidden_demand(profile):
    limits = constraints_for(profile)
    forbidden = set().union(*(limit.forbids for limit in limits))
    picks = selection.plan(selection.offer(EXERCISES, profile, limits).candidates, profile)
    for pick in picks:
        assert not forbidden & set(pick.exercise["demands"])
        assert pick.exercise["level"] <= selection.level_cap(profile)
    groups = [pick.exercise["variation_group"] for pick in picks]
    assert len(groups) == len(set(groups))
    assert len(picks) <= selection.MAX_ITEMS
