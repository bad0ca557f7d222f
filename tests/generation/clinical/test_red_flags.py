"""Each red flag fires when it is said and stays quiet when it is denied. Source: domain.md 3.2."""

import pytest

from generation.clinical import red_flags
from generation.clinical.scenario import parse


def statuses(text: str) -> dict[str, str]:
    return {flag.code: flag.status for flag in red_flags.screen(text, parse(text))}


def tier(text: str, code: str) -> str | None:
    flags = red_flags.screen(text, parse(text))
    return next((flag.tier for flag in flags if flag.code == code and flag.status == "fired"), None)


FIRES = [
    ("cauda_equina", "LBP with saddle numbness"),
    ("cauda_equina", "back pain, new bladder dysfunction"),
    ("cauda_equina", "lændesmerter og ridebukseanæstesi"),
    ("cauda_equina", "back pain and urinary retention since Monday"),
    ("cauda_equina", "back pain, incontinent of urine since Monday"),
    ("cauda_equina", "low back pain, lost control of bladder"),
    ("cauda_equina", "no pain at rest, pins and needles in saddle area, LBP"),
    ("dvt_pe", "TKA day 9, sudden onset shortness of breath"),
    ("fracture", "ankle sprain 2 days ago, cannot weight bear"),
    ("cord_myelopathy", "neck pain, hyperreflexia in both arms"),
    ("cord_myelopathy", "neck pain with gait clumsiness and clumsy hands"),
    ("progressive_neuro", "sciatica with worsening leg weakness"),
    ("progressive_neuro", "LBP and new foot drop"),
    ("progressive_neuro", "ankle dorsiflexion MRC 3"),
    ("fracture", "ankle pain, ?fracture"),
    ("fracture", "rolled ankle, unable to weight bear"),
    ("fracture", "faldt i går, mistanke om brud i håndled"),
    ("infection", "swollen hot knee and fever since yesterday"),
    ("infection", "feber og varmt hævet knæ"),
    ("dvt_pe", "TKA day 9, calf swelling"),
    ("dvt_pe", "calf pain and warm to touch"),
    ("dvt_pe", "mistanke om blodprop i benet"),
    ("cardiac", "knee OA, chest pain on exertion"),
    ("cardiac", "skuldersmerter og brystsmerter"),
    ("stroke_cad", "neck pain with double vision"),
    ("stroke_cad", "neck pain, facial droop this morning"),
    ("malignancy", "history of breast cancer, new unexplained back pain"),
    ("malignancy", "shoulder pain and unexplained weight loss"),
    ("inflammatory", "back pain with morning stiffness > 60 min"),
    ("compartment_limb", "pain out of proportion and tense calf"),
    ("child_hip", "12-year-old with a limp"),
    ("child_hip", "child with hip pain and limp"),
    ("surgical_fail", "ACLR wk 5, felt a pop and can't straighten"),
    ("surgical_fail", "knee replacement, wound dehiscence"),
    ("mental_safeguard", "chronic LBP, feels suicidal"),
    ("bp", "knee OA, BP 210/100"),
    ("weak_single", "knee OA, takes warfarin"),
    ("weak_single", "62 yo, first episode of back pain"),
]

QUIET = [
    ("cauda_equina", "LBP, denies saddle numbness"),
    ("cauda_equina", "LBP, no bladder or bowel dysfunction"),
    ("cauda_equina", "LBP, denies weight loss, saddle numbness or bladder dysfunction"),
    ("cauda_equina", "ondt i ryggen, ingen ridebukseanæstesi"),
    ("cord_myelopathy", "neck pain, no hyperreflexia"),
    ("progressive_neuro", "sciatica, no foot drop"),
    ("fracture", "ankle sprain, fracture ruled out"),
    ("fracture", "distal radius fracture, healed and cleared"),
    ("infection", "knee swollen, no fever"),
    ("dvt_pe", "TKA day 9, no calf swelling or pain"),
    ("dvt_pe", "TKA day 9, DVT ruled out"),
    ("dvt_pe", "post op TKA, knee swollen, calf soft and non tender"),
    ("child_hip", "45 yo child minder with knee pain and a limp"),
    ("child_hip", "mother of a 3 year old, low back pain"),
    ("cardiac", "knee OA, no chest pain"),
    ("stroke_cad", "neck pain, denies double vision"),
    ("malignancy", "LBP, no history of cancer, no unexplained weight loss"),
    ("inflammatory", "knee OA, morning stiffness 10 min"),
    ("compartment_limb", "calf strain, no pain out of proportion"),
    ("child_hip", "34 yo with a limp after hip pain"),
    ("surgical_fail", "ACLR wk 5, no wound dehiscence"),
    ("mental_safeguard", "LBP, denies suicidal thoughts"),
    ("bp", "knee OA, BP 130/80, pain 5/10"),
    ("weak_single", "shoulder pain, steroid injection in May"),
    ("weak_single", "40 yo, first episode of back pain"),
]


