"""Objects are told once each, as soon as they are whole, however the text is cut."""

import json

import pytest

from generation.providers.whole import WholeObjects, answer_in, beginning

PICKS = [
    {"slug": f"slug-{n}", "dose": {"reps": n, "load": {"kind": "none"}}, "reason": 'å } ] 🦵 \\ "'} for n in range(4)
]
FLAG = {"code": "bp", "matched_text": "BP {190}/120"}
ANSWER = {"exercises": PICKS, "red_flags": [FLAG]}
TOLD = [("exercises", pick) for pick in PICKS] + [("red_flags", FLAG)]


def read(*pieces):
    whole = WholeObjects()
    return [found for piece in pieces for found in whole.feed(piece)]


def cut(text, size):
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 10_000])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [None, 2])
def test_every_object_is_told_once_and_in_order_however_the_text_is_cut(size, ascii_only, indent):
    assert read(*cut(json.dumps(ANSWER, ensure_ascii=ascii_only, indent=indent), size)) == TOLD


def test_an_object_is_told_with_its_last_brace_and_not_before():
    whole, text = WholeObjects(), json.dumps(ANSWER)
    for found, pick in enumerate(PICKS):
        end = len('{"exercises": ') + len(json.dumps(PICKS[: found + 1])) - 1
        assert list(whole.feed(text[len(whole.text) : end - 1])) == []
        assert list(whole.feed(text[end - 1 : end])) == [("exercises", pick)]


@pytest.mark.parametrize(
    "before", ["Here you are:\n```json\n", '<think>{"exercises": [{}]} or {}?</think>', "\ufeff \n"]
)
def test_words_around_the_answer_are_passed_over(before):
    text = f"{before}{json.dumps(ANSWER)}\n```\nWell {{done}}."
    assert read(*cut(text, 3)) == TOLD
    assert json.loads(answer_in(text.partition("\nWell")[0])) == ANSWER


def test_a_thought_that_never_ends_is_no_answer():
    assert read(*cut('<think>{"exercises": [{"slug": "a"}]}', 4)) == []
    assert beginning('<think>{"a": 1}') == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No.",
        "[{}]",
        "{}",
        "}",
        '{"exercises": {"a": {"slug": "b"}}}',
        '{"exercises": "{}"}',
        '{"exercises": [{"value": NaN}]}',
        '{"exercises": [{"value": -Infinity}]}',
        '{"exercises": [{"slug": "a", "slug": "b"}]}',
        '{"exercises": [{"slug": "a" "b"}]}',
        '{"exercises": ' + "[" * 5000 + "{}" + "]" * 5000 + "}",
    ],
)  # fmt: skip
def test_what_is_no_answer_yields_no_exercise_and_raises_nothing(text):
    for size in (1, 5, 100_000):
        assert [value for _, value in read(*cut(text, size)) if isinstance(value, dict) and "slug" in value] == []


def test_what_was_whole_before_the_text_went_wrong_stays():
    text = json.dumps(ANSWER)[:-2] + ' oops {"slug": "c"}]}'
    assert read(*cut(text, 4))[:4] == TOLD[:4]


def test_halves_of_a_surrogate_pair_raise_nothing():
    whole = WholeObjects()
    found = list(whole.feed('{"exercises": [{"slug": "a", "reason": "\ud83d'))
    assert found + list(whole.feed('\ude00"}]}'))
    assert whole.text.count("\ud83d") == 1


def test_an_answer_is_what_stands_between_its_first_brace_and_its_last():
    assert answer_in('x {"a": {}} y') == '{"a": {}}'
    assert answer_in("nothing") == ""
    assert answer_in('{"a": [') == ""
