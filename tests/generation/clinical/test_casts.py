"""A joint in a cast rests: whether there is one is read from many wordings. Source: domain.md 3.4."""

import pytest

from generation.clinical import corrections
from generation.clinical.scenario import parse

FRACTURE = {"en": "left wrist fracture 3 weeks ago, ", "da": "brud i venstre håndled for 3 uger siden, "}
ON = [
    *(("en", words) for words in (
        "cast on", "in a cast", "plaster", "in POP", "in a below-elbow backslab", "short arm cast", "still in plaster",
        "splinted full time", "in a thermoplastic splint", "wears a splint 24/7", "immobilised", "external fixator",
        "cast to come off next week", "cast off in 2 weeks", "out of plaster in two weeks", "awaiting cast removal",
        "not yet out of plaster", "rest until the cast is off", "when out of plaster start ROM",
        "cast removed, now in a splint", "cast for 3 weeks", "cast off next Friday", "cast comes off tomorrow",
    )),
    *(("da", words) for words in (
        "gips", "i gips", "gipsbandage", "med gipsskinne", "gips på", "underarmsgips", "skinne hele døgnet",
        "i håndledsskinne", "immobiliseret", "fortsat gips", "gipsen fjernes i næste uge", "gips af om 2 uger",
        "endnu ikke ude af gips", "ro indtil gipsen er af", "gipsen skal af på fredag", "gips af på fredag",
    )),
]  # fmt: skip
OFF = [
    *(("en", words) for words in (
        "cast off", "cast removed", "cast came off on Monday", "out of plaster", "plaster has been removed", "no cast",
        "not casted", "cast: no", "1 week post cast removal", "3/52 since cast removal", "not in a cast",
        "was in plaster for 2 weeks", "K-wires removed", "cast off, now in a removable splint",
    )),
    *(("da", words) for words in (
        "gips fjernet", "gips seponeret", "ude af gips", "gipsen er af", "gipsen er fjernet", "ingen gips",
        "uden gips", "gipsfri", "1 uge efter gipsfjernelse", "har fået gipsen af", "gips: nej",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("language", "words"), ON)
def test_a_cast_is_on_until_it_is_off(language, words):
    profile = parse(FRACTURE[language] + words)
    assert (bool(profile.restriction("cast")), bool(profile.restriction("cast_off"))) == (True, False)
    assert profile.phase == "protect"


@pytest.mark.parametrize(("language", "words"), OFF)
def test_a_cast_that_is_off_is_none(language, words):
    profile = parse(FRACTURE[language] + words)
    assert (bool(profile.restriction("cast")), bool(profile.restriction("cast_off"))) == (False, True)
    assert profile.phase == "restore"


ASSUMED = "Nothing was said of a cast: the broken joint is taken to be immobilised. Confirm."


@pytest.mark.parametrize(
    "given",
    [
        {"onset": {"value": 10, "unit": "week"}},
        {"restrictions": {"add": ["cast"]}},
        {"restrictions": {"add": ["cast_off"]}},
        {"condition_tags": ["wrist_sprain"]},
    ],
)
def test_a_correction_ends_what_was_assumed_of_a_cast(given):
    profile = parse("left wrist fracture 3 weeks ago")
    assert ASSUMED in profile.assumptions
    assert ASSUMED not in corrections.corrected(profile, given).assumptions


def test_another_correction_leaves_what_was_assumed_of_a_cast_once():
    profile = corrections.corrected(parse("left wrist fracture 3 weeks ago"), {"age": 70})
    assert profile.assumptions.count(ASSUMED) == 1


@pytest.mark.parametrize(
    ("text", "given", "weight"),
    [
        ("right ankle ORIF week 8", {"surgery": {"type": "ankle_fracture", "weeks_post_op": 14}}, None),
        ("right knee OA", {"surgery": {"type": "tka", "weeks_post_op": 3}}, "WBAT"),
        ("tibial plateau fracture 4 weeks", {"onset": {"value": 20, "unit": "week"}}, None),
        ("TKA week 3, PWB", {"surgery": {"type": "tka", "weeks_post_op": 20}}, "PWB"),
    ],
)
def test_weight_bearing_nobody_stated_follows_the_correction(text, given, weight):
    profile = corrections.corrected(parse(text), given)
    assert profile.wb_status == weight
    assert ("weight_bearing" in profile.unknowns) == (weight == "WBAT")
