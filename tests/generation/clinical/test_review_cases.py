"""Cases a clinical reviewer typed in, each read wrongly once. Source: domain.md 3.1, 3.2 and 3.4."""

from datetime import date
from typing import Any

import pytest

from generation.clinical import red_flags
from generation.clinical.scenario import parse

TODAY = date(2026, 6, 17)  # a Wednesday


def fired(text: str) -> set[tuple[str, str]]:
    flags = red_flags.screen(text, parse(text, today=TODAY))
    return {(flag.code, flag.tier.split("-")[0]) for flag in flags if flag.status == "fired"}


STOPS = [
    ("dvt_pe", "Fracture excluded on x-ray or MRI, calf swollen and hot"),
    ("cauda_equina", "Fracture excluded x-ray, saddle numbness"),
    ("dvt_pe", "Ingen feber og læggen varm og hævet"),
    # What is denied or excluded ends at its comma when the next piece is of something new.
    ("dvt_pe", "TKA right 1 week ago. Fracture excluded on x-ray yesterday, calf swollen and hot"),
    ("cauda_equina", "Low back pain 2 weeks. Fracture ruled out on x-ray, saddle numbness."),
    ("cauda_equina", "Lændesmerter. Brud udelukket på røntgen, ridebukseanæstesi"),
    ("stroke_cad", "Neck pain. Fracture excluded on CT, double vision and facial droop"),
    ("cardiac", "Knee pain. DVT excluded on ultrasound, chest pain at rest"),
    ("cauda_equina", "Low back pain. No weakness and saddle numbness developed yesterday"),
    ("cauda_equina", "Lændesmerter, ingen feber og føleløs i skridtet siden i går"),
    ("cauda_equina", "Lændesmerter. Benægter traume, ridebukseanæstesi er til stede"),
    ("cauda_equina", "Back pain, denies trauma, saddle numbness present"),
    ("dvt_pe", "TKA day 9, no fever and calf swollen and painful"),
    ("cauda_equina", "Back pain, no fever and numbness in saddle area"),
    # Bladder, bowel and saddle in everyday words.
    ("cauda_equina", "Low back pain, difficulty peeing since yesterday"),
    ("cauda_equina", "Low back pain, difficulty urinating"),
    ("cauda_equina", "Sciatica, bladder retention"),
    ("cauda_equina", "Sciatica, wetting himself"),
    ("cauda_equina", "Sciatica, has been wetting herself at night"),
    ("cauda_equina", "Back pain, numb bottom"),
    ("cauda_equina", "Back pain, numb backside since Monday"),
    ("cauda_equina", "Back pain, can't feel toilet paper when wiping"),
    ("cauda_equina", "Back pain, private parts numb"),
    ("cauda_equina", "Lændesmerter, svært ved at lade vandet"),
    ("cauda_equina", "Lændesmerter, besvær med vandladningen"),
    ("cauda_equina", "Iskias, kan ikke holde på vandet"),
    ("cauda_equina", "Iskias, kan ikke styre sin afføring"),
    ("cauda_equina", "Iskias, tisser i bukserne"),
    ("cauda_equina", "Lændesmerter, nedsat følelse omkring anus"),
    ("cauda_equina", "Lændesmerter med følelsesløshed på indersiden mellem benene"),
    ("cauda_equina", "Lændesmerter, svag i begge ben"),
    ("cauda_equina", "Lændesmerter og svaghed i begge ben"),
    ("cauda_equina", "Lændesmerter, nyopståede erektionsbesvær"),
    # Nerve and spinal cord.
    ("progressive_neuro", "Sciatica left, cannot lift foot"),
    ("progressive_neuro", "Iskias, kan ikke løfte forfoden"),
    ("progressive_neuro", "Iskias med progressiv svaghed i benet"),
    ("progressive_neuro", "Low back pain, weak ankle getting worse"),
    ("cord_myelopathy", "Neck pain, electric shocks down spine when bending the neck"),
    ("cord_myelopathy", "Neck pain, hands clumsy and stumbling when walking"),
    # Clots and heart.
    ("dvt_pe", "TKA 9 days ago, shortness of breath since yesterday"),
    ("dvt_pe", "THA 2 weeks ago, breathless since this morning"),
    ("dvt_pe", "THA 2 weeks ago, SOB since last night"),
    ("dvt_pe", "Lower leg swollen and red after flight"),
    ("dvt_pe", "TKA 10 days ago, leg swollen and warm"),
    ("dvt_pe", "Hofteprotese for 10 dage siden, hævet læg"),
    ("dvt_pe", "Lægsmerter og hævelse efter hofteoperation"),
    ("cardiac", "Shoulder pain, angina at rest"),
    ("cardiac", "Knee OA, chest discomfort when walking"),
    ("cardiac", "Skuldersmerter, det trykker for brystet"),
    # Head and neck.
    ("stroke_cad", "Neck pain and double vison"),
    ("stroke_cad", "Nakkesmerter, hovedpine værste nogensinde"),
    ("stroke_cad", "Nakkesmerter og ansigtslammelse"),
    ("stroke_cad", "Neck pain, one-sided weakness since this morning"),
    # Bones.
    ("fracture", "Fell on hand yesterday, snuffbox tender"),
    ("fracture", "Fell yesterday, hip pain, leg shortened and externally rotated"),
    ("fracture", "Faldt i går, ondt i hoften, kan ikke gå"),
    ("fracture", "Ankelforstuvning i går, kan ikke støtte på foden, ømhed over ydre malleol"),
    ("malignancy", "Known prostate cancer with spinal mets, back pain"),
    ("malignancy", "Bone metastases in femur, hip pain"),
    ("malignancy", "Knoglemetastaser, smerter i hoften"),
    ("malignancy", "Back pain, multiple myeloma"),
    # Infection, safety and age.
    ("infection", "Hot swollen knee since yesterday, no trauma"),
    ("mental_safeguard", "Chronic back pain, thinking of ending it all"),
    ("mental_safeguard", "Kroniske smerter i lænden, vil ikke leve mere"),
    ("mental_safeguard", "Skuldersmerter, bliver slået derhjemme"),
    ("child_hip", "Child 9 years knee pain"),
    ("child_hip", "Barn på 9 år med ondt i knæet"),
    ("child_hip", "My son is 7, knee pain"),
]

