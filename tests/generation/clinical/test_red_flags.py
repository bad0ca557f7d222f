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
    ("child_hip", "has an 8-year-old daughter, neck pain"),
    ("child_hip", "45-årig, har en 3-årig søn, ondt i ryggen"),
    ("infection", "knee injection last year"),
    ("infection", "betændelse i senen ved akillessenen"),
    ("mental_safeguard", "past alcohol abuse, knee pain"),
    ("progressive_neuro", "shoulder pain, MRC 4"),
    ("fracture", "hallux valgus deformity, fell out with employer"),
]


# Every phrase of the table of domain.md 3.2, in the order of its rows.
PHRASES = {
    "cauda_equina": [
        "LBP, saddle anaesthesia", "LBP, saddle numbness", "LBP, new bladder dysfunction", "LBP, new bowel dysfunction",
        "LBP, urinary retention", "LBP, faecal incontinence", "LBP, bilateral leg weakness",
        "back pain and loss of sexual function", "føleforstyrrelser i ridebukseområdet", "ridebukseanæstesi",
        "lændesmerter, urinretention", "afføringsinkontinens og lændesmerter", "urininkontinens og iskias",
        "lændesmerter, afførings- eller urininkontinens", "lammelse i begge ben",
    ],
    "cord_myelopathy": [
        "neck pain, gait clumsiness and hand clumsiness", "neck pain, hyperreflexia", "bilateral arm signs",
        "neck pain, Lhermitte positive", "nakkesmerter, myelopati", "nakkesmerter og usikker gang",
    ],
    "progressive_neuro": [
        "sciatica, worsening weakness", "progressive weakness in the leg", "new foot drop", "quads MRC 3", "MRC <= 3",
        "MRC grade 2/5", "tiltagende lammelse", "dropfod",
    ],
    "fracture": [
        "suspected fracture of the wrist", "wrist deformity after a fall", "unable to weight bear after trauma",
        "fall yesterday, osteoporosis, acute back pain", "ankle twisted, bony tenderness", "mistanke om brud",
        "fejlstilling af håndleddet", "faldet, knogleskørhed, akutte rygsmerter",
    ],
    "infection": [
        "fever and hot swollen knee", "septic arthritis?", "osteomyelitis of the tibia", "discitis",
        "wound pus after TKA",
        "shoulder pain and rigors", "feber og varmt hævet led", "betændelse omkring knæet",
    ],
    "dvt_pe": [
        "calf pain and swelling", "calf pain and warmth after TKA", "DVT", "sudden breathlessness", "haemoptysis",
        "blodprop i benet", "hævet øm læg", "åndenød siden i nat",
    ],
    "cardiac": [
        "chest pain on exertion", "chest pain at rest", "unstable angina", "syncope last week", "MI 5 days ago",
        "recent MI",
        "uncontrolled arrhythmia", "acute heart failure", "brystsmerter", "besvimelse",
    ],
    "stroke_cad": [
        "FAST positive", "facial droop", "sudden severe headache", "neck pain and dizziness", "neck pain, dysphagia",
        "neck pain, dysarthria", "neck pain and nystagmus", "neck pain, nausea", "neck pain, facial numbness",
        "double vision", "drop attack", "hængende mundvig", "pludselig stærk hovedpine",
    ],
    "malignancy": [
        "history of cancer, hip pain", "history of cancer, new unexplained pain", "unexplained weight loss",
        "constant night pain", "kendt kræft, ondt i hoften", "uforklaret vægttab", "natlige smerter",
    ],
    "inflammatory": [
        "morning stiffness > 30 min", "morning stiffness for an hour", "several swollen joints", "uveitis", "psoriasis",
        "morgenstivhed i 60 minutter", "langvarig morgenstivhed",
    ],
    "compartment_limb": [
        "pain out of proportion, tense calf", "pain out of proportion, tense forearm", "cold pulseless limb",
        "koldt pulsløst ben",
    ],
    "child_hip": [
        "child with hip pain and a limp", "adolescent, knee pain, limping", "15-year-old, knee pain",
        "8-årig dreng halter",
        "twelve-year-old boy, knee pain",
    ],
    "surgical_fail": [
        "ACL repair, heard a pop, loss of function", "wound breakdown after TKA",
        "rapid swelling after ACL reconstruction",
        "såret er gået op efter hofteprotese",
    ],
    "mental_safeguard": [
        "feels suicidal", "self-harm", "history of domestic abuse", "abuse at home", "selvmordstanker",
        "vold i hjemmet",
    ],
    "bp": ["BP 205/100", "BP 150/115", "resting systolic 210", "blodtryk 190/95", "BP 170/102"],
    "weak_single": [
        "62 yo, first onset of back pain", "oral steroids", "IV drug use", "recent major trauma, cleared",
        "on apixaban",
        "prednisolon", "blodfortyndende medicin", "65-årig, første episode med ondt i ryggen",
    ],
}  # fmt: skip


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
        ("LBP with saddle numbness last week, CES excluded on MRI", "cauda_equina", "cleared"),
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
        ("tidligere brystkræft, nye uforklarede rygsmerter", "malignancy", "STOP-urgent"),
        ("kendt kræft, ondt i hoften", "malignancy", "CAUTION"),
        ("tidligere DVT, ondt i knæet", "dvt_pe", "CAUTION"),
        ("past week saddle numbness", "cauda_equina", "STOP-emergency"),
        ("BP 130/80 in May, today BP 212/95", "bp", "STOP-urgent"),
        ("resting diastolic 112", "bp", "STOP-urgent"),
    ],
)
def test_the_tier_fits_the_weight_of_the_words(text, code, expected):
    assert tier(text, code) == expected


