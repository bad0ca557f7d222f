"""What is understood of cases as people type them, in English and Danish. Source: domain.md 3.1."""

import re
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from generation.clinical import findings, letters, measures, negation, numerals, red_flags, spelling, timing
from generation.clinical.data_files import read
from generation.clinical.scenario import QUOTES, parse

TODAY = date(2026, 6, 17)  # a Wednesday

CASES = [
    # Sides, when there is more than one.
    ("right knee OA, left shoulder fine", {"regions": ("knee",), "side": "right", "condition_tags": ("knee_oa",)}),
    ("Left shoulder impingement, right shoulder normal", {"side": "left", "condition_tags": ("rc_related_pain",)}),
    ("left and right knee OA", {"side": "both"}),
    ("right knee OA, bilateral hand stiffness", {"regions": ("knee", "wrist_hand"), "side": "right"}),
    ("hip and knee pain on the left, 3/12", {"regions": ("hip", "knee"), "side": "left"}),
    ("hip pain, left knee OA", {"regions": ("knee", "hip"), "side": "left"}),
    ("right-handed painter, left tennis elbow", {"side": "left", "condition_tags": ("lateral_elbow",)}),
    ("smerter i knæ sin., 3 uger", {"regions": ("knee",), "side": "left"}),
    ("hofteartrose dxt., 68 år", {"side": "right", "age": 68}),
    ("hø. skulder øm, ve. skulder upåvirket", {"regions": ("shoulder",), "side": "right"}),
    ("højrehåndet, venstre skulder ustabil", {"side": "left", "condition_tags": ("shoulder_instability",)}),
    # Time, in words and in notation.
    ("knee pain 3/52", {"onset": {"value": 3, "unit": "week"}, "acuity": "subacute"}),
    ("ankle sprain 5/7", {"onset": {"value": 5, "unit": "day"}, "phase": "protect"}),
    ("right hip OA 18/12", {"onset": {"value": 18, "unit": "month"}, "acuity": "persistent"}),
    ("shoulder pain since March", {"onset": {"value": 15, "unit": "week"}, "acuity": "persistent"}),
    ("ondt i skulderen siden 3. juni", {"onset": {"value": 2, "unit": "week"}}),
    ("low back pain since Monday", {"onset": {"value": 2, "unit": "day"}, "acuity": "acute"}),
    ("nakkesmerter siden sidste uge", {"onset": {"value": 1, "unit": "week"}}),
    ("knee pain since 2019", {"onset": {"value": 7, "unit": "year"}}),
    ("knæsmerter i halvandet år", {"onset": {"value": 1.5, "unit": "year"}}),
    ("neck pain for a couple of weeks", {"onset": {"value": 2, "unit": "week"}}),
    ("tennisalbue i tre måneder", {"onset": {"value": 3, "unit": "month"}}),
    ("low back pain, review in 6 weeks, exercises 3 times a week", {"onset": None}),
    ("chronic neck pain", {"onset": None, "acuity": "persistent", "phase": "maintain"}),
    ("akut hold i ryggen", {"acuity": "acute", "phase": "protect"}),
    # Numbers in words.
    ("sixty-eight year old woman, hip OA, pain four out of ten", {"age": 68, "pain_now": 4}),
    (
        "tooghalvfjerds-årig mand med knæartrose, smerter syv ud af ti",
        {"age": 72, "pain_now": 7, "irritability": "high"},
    ),
    ("knee OA, ten minutes a day", {"restrictions": {"time_budget": 10}}),
    # Pain.
    ("knee, pain 2/10 at rest, 6/10 walking", {"pain_now": 2, "pain_worst": 6, "irritability": "high"}),
    ("ankle, pain 5/10 worst 8/10, settles quickly", {"pain_now": 5, "pain_worst": 8, "irritability": "low"}),
    ("shoulder pain was 8/10, now 3/10", {"pain_now": 3}),
    ("knee pain 4/10, function 7/10, goal pain 2/10", {"pain_now": 4, "pain_worst": None}),
    ("falls risk, no pain", {"pain_now": 0, "regions": ("whole_body",)}),
    ("skuldersmerter 5/10, lægger sig hurtigt", {"pain_now": 5, "irritability": "low"}),
    ("skulder, 4/10, er længe om at falde til ro", {"irritability": "high"}),
    # Whose age and whose trouble it is.
    ("has a 3-year-old son, low back pain from lifting", {"age": None, "goals": (), "regions": ("lumbar",)}),
    ("knee OA, walks 50 m", {"age": None, "regions": ("knee",)}),
    ("mother had osteoporosis, 60 yo with neck pain", {"age": 60, "condition_tags": ("neck_nonspecific",)}),
    # Denied, past and planned.
    ("hip pain, denies back pain, knee pain or falls", {"regions": ("hip",), "condition_tags": ()}),
    ("ondt i hoften, ingen knæsmerter, ikke diabetes", {"regions": ("hip",), "comorbidities": ()}),
    ("awaiting TKA, left knee OA", {"surgery": None, "condition_tags": ("knee_oa",), "wb_status": None}),
    ("afventer ny hofte, hofteartrose", {"surgery": None, "condition_tags": ("hip_oa",)}),
    ("previous frozen shoulder 2018, now right knee OA", {"regions": ("knee",), "condition_tags": ("knee_oa",)}),
    ("left knee pain 3 months. PMH: hip OA, hypertension", {"condition_tags": (), "comorbidities": ("hypertension",)}),
    ("knee pain, TKA on the left 2015", {"surgery": None, "regions": ("knee",)}),
    # Operations.
    ("s/p TKR left, post-op week 3, WBAT", {"surgery": ("tka", 3), "side": "left", "wb_status": "WBAT"}),
    ("TKA POD 5", {"surgery": ("tka", 0.7), "wb_status": "WBAT"}),
    ("knee OA 5 years, TKA 3 weeks ago", {"surgery": ("tka", 3), "onset": None}),
    (
        "RC repair 4/52, sling, no ER past neutral",
        {"surgery": ("rc_repair", 4), "restrictions": {"sling": None, "er_limit": 0}},
    ),
    ("opereret i højre skulder for 3 uger siden", {"surgery": ("other", 3), "regions": ("shoulder",), "side": "right"}),
    ("hoftebrud opereret 12. marts, delvis støtte", {"surgery": ("hip_fracture", 14), "wb_status": "PWB"}),
    ("5. postoperative dag efter hofteprotese", {"surgery": ("tha", 0.7), "phase": "protect"}),
    ("ACLR right, 2026", {"surgery": ("aclr", None), "phase": "protect"}),
    ("ACLR 2026-05-27, brace locked", {"surgery": ("aclr", 3), "restrictions": {"brace_locked": None}}),
    ("lumbar discectomy three weeks ago", {"surgery": ("discectomy", 3), "regions": ("lumbar",)}),
    ("right ankle sprain 10/7, was NWB now FWB", {"wb_status": "FWB"}),
    ("tibia fracture 5 weeks, ankle stiff", {"wb_status": "PWB", "surgery": None, "regions": ("ankle_foot",)}),
    # Limits.
    ("knee pain, max 90 degrees flexion", {"restrictions": {"flexion_limit": 90}}),
    ("skulder, ingen udadrotation over 30", {"restrictions": {"er_limit": 30}}),
    ("LBP, no lifting over 5 kg, no twisting", {"restrictions": {"lift_limit": 5, "no_twist": None}}),
    (
        "knee OA, cannot kneel, can't get down to the floor",
        {"restrictions": {"cannot_kneel": None, "cannot_floor": None}},
    ),
    ("82 år, faldtendens, går med rollator", {"age": 82, "restrictions": {"walking_aid": None}}),
    ("knæartrose, kan ikke ligge på knæ eller komme ned på gulvet", {"restrictions": {"cannot_kneel": None}}),
    ("gravid uge 30, bækkensmerter", {"pregnant": True, "restrictions": {"pregnancy_weeks": 30}}),
    # Other illness.
    (
        "LBP, AF on apixaban, pacemaker, bisoprolol, T2DM, COPD",
        {"comorbidities": ("cardiac_stable", "anticoagulant", "pacemaker", "beta_blocker", "diabetes", "lung_disease")},
    ),
    (
        "knæartrose, betablokker, blodfortyndende, KOL",
        {"comorbidities": ("beta_blocker", "anticoagulant", "lung_disease")},
    ),
    # What is at hand.
    ("knee pain, has pain on stairs", {"equipment_available": ()}),
    ("knæsmerter, har svært ved trapper", {"equipment_available": ()}),
    ("ondt i knæet, har elastik og motionscykel", {"equipment_available": ("band", "bike")}),
    ("shoulder pain, goes to the gym, bands at home", {"equipment_available": ("gym", "band")}),
    ("skuldersmerter, intet udstyr", {"equipment_available": ()}),
    # Goals.
    ("hip OA, wants to get back to gardening and cycling", {"goals": ("gardening", "cycling")}),
    ("ondt i knæet, vil gerne løbe igen og lege med børnebørnene", {"goals": ("running", "play_with_kids")}),
    # The regions beside the big ones.
    ("neck pain radiating to the right arm", {"condition_tags": ("cervical_radiculopathy",), "regions": ("neck",)}),
    ("LBP radiating down the left leg, 3 weeks", {"condition_tags": ("radiculopathy",), "side": "left"}),
    ("mid back pain between the shoulder blades", {"regions": ("thoracic",), "condition_tags": ("thoracic_pain",)}),
    ("TMJ clicking left, 3 months", {"regions": ("jaw",), "condition_tags": ("tmd",), "side": "left"}),
    ("kæbesmerter i to måneder", {"regions": ("jaw",), "condition_tags": ("tmd",)}),
    ("BPPV right, 2 weeks", {"regions": ("vestibular",), "condition_tags": ("bppv",), "comorbidities": ()}),
    ("neck pain, known BPPV", {"regions": ("neck", "vestibular"), "comorbidities": ("vertigo",)}),
    ("golfalbue i højre arm", {"regions": ("elbow",), "condition_tags": ("medial_elbow",)}),
    ("stressinkontinens efter fødsel", {"regions": ("pelvic_floor",), "condition_tags": ("stress_incontinence",)}),
    ("fodboldspiller med knæsmerter", {"regions": ("knee",), "goals": ("sport",)}),
    ("on her feet all day, left heel pain", {"regions": ("ankle_foot",), "condition_tags": ("plantar_heel_pain",)}),
    ("hip and neck OA", {"regions": ("hip", "neck"), "condition_tags": ()}),
    # Typing slips.
    ("Left shuolder pain 3/52", {"regions": ("shoulder",), "side": "left"}),
    ("tendinopahty of the achilles, right", {"condition_tags": ("achilles_tendinopathy",)}),
    ("knee osteoarthitis, bilaterl", {"condition_tags": ("knee_oa",), "side": "both"}),
    ("slidgitg i højre knæ", {"condition_tags": ("knee_oa",), "side": "right"}),
    ("karpaltunel i venstre hånd", {"regions": ("wrist_hand",), "side": "left"}),
    ("knæartrose i hojre knae", {"regions": ("knee",), "condition_tags": ("knee_oa",)}),
    ("uspecifikke gener efter et fald på trappen", {"regions": ()}),
    ("ha\u030andled forstuvet", {"regions": ("wrist_hand",), "condition_tags": ("wrist_sprain",)}),
    # Casts and splints; more of them in test_casts.py.
    ("carpal tunnel left, night splint", {"restrictions": {"cast": "missing"}}),
    ("karpaltunnel, bruger natskinne", {"restrictions": {"cast": "missing"}}),
    ("smerter i skinneben, løber", {"restrictions": {"cast": "missing"}}),
    ("ankle sprain 2 weeks, plasterer by trade", {"restrictions": {"cast": "missing"}}),
    ("healed wrist fracture, stiff", {"restrictions": {"cast": "missing", "joint_free": None}}),
    ("håndledsbrud, bruddet er helet", {"restrictions": {"cast": "missing", "joint_free": None}}),
    ("distal radius fracture 3 weeks, fracture not healed", {"restrictions": {"joint_free": "missing"}}),
    ("cast on left wrist, distal radius fracture 3 weeks ago", {"phase": "protect", "restrictions": {"cast": None}}),
    ("distal radius fracture 3 weeks ago", {"phase": "protect"}),
    ("distal radius fracture 3 weeks ago, cast off", {"phase": "restore"}),
    ("distal radius fracture 8 weeks ago", {"phase": "restore"}),
    ("distal radius fracture 12 weeks ago", {"phase": "load"}),
    ("distal radius ORIF 2 weeks ago", {"condition_tags": ("after_other", "distal_radius_post"), "phase": "protect"}),
    ("right ankle sprain 2 weeks, below-knee cast", {"regions": ("ankle_foot",), "restrictions": {"cast": None}}),
    # Weight bearing nobody stated.
    ("ankle ORIF week 8", {"wb_status": "PWB"}),
    ("ankle ORIF week 14", {"wb_status": None}),
    ("ankle ORIF", {"wb_status": "PWB"}),
    ("ACLR left week 9", {"wb_status": None}),
    ("tibia fracture 20 weeks ago, ankle stiff", {"wb_status": None}),
    ("metatarsal stress fracture 4 weeks", {"wb_status": "PWB"}),
    ("TKA", {"wb_status": "WBAT"}),
    ("TKA week 20", {"wb_status": None}),
    ("ny hofte for 3 uger siden", {"wb_status": "WBAT"}),
    ("hoftebrud opereret for 5 uger siden", {"wb_status": "PWB"}),
    # What only the limits speak of.
    ("TKA wk 3, PWB 30 %, bathroom scale taught", {"restrictions": {"scale_taught": None}}),
    ("nyt knæ, delvis støtte, øvet støtte på badevægt", {"restrictions": {"scale_taught": None}}),
    ("TKA wk 3, PWB, bathroom scale not taught", {"restrictions": {"scale_taught": "missing"}}),
    ("ACLR and medial meniscus repair wk 3", {"surgery": ("aclr", 3), "restrictions": {"meniscus_repair": None}}),
    ("ACLR and medial meniscus repair wk 7", {"phase": "restore", "wb_status": "PWB"}),
    ("meniscus repair and ACLR wk 3", {"surgery": ("aclr", 3), "restrictions": {"meniscus_repair": None}}),
    ("meniscus repair and ACLR wk 5", {"phase": "protect"}),
    (
        "korsbåndsrekonstruktion med syet menisk for 3 uger siden",
        {"surgery": ("aclr", 3), "restrictions": {"meniscus_repair": None}},
    ),
    ("ACLR wk 3, no meniscus repair", {"surgery": ("aclr", 3), "restrictions": {"meniscus_repair": "missing"}}),
    ("neck pain, known carotid stenosis", {"comorbidities": ("cervical_arterial",)}),
    ("nakkesmerter, forkalkning i halspulsåren", {"comorbidities": ("cervical_arterial",)}),
    ("neck pain, VBI tests negative", {"comorbidities": ()}),
    ("SLAP repair right week 4", {"surgery": ("slap_repair", 4), "regions": ("shoulder",)}),
    ("biceps tenodesis right week 4", {"surgery": ("slap_repair", 4), "regions": ("shoulder",)}),
    ("distal biceps repair right week 4", {"surgery": ("biceps_repair", 4), "regions": ("elbow",), "side": "right"}),
    ("syet bicepssene i højre albue for 4 uger siden", {"surgery": ("biceps_repair", 4), "side": "right"}),
    # A letter for a side.
    ("8/52 L tennis elbow", {"side": "left", "onset": {"value": 8, "unit": "week"}}),
    ("tennis elbow R, 8/52", {"side": "right"}),
    ("r tennis elbow 8/52", {"side": "right"}),
    ("[R] knee OA", {"side": "right"}),
    ("knee OA [L]", {"side": "left"}),
    ("(L) frozen shoulder", {"side": "left"}),
    ("R partial thickness rotator cuff tear", {"side": "right"}),
    ("R distal radius fracture 8/52", {"side": "right"}),
    ("knee pain L>R", {"side": "both"}),
    ("hand OA, right worse than left", {"side": "both"}),
    ("B/L knee OA", {"side": "both"}),
    ("H tennisalbue i 8 uger", {"side": "right"}),
    ("frossen skulder V, 4 måneder", {"side": "left"}),
    ("hånd-artrose, v>h", {"side": "both"}),
    ("R hand dominant, L tennis elbow", {"side": "left"}),
    ("disc prolapse L 4/5, 5 weeks", {"side": "unknown"}),
    ("R/O hip OA, knee pain", {"side": "unknown"}),
    ("knee OA vs meniscal tear", {"side": "unknown"}),
    # Stairs are no walk.
    ("knæartrose, vil gerne kunne gå på trapper", {"goals": ("climb_stairs",)}),
    ("knæartrose, vil kunne gå op ad trapperne", {"goals": ("climb_stairs",)}),
    ("knee OA, wants to walk up stairs", {"goals": ("climb_stairs",)}),
    ("knee OA, wants to walk up and down the stairs", {"goals": ("climb_stairs",)}),
    ("knee OA, wants to walk further and climb stairs", {"goals": ("walking", "climb_stairs")}),
    ("knæartrose, vil gerne gå en tur", {"goals": ("walking",)}),
    ("knæartrose, vil gerne løbe", {"goals": ("running",)}),
    ("knæartrose, vil gerne cykle til arbejde", {"goals": ("cycling",)}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_a_case_is_understood(text, expected):
    profile = parse(text, today=TODAY)
    found = {name: getattr(profile, name) for name in expected}
    if isinstance(expected.get("surgery"), tuple):
        found["surgery"] = (profile.surgery["type"], profile.surgery["weeks_post_op"])
    if "restrictions" in expected:
        stated = {entry["code"]: entry["value"] for entry in profile.restrictions}
        found["restrictions"] = {code: stated.get(code, "missing") for code in expected["restrictions"]}
    assert found == expected


@pytest.mark.parametrize(
    "word",
    "injection lumber smoulder planter planar handled higher vertical selling spelling bakken skylder skulker hoster "
    "højere bænken frosten manisk bladder interior ladder paddle rygning ryger numbered weaknesses".split(),
)
def test_a_real_word_is_not_taken_for_a_slip(word):
    assert spelling.mended(letters.fold(word)) is None


def test_a_slip_in_a_warning_sign_does_not_hide_it():
    text = "low back pain with sadlde numbness"
    assert {flag.code for flag in red_flags.screen(text, parse(text)) if flag.status == "fired"} == {"cauda_equina"}


def test_words_of_negation_are_no_words_to_mend():
    listed = {letters.fold(word) for word in read("spelling")["words"]}
    negations = {word for table in ("before", "before_lists", "after") for term in read("negation")[table]
                 for word in re.findall(r"[a-zæøå]{6,}", term)}  # fmt: skip
    assert not listed & negations


@pytest.mark.parametrize(
    ("words", "value"),
    [("twenty-one", 21), ("ninety nine", 99), ("fire", 4), ("enogtyve", 21), ("nioghalvfems", 99), ("2,5", 2.5)],
)
def test_a_number_in_words_has_its_value(words, value):
    assert numerals.number(words) == value


def test_every_tag_of_the_packs_can_be_read_from_its_own_label():
    unread = [
        (entry["tag"], language)
        for entry in [*read("conditions"), *({"tag": s["type"], **s} for s in read("surgeries") if s["en"])]
        for language in ("en", "da")
        if not entry["label"][language]
    ]
    assert not unread
    assert len(read("conditions")) + len(read("surgeries")) >= 60


WORDS = [
    "no", "not", "ikke", "denies", "left", "right", "knee", "skulder", "hip", "TKA", "3/52", "4/10", "since", "March",
    "siden", "68 yo", "weeks", "after", "efter", "NWB", "stairs", "has", "har", "pain", "ondt i", ",", ".", ";", "?",
    "fracture", "brud", "OA", "slidgigt", "history of", "2015", "flexion", "90", "sin.", "dxt.", "\n", "½", "å",
    "a\u030a",
    "ﬁ", "\u00ad", "\u200b", "10 minutes a day", "pregnant", "BP 180/110", "worst", "fine", "…",
]  # fmt: skip
texts = st.text(max_size=200) | st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)


@settings(max_examples=200, deadline=None)
@given(texts)
def test_any_text_is_read_and_every_quote_stands_in_it(text):
    profile = parse(text, today=TODAY)
    quotes = [quote for evidence in profile.evidence.values() for quote in evidence.split(QUOTES)]
    quotes += [restriction["source_text"] for restriction in profile.restrictions]
    quotes += [flag.matched_text for flag in red_flags.screen(text, profile)]
    assert all(part in text for quote in quotes for part in quote.split(QUOTES))


def _expressions():
    for module in (findings, measures, negation, timing, spelling, red_flags):
        for name, value in vars(module).items():
            yield from ((f"{module.__name__}.{name}", expression) for expression in _within(value))


def _within(value):
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _within(key)
            yield from _within(item)
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _within(item)
    elif isinstance(value, red_flags._Rule):
        yield from _within((*value.terms, value.unless))


def _nested(tree, inside: bool = False) -> bool:
    """Whether a repeat without an end stands inside another, which is what makes an expression explode."""
    for operation, argument in tree:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            endless = argument[1] == re._constants.MAXREPEAT
            if (endless and inside) or _nested(argument[2], inside or endless):
                return True
        elif name == "SUBPATTERN" and _nested(argument[3], inside):
            return True
        elif name == "BRANCH" and any(_nested(branch, inside) for branch in argument[1]):
            return True
        elif name in ("ASSERT", "ASSERT_NOT") and _nested(argument[1], inside):
            return True
    return False


def test_no_expression_can_explode():
    found = list(_expressions())
    assert len(found) > 300
    assert [name for name, expression in found if _nested(re._parser.parse(expression.pattern))] == []


@pytest.mark.parametrize(
    "piece",
    [
        "no ",
        "a ",
        "1",
        "3/52 ",
        "left knee ",
        ", ",
        "not improving ",
        "1-1 ",
        "knæ",
        "\n",
        "L knee OA ",
        "cast off ",
        "gips",
    ],
)
def test_a_long_hostile_text_is_read(piece):
    text = (piece * 4000)[:4000]
    assert parse(text, today=TODAY).phase in ("protect", "restore", "load", "perform", "maintain")
