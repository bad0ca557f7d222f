"""What a person must not do never reaches them. Source: domain.md 2.5."""

import json

import pytest

from generation.clinical import library, selection
from generation.clinical.constraints import ALL, assumed, constraints_for, first_excluding, label
from generation.clinical.data_files import read
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
        ("ACLR day 9", "seated-knee-flexion-slide", "acl_flexion_early"),
        ("ACLR wk 3, FWB", "long-arc-quad", "acl_open_chain_early"),
        ("ACLR wk 5, FWB", "long-arc-quad", None),
        ("meniscus repair wk 3", "seated-knee-flexion-slide", "meniscus_repair_early"),
        ("lumbar discectomy wk 3", "prone-press-up", "spinal_surgery_early"),
        ("lumbar fusion wk 8", "pelvic-tilt-supine", "spinal_fusion_early"),
        ("left shoulder replacement wk 9", "wall-push-up", "shoulder_arthroplasty_no_strength"),
        ("Bankart repair wk 3", "table-slide-flexion", "bankart_early"),
        ("left shoulder pain in a sling", "band-row", "arm_in_sling"),
        ("knee pain right, brace locked", "heel-slide-supine", "brace_locked"),
        ("low back pain, no twisting", "lower-trunk-rotation", "no_twist"),
        ("right shoulder pain, no overhead work", "scaption-raise", "no_overhead"),
        ("BPPV diagnosed", "brandt-daroff", None),
        ("neck pain, vertigo", "gaze-stabilisation-vorx1", "vertigo"),
        ("pelvic girdle pain, 20 weeks pregnant", "standing-hip-abduction", "pelvic_girdle"),
        ("anterior approach THA wk 3, no hip precautions", "standing-hip-extension", None),
        ("anterior approach THA wk 3", "standing-hip-extension", "hip_prec_anterior"),
        ("THA lateral precautions wk 3", "standing-hip-abduction", "hip_prec_lateral"),
        ("THA wk 3", "single-knee-to-chest", "hip_prec_posterior"),
        ("THA wk 20, hip precautions", "single-knee-to-chest", "hip_prec_posterior"),
        ("cast on left wrist, distal radius fracture 3 weeks ago", "wrist-flexion-extension-arom", "wrist_immobilised"),
        ("cast on left wrist, distal radius fracture 3 weeks ago", "elbow-flexion-extension-arom", None),
        ("håndledsbrud for 3 uger siden, i gips", "pronation-supination-arom", "wrist_immobilised"),
        ("distal radius fracture 3 weeks ago", "wrist-flexion-extension-arom", "wrist_immobilised"),
        ("distal radius fracture 3 weeks ago", "thumb-opposition", None),
        ("distal radius fracture 3 weeks ago, cast off", "wrist-flexion-extension-arom", None),
        ("distal radius fracture 4 weeks ago, cast off", "wrist-flexor-stretch", "nwb_upper"),
        ("distal radius fracture 4 weeks ago, cast off", "wrist-flexion-curl", "nwb_upper"),
        ("distal radius fracture 8 weeks ago", "wrist-flexion-curl", None),
        ("distal radius ORIF 2 weeks ago", "wall-push-up", "nwb_upper"),
        ("tibial plateau fracture 2 weeks, above-knee cast", "ankle-pumps", "ankle_immobilised"),
        ("forearm plaster cast left, fracture 2 weeks", "wrist-flexion-extension-arom", "wrist_immobilised"),
        ("finger fracture 2 weeks ago", "tendon-glides", "hand_fracture"),
        ("finger fracture 2 weeks ago", "wrist-flexion-extension-arom", "wrist_immobilised"),
        ("metatarsal fracture 3 weeks, FWB", "ankle-alphabet", "ankle_immobilised"),
        ("broken ankle, 4 weeks, cast removed, FWB", "ankle-pumps", None),
        ("broken ankle, 4 weeks, cast removed, FWB", "soleus-wall-stretch", "ankle_fracture_early"),
        ("left shoulder immobilised, 2 weeks", "scaption-raise", "arm_in_sling"),
        ("TKA wk 3, PWB 30 %, bathroom scale taught", "bridge", None),
        ("ACLR and meniscus repair wk 4, FWB", "seated-knee-flexion-slide", "meniscus_repair_early"),
        ("meniscus repair wk 4, FWB", "heel-dig-hamstring-set", "meniscus_repair_early"),
        ("ACLR hamstring graft wk 3, FWB", "low-resistance-cycling", "acl_hamstring_flexion"),
        ("ACLR hamstring graft wk 5, FWB", "low-resistance-cycling", None),
        ("neck pain, carotid stenosis", "neck-rotation-arom", "vertigo"),
        ("lumbar discectomy wk 8", "prone-press-up", "spinal_surgery_extension"),
        ("lumbar fusion wk 15", "prone-press-up", "spinal_surgery_early"),
        ("lumbar discectomy wk 14", "prone-press-up", None),
        ("SLAP repair right week 4", "table-slide-flexion", "bankart_early"),
        ("SLAP repair right week 8", "biceps-curl", "biceps_repair_no_strength"),
        ("distal biceps repair week 4", "elbow-flexion-extension-arom", "biceps_repair_early"),
        ("distal biceps repair week 8", "biceps-curl", "biceps_repair_no_strength"),
        ("distal biceps repair week 8", "elbow-flexion-extension-arom", None),
        ("distal biceps repair week 14", "biceps-curl", None),
        ("ACDF week 8", "chin-tuck-seated", "neck_surgery_early"),
        ("ACLR wk 3, FWB", "standing-hamstring-curl", "acl_hamstring_graft"),
        ("ACLR wk 3, FWB", "low-resistance-cycling", "acl_hamstring_flexion"),
        ("ACLR wk 14, FWB", "standing-hamstring-curl", None),
        ("right shoulder operation 8 weeks ago, synovectomy", "band-er", "other_surgery_unproven"),
        ("right shoulder operation 14 weeks ago, synovectomy", "band-er", None),
        ("right knee operation, synovectomy", "heel-dig-hamstring-set", "other_surgery_unproven"),
        ("dizziness 3 weeks", "brandt-daroff", "vertigo"),
        ("dizziness 3 weeks", "gaze-stabilisation-vorx1", "vertigo"),
        ("vestibular neuritis 3 weeks", "gaze-stabilisation-vorx1", None),
        ("rib fracture 3 weeks, back pain", "lower-trunk-rotation", "fracture_healing"),
        ("rib fracture 3 weeks, back pain", "prone-press-up", "fracture_healing"),
        ("patella fracture 4 weeks", "long-arc-quad", "knee_fracture"),
        ("patella fracture 8 weeks", "long-arc-quad", None),
        ("left wrist in cast, right knee pain 3 months", "ankle-pumps", None),
        ("left wrist in cast, right knee pain 3 months", "wrist-flexion-extension-arom", "wrist_immobilised"),
    ],
)
def test_an_exercise_is_excluded_for_its_reason(text, slug, code):
    assert excluded(text, slug) == code