CAUTIONS = [
    ("malignancy", "Lændesmerter, vægttab 8 kg"),
    ("malignancy", "Night sweats, weight loss, shoulder pain"),
]

GOES_ON = [
    "Low back pain 2 weeks. Advised to go to A&E if bladder symptoms",
    "Low back pain. Neg saddle anaesthesia",
    "Low back pain. 0 saddle anaesthesia",
    "Low back pain. Red flags (saddle anaesthesia, bladder, bowel) all negative",
    "Low back pain. Red flags (saddle anaesthesia, bladder changes): negative",
    "MRI excluded cauda equina, sciatica 3 weeks",
    "GP excluded DVT and fracture, knee pain",
    "Hard to pass water bottle overhead, shoulder pain",
    "Knee pain, cannot lift foot off the floor in straight leg raise",
    "My son is 7 weeks old, low back pain",
    "Nakkesmerter, let kvalme efter ibuprofen",
    "Low back pain 2 weeks, no weight loss, no night pain, history of breast cancer 2015",
    "Low back pain, denies saddle numbness, bladder symptoms and weakness",
    "Low back pain, no fever, saddle numbness or weakness",
    "Low back pain. Excluded: fracture, saddle numbness",
    "Low back pain. No fever and no saddle numbness",
    "Low back pain. No bladder and bowel symptoms",
    "Knee OA, no chest pain and shortness of breath",
    "Ingen feber og ridebukseanæstesi, lændesmerter",
    "Has a 3-year-old son, low back pain from lifting",
    "Low back pain, looks after a child of 9 years",
    "TKA 3 weeks ago, calf not swollen or warm",
]


