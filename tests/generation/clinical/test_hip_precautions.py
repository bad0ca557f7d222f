"""The approach of a hip operation says what the hip must not do. Source: domain.md 2.5."""

import pytest

from generation.clinical.constraints import constraints_for
from generation.clinical.scenario import parse

HIP = {"en": "THA wk 3, WBAT, ", "da": "ny hofte for 3 uger siden, fuld støtte, "}
POSTERIOR, ANTERIOR = {"hip_prec_posterior"}, {"hip_prec_anterior"}
LATERAL = {"hip_prec_anterior", "hip_prec_lateral"}
STATED = [
    *(("en", words, POSTERIOR) for words in (
        "posterior precautions", "posterior approach", "posterior hip precautions", "precautions: posterior",
        "hip precautions (posterior)", "posterolateral approach", "hip precautions", "",
    )),
    *(("en", words, ANTERIOR) for words in (
        "anterior precautions", "direct anterior approach", "anterior hip precautions", "hip precautions, anterior",
    )),
    *(("en", words, LATERAL) for words in (
        "lateral precautions", "anterolateral approach", "direct lateral approach", "hip precautions (lateral)",
    )),
    *(("en", words, set()) for words in (
        "no precautions", "no hip precautions", "no restrictions", "without precautions",
        "posterior approach, precautions lifted", "posterior approach, precautions no longer needed",
    )),
    *(("da", words, POSTERIOR) for words in (
        "hofterestriktioner bagtil", "bagre adgang", "bagre restriktioner", "restriktioner: posteriort",
        "opereret bagfra", "hofterestriktioner", "",
    )),
    *(("da", words, ANTERIOR) for words in ("hofterestriktioner fortil", "forreste adgang", "restriktioner anteriort")),
    *(("da", words, LATERAL) for words in ("hofterestriktioner lateralt", "lateral adgang", "laterale restriktioner")),
    *(("da", words, set()) for words in ("ingen restriktioner", "uden restriktioner", "restriktioner ophævet")),
]  # fmt: skip


@pytest.mark.parametrize(("language", "words", "expected"), STATED)
def test_the_precautions_are_those_of_the_approach(language, words, expected):
    codes = {constraint.code for constraint in constraints_for(parse(HIP[language] + words))}
    assert {code for code in codes if code.startswith("hip_prec")} == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("THA wk 3, posterior precautions, no other precautions", "no_hip_precautions"),
        ("THA wk 30, lateral hip pain", "hip_precautions_lateral"),
        ("lumbar fusion wk 8, posterior approach", "hip_precautions_posterior"),
        ("knee OA, no restrictions", "no_hip_precautions"),
        ("TKA via lateral approach, week 2", "hip_precautions_lateral"),
    ],
)
def test_other_words_are_no_precautions_for_a_hip(text, code):
    assert parse(text).restriction(code) is None


def test_the_approach_takes_the_place_of_bare_precautions():
    assert parse("THA wk 3, hip precautions, anterior approach").restriction("hip_precautions") is None
    assert parse("THA wk 3, hip precautions").restriction("hip_precautions")