@pytest.mark.parametrize("limits", [("hamstring_graft",), ("other_graft",), ()])
def test_a_graft_that_was_not_stated_is_taken_to_be_of_the_hamstrings(limits):
    stated = tuple({"code": code, "value": None, "source_text": ""} for code in limits)
    person = Profile(
        regions=("knee",), surgery={"type": "aclr", "weeks_post_op": 3}, wb_status="FWB", restrictions=stated
    )
    switched_on = {constraint.code for constraint in constraints_for(person)}
    both = {"acl_hamstring_graft", "acl_hamstring_flexion"}
    assert both & switched_on == (set() if limits == ("other_graft",) else both)
    assert ("graft" in assumed(person)) is (limits == ())


def test_an_assumed_graft_is_told():
    assert any("hamstring graft assumed" in line for line in parse("right ACLR wk 3, FWB").assumptions)


@pytest.mark.parametrize(
    ("words", "held", "free"),
    [
        ("cast on the left wrist", "wrist_immobilised", "joint_in_cast"),
        ("knee in a cast", "joint_in_cast", "wrist_immobilised"),
    ],
)
def test_a_cast_holds_the_joint_that_its_own_words_name(words, held, free):
    cast = {"code": "cast", "value": None, "source_text": words}
    person = Profile(regions=("knee", "wrist_hand"), restrictions=(cast,))
    switched_on = {constraint.code for constraint in constraints_for(person)}
    assert held in switched_on
    assert free not in switched_on