@pytest.mark.parametrize(("code", "text"), STOPS)
def test_an_emergency_is_seen_as_people_word_it(code: str, text: str) -> None:
    assert (code, "STOP") in fired(text)


@pytest.mark.parametrize(("code", "text"), CAUTIONS)
def test_a_weaker_sign_is_a_caution(code: str, text: str) -> None:
    assert (code, "CAUTION") in fired(text)


@pytest.mark.parametrize("text", GOES_ON)
def test_what_is_denied_or_only_advised_is_no_referral(text: str) -> None:
    assert not [code for code, tier in fired(text) if tier == "STOP"]


def test_a_cancer_of_the_past_without_its_signs_is_a_caution() -> None:
    assert ("malignancy", "CAUTION") in fired("Back pain, no weight loss, no night pain, history of breast cancer 2015")


OPERATED = [
    ("Akillesopereret for 3 uger siden", "achilles_rupture", 3),
    ("Achilles repaired 4 weeks ago", "achilles_rupture", 4),
    ("Supraspinatus syet for 4 uger siden", "rc_repair", 4),
    ("Rotator cuff repaired 3 weeks ago", "rc_repair", 3),
    ("Skulderopereret for rotator cuff ruptur for 4 uger siden", "rc_repair", 4),
    ("Had her left hip replaced 3 weeks ago", "tha", 3),
    ("Hofteopereret for 2 uger siden", "other", 2),
    ("Total hofte alloplastik for 3 uger siden", "tha", 3),
    ("Hip replaced last week", "tha", 1),
    ("ACL reconstructed 3 weeks ago", "aclr", 3),
    ("Forreste korsbånd rekonstrueret for 3 uger siden", "aclr", 3),
    ("Quadriceps tendon repair 3 weeks ago, right knee", "other", 3),
    ("Patellar tendon repair 5 weeks ago, left knee", "other", 5),
    ("PCL reconstruction 4 weeks ago, right knee", "other", 4),
    ("MPFL reconstruction 4 weeks ago, right knee", "other", 4),
    ("HTO 3 weeks ago, right knee", "other", 3),
    ("High tibial osteotomy 3 weeks ago, right knee", "other", 3),
    ("Meniscus stitched 3 weeks ago", "meniscus_repair", 3),
    ("Two weeks after total knee", "tka", 2),
    ("Diskusprolaps opereret for 3 uger siden", "discectomy", 3),
    ("Karpaltunnel opereret for 2 uger siden højre hånd", "carpal_tunnel_release", 2),
    ("Hip arthroscopy labral repair 4 weeks ago", "other", 4),
    ("Ankelopereret for 4 uger siden, højre", "other", 4),
    # Of two of one kind the latest counts.
    ("TKA right 2 years ago, TKA left 9 days ago", "tka", 9 / 7),
    ("THA left 5 years ago and THA right 3 weeks ago", "tha", 3),
    ("Knæprotese højre for 3 år siden, knæprotese venstre for 2 uger siden", "tka", 2),
    # A healed one gives way to a fresh one of another kind.
    ("THA left 5 years ago, TKA right 2 weeks ago", "tka", 2),
    ("ACLR 2 years ago, rotator cuff repair left 3 weeks ago", "rc_repair", 3),
    ("ACLR with meniscus repair 9 months ago, right knee", "aclr", 39),
    ("Rotator cuff repair 10 weeks ago, shoulder arthroscopy 4 weeks ago", "rc_repair", 10),
]


@pytest.mark.parametrize(("text", "kind", "weeks"), OPERATED)
def test_an_operation_is_seen_as_people_word_it(text: str, kind: str, weeks: float) -> None:
    surgery = parse(text, today=TODAY).surgery
    assert surgery is not None
    assert surgery["type"] == kind
    assert surgery["weeks_post_op"] == pytest.approx(weeks, abs=0.1)