@pytest.mark.parametrize(("code", "text"), [(code, text) for code, texts in PHRASES.items() for text in texts])
def test_every_phrase_of_the_table_fires(code, text):
    assert statuses(text).get(code) == "fired"


def test_every_code_of_the_table_is_tried():
    assert set(PHRASES) == {code for code, _ in FIRES} == {data["code"] for data in red_flags._FLAGS}
    assert len(red_flags._FLAGS) == 16


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        # "Cannot rule out" is no negation.
        ("LBP, cannot rule out cauda equina, saddle numbness", "cauda_equina", "fired"),
        ("brud i håndleddet kan ikke udelukkes", "fracture", "fired"),
        ("ankel, udeluk brud: mistanke om brud ikke afkræftet", "fracture", "fired"),
        ("hot swollen knee, fever, septic arthritis not excluded", "infection", "fired"),
        # "No change in" and "not improving" negate nothing.
        ("sciatica, no improvement in foot drop", "progressive_neuro", "fired"),
        ("LBP not improving, saddle numbness", "cauda_equina", "fired"),
        ("lændesmerter, ikke bedre, ridebukseanæstesi", "cauda_equina", "fired"),
        ("ingen bedring i dropfod", "progressive_neuro", "fired"),
        # Advice and family are listed, up to where they end.
        ("LBP, safety-netted for saddle numbness, bladder dysfunction and foot drop", "progressive_neuro", "listed"),
        ("LBP, told to return if bladder dysfunction", "cauda_equina", "listed"),
        ("lændesmerter, oplyst om ridebukseanæstesi, urinretention", "cauda_equina", "listed"),
        ("LBP, safety-netted, saddle numbness", "cauda_equina", "fired"),
        ("LBP, advised to return if worse, saddle numbness since Monday", "cauda_equina", "fired"),
        ("told his GP of saddle numbness", "cauda_equina", "fired"),
        ("family history of DVT, knee pain", "dvt_pe", "listed"),
        ("family history of diabetes, saddle numbness since Monday", "cauda_equina", "fired"),
        ("knæsmerter, mor havde blodprop", "dvt_pe", "listed"),
        ("father had an MI, chest pain today", "cardiac", "fired"),
        # Where a negation ends.
        ("fracture ruled out, calf pain and calf swelling", "dvt_pe", "fired"),
        ("no fever, calf pain and calf swelling", "dvt_pe", "fired"),
        ("hot swollen knee and fever with negative covid test", "infection", "fired"),
        ("denies fever; chest pain on exertion", "cardiac", "fired"),
        ("ingen feber, men ridebukseanæstesi", "cauda_equina", "fired"),
        ("LBP, benægter ridebukseanæstesi og urinretention", "cauda_equina", "negated"),
        ("LBP, saddle numbness: no", "cauda_equina", "negated"),
        ("ondt i ryggen uden tegn på ridebukseanæstesi", "cauda_equina", "negated"),
        ("ankle sprain, suspected fracture, x-ray clear", "fracture", "cleared"),
        # Time words make no history.
        ("past 2 days saddle numbness", "cauda_equina", "fired"),
        ("old wrist fracture, healed; suspected hip fracture after a fall", "fracture", "fired"),
    ],
)
def test_a_trap_is_not_stepped_into(text, code, status):
    assert statuses(text)[code] == status


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