@pytest.mark.parametrize(("code", "text"), FIRES)
def test_a_flag_fires(code, text):
    assert statuses(text).get(code) == "fired"


@pytest.mark.parametrize(("code", "text"), QUIET)
def test_a_denied_flag_does_not_fire(code, text):
    assert statuses(text).get(code) != "fired"


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        ("ankle sprain, cannot rule out a fracture", "fracture", "fired"),
        ("kan ikke udelukke brud i foden", "fracture", "fired"),
        ("LBP, no change in saddle numbness", "cauda_equina", "fired"),
        ("LBP, ingen ændring i ridebukseanæstesi", "cauda_equina", "fired"),
        ("LBP, saddle numbness not improving", "cauda_equina", "fired"),
        ("LBP, no falls, saddle numbness since Monday", "cauda_equina", "fired"),
        ("No fever but saddle numbness with LBP", "cauda_equina", "fired"),
        ("LBP, safety-netted for saddle numbness", "cauda_equina", "listed"),
        ("LBP, advised to return if bladder dysfunction", "cauda_equina", "listed"),
        ("LBP, informeret om ridebukseanæstesi", "cauda_equina", "listed"),
        ("shoulder pain, mother had breast cancer", "malignancy", "listed"),
        ("LBP, saddle numbness denied", "cauda_equina", "negated"),
        ("LBP with saddle numbness last week, CES excluded on MRI", "cauda_equina", "negated"),
        ("LBP with saddle numbness, CES not excluded", "cauda_equina", "fired"),
        ("LBP with saddle numbness, CES needs to be ruled out", "cauda_equina", "fired"),
        ("LBP with saddle numbness, no exercise until CES is excluded", "cauda_equina", "fired"),
    ],
)
def test_context_decides(text, code, status):
    assert statuses(text)[code] == status


@pytest.mark.parametrize(
    ("text", "code", "expected"),
    [
        ("knee OA, history of DVT 2015", "dvt_pe", "CAUTION"),
        ("knee OA, two week history of calf pain and calf swelling", "dvt_pe", "STOP-emergency"),
        ("knee OA, BP 205/95", "bp", "STOP-urgent"),
        ("knee OA, BP 185/95", "bp", "CAUTION"),
        ("shoulder pain and unexplained weight loss", "malignancy", "CAUTION"),
        ("history of breast cancer, new back pain at night", "malignancy", "STOP-urgent"),
    ],
)
def test_the_tier_fits_the_weight_of_the_words(text, code, expected):
    assert tier(text, code) == expected


def test_every_code_of_the_table_is_tried():
    assert {code for code, _ in FIRES} == {data["code"] for data in red_flags._FLAGS}
    assert len(red_flags._FLAGS) == 16


def test_the_gravest_flag_is_the_referral():
    text = "LBP with saddle numbness, takes warfarin, ?fracture"
    stop = red_flags.stop(red_flags.screen(text, parse(text)))
    assert stop is not None
    assert stop.code == "cauda_equina"


def test_a_caution_alone_does_not_stop():
    text = "knee OA, takes warfarin"
    assert red_flags.stop(red_flags.screen(text, parse(text))) is None


def test_the_words_shown_are_the_writers_own():
    text = "Lændesmerter og Ridebukseanæstesi"
    assert red_flags.screen(text, parse(text))[0].matched_text == "Ridebukseanæstesi"