READ: list[tuple[str, dict[str, Any]]] = [
    ("TKA right 2 years ago, TKA left 9 days ago", {"side": "left", "phase": "protect"}),
    ("THA left 5 years ago and THA right 3 weeks ago", {"side": "right", "phase": "protect"}),
    ("Knæprotese højre for 3 år siden, knæprotese venstre for 2 uger siden", {"side": "left"}),
    ("Hip arthroscopy labral repair 4 weeks ago", {"regions": ("hip",)}),
    # Of several durations the latest trouble sets the pace.
    ("Low back pain 8 months, distal radius fracture right 2 weeks ago", {"phase": "protect"}),
    ("Chronic low back pain 3 years. Fractured left elbow 2 weeks ago", {"phase": "restore"}),
    ("Knæsmerter i 2 år, ankelforstuvning højre for 3 dage siden", {"phase": "protect", "acuity": "acute"}),
    ("Hip OA 4 years, calf strain right 3 days ago", {"phase": "protect", "acuity": "acute"}),
    # A bone that heals comes before a trouble that lasts.
    ("Osteoporosis, vertebral compression fracture T12 8 weeks ago", {"phase": "restore"}),
    ("Osteoporose, ryghvirvelbrud for 8 uger siden", {"phase": "restore", "comorbidities": ("vertebral_fracture",)}),
    ("Osteoporose, kompressionsbrud for 8 uger siden", {"phase": "restore", "comorbidities": ("vertebral_fracture",)}),
    ("Osteoporose, brud på en ryghvirvel for 8 uger siden", {"comorbidities": ("vertebral_fracture",)}),
    # "New" of a trouble is no new joint.
    ("New knee pain 2 weeks", {"surgery": None, "regions": ("knee",)}),
    ("New hip pain 2 weeks", {"surgery": None, "regions": ("hip",)}),
    ("New onset shoulder pain 2 weeks", {"surgery": None, "regions": ("shoulder",)}),
    ("New left knee swelling 2 weeks", {"surgery": None}),
    # A hand that hurts is not the hand one writes with.
    ("OA in left hand", {"side": "left", "regions": ("wrist_hand",), "condition_tags": ("hand_oa",)}),
    ("Pain in right hand 3 weeks", {"side": "right", "regions": ("wrist_hand",)}),
    ("Right hand dominant, left wrist sprain", {"side": "left"}),
    # Falls.
    ("82-årig, faldet 3 gange", {"condition_tags": ("falls_risk",)}),
    ("82-årig, falder ofte", {"condition_tags": ("falls_risk",)}),
    ("82-årig, tendens til at falde", {"condition_tags": ("falls_risk",)}),
    ("TKA 6 weeks ago, pain since TKA, flare 2 days", {"surgery": {"type": "tka", "weeks_post_op": 6}}),
    # After the windows of an operation.
    ("ACLR 9 months ago, wants to return to football, pain 0/10", {"phase": "perform"}),
    ("ACLR 9 months ago, pain 2/10", {"phase": "load"}),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_a_case_is_read_as_it_is_meant(text: str, expected: dict[str, Any]) -> None:
    profile = parse(text, today=TODAY)
    assert {name: getattr(profile, name) for name in expected} == expected


@pytest.mark.parametrize(
    "text",
    [
        "ACLR 3 weeks ago right knee, patellar tendon graft", "ACLR BTB graft wk 3", "ACLR with allograft 3 weeks ago",
        "ACLR with quad tendon graft 3 weeks ago", "ACL rekonstruktion for 3 uger siden med patellasenegraft",
        "korsbåndsrekonstruktion for 3 uger siden, graft fra quadricepssenen",
    ],
)  # fmt: skip
def test_a_graft_from_elsewhere_is_read(text):
    assert "other_graft" in {limit["code"] for limit in parse(text).restrictions}