def test_every_forbidden_demand_is_in_the_vocabulary():
    demands = set(read("exercise.schema")["properties"]["demands"]["items"]["enum"])
    assert {demand for entry in read("constraints") for demand in entry["forbids"]} <= demands


def test_exclusions_are_counted_by_reason():
    profile = parse("left ankle ORIF NWB wk 2")
    offer = selection.offer(EXERCISES, profile, constraints_for(profile))
    assert offer.excluded["nwb_lower"] > 5
    assert sum(offer.excluded.values()) + len(offer.candidates) == offer.in_region


# The library ships no jump; a clinic's own may.
JUMP = {**BY_SLUG["single-heel-raise"], "slug": "hop", "demands": ["wb_full", "impact"], "purposes": ["power"]}


@pytest.mark.parametrize("code", [code for code in ALL if code != "impact_not_cleared"])
def test_every_constraint_excludes_something_and_leaves_something(code):
    excluded_by = [ALL[code].excludes(exercise) for exercise in EXERCISES]
    assert any(excluded_by)
    assert not all(excluded_by)


@pytest.mark.parametrize(("text", "code"), [("knee pain", "impact_not_cleared"), ("knee pain, cleared to hop", None)])
def test_a_jump_waits_until_it_is_cleared(text, code):
    constraint = first_excluding(constraints_for(parse(text)), JUMP)
    assert (constraint.code if constraint else None) == code


def test_every_constraint_has_its_words_in_both_languages():
    for entry in read("constraints"):
        assert label(entry["code"], "en") == entry["label"]["en"]
        assert label(entry["code"], "da") == entry["label"]["da"]
        assert entry["label"]["en"] != entry["label"]["da"]


@pytest.mark.parametrize(
    ("code", "en", "da"),
    [
        ("hip_prec_posterior", "hip precautions", "hofterestriktioner"),
        ("phase", "not for this phase", "ikke til denne fase"),
        ("made_up", "made up", "made up"),
    ],
)
def test_what_keeps_exercises_out_has_words(code, en, da):
    assert (label(code, "en"), label(code, "da")) == (en, da)


def test_every_restriction_a_person_can_state_has_an_effect():
    used = json.dumps([read("constraints"), read("doses"), read("advice")])
    # These say what is allowed, count minutes, weight or weeks, or make the choice another one.
    elsewhere = {"time_budget", "pwb_percent", "pregnancy_weeks", "general_conditioning_ok", "cannot_stand_long"}
    for code in set(read("terms")["restrictions"]) - elsewhere:
        assert f'"restriction:{code}"' in used, code


def test_every_operation_has_its_limits():
    used = json.dumps(read("constraints"))
    # Weight bearing and falls limit a hip fracture; a new knee may do what it can.
    for entry in read("surgeries"):
        assert f'"surgery:{entry["type"]}"' in used or entry["type"] in ("tka", "hip_fracture"), entry["type"]


def test_every_variation_group_that_is_named_exists():
    groups = {exercise["variation_group"] for exercise in EXERCISES}
    assert {group for entry in read("constraints") for group in entry.get("forbids_groups", ())} <= groups
    assert {group for entry in read("doses")["ranges"] for group in entry["groups"]} <= groups


def test_with_one_hand_what_needs_two_is_left_out():
    profile = parse("left shoulder pain, in a sling, has a band, 5 weeks")
    offer = selection.offer(EXERCISES, profile, [])
    assert offer.excluded["laterality"] >= 1
    assert "band-row" not in {exercise["slug"] for exercise in offer.candidates}
