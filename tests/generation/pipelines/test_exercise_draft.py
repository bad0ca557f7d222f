"""How the exercises of a program are asked of a model: rounds, repairs, answers that break off, and a later attempt."""

import json

import pytest

from generation.errors import (
    ModelError,
    ModelGarbled,
    ModelInterrupted,
    ModelRateLimited,
    ModelTimedOut,
    OutputInvalid,
)
from generation.pipelines import exercise_program
from generation.pipelines.exercise_draft import INTERRUPTIONS, MOST_PREVIOUS, REPAIRS
from generation.providers.base import Chunk
from generation.providers.whole import WholeObjects
from tests.generation.pipelines.handle import MemoryRun

KNEE = (
    "68 yo woman, right knee OA, pain 4/10 on stairs, 5/10 worst, 8 months, wants to climb stairs and walk 30 min, "
    "has a chair and stairs, no falls, BP controlled."
)
# Of five kinds, with strength, mobility and balance among them.
GOOD = ["bridge", "heel-slide-supine", "sit-to-stand-no-hands", "tandem-stance", "step-up-forward"]
FEW = GOOD[:2]
STRENGTH = ["bridge", "sit-to-stand-no-hands", "step-up-forward", "wall-sit"]
UNKNOWN = "knee-of-steel"


def answer(*slugs, whole=True, flags=True):
    """The text of an answer; one that is not whole ends behind its last exercise."""
    exercises = [{"slug": slug, "role": None, "dose": {}, "reason": ""} for slug in slugs]
    text = json.dumps(({"red_flags": []} if flags else {}) | {"exercises": exercises})
    return text if whole else text[:-2]


class Model:
    """Gives one answer after the other: a text, an error, or a text and the error that it breaks off with."""

    name = model = "scripted"

    def __init__(self, *answers):
        self.answers = list(answers)

    async def write(self, task):
        given = self.answers.pop(0)
        text, error = (
            given if isinstance(given, tuple) else ("", given) if isinstance(given, Exception) else (given, None)
        )
        whole = WholeObjects()
        for start in range(0, len(text), 16):
            piece = text[start : start + 16]
            yield Chunk(text=piece)
            for path, value in whole.feed(piece):
                yield Chunk(path=path, value=value)
        if error is not None:
            raise error

    def cost(self, input_tokens, output_tokens):
        return 0.0


def breaks(*slugs, error=ModelInterrupted):
    return answer(*slugs, whole=False), error()


def run_of(*answers, fall_back=False, language="en"):
    run = MemoryRun(KNEE, language, provider=Model(*answers))
    run.may_fall_back = fall_back
    return run


async def executed(run):
    result = await exercise_program.execute(run)
    assert items_of(run) == [item["slug"] for item in result["program"]["items"]]
    return result["program"]


def items_of(run):
    return [data["value"]["slug"] for data in run.named("item")]


def decided_in(task):
    return task.brief["decided"]


def said(run):
    return [data["message"] for data in run.named("progress") if "stage" not in data]


async def test_a_good_answer_is_asked_for_once():
    run = run_of(answer(*GOOD))
    program = await executed(run)
    assert (items_of(run), len(run.tasks), program["findings"]) == (GOOD, 1, [])


async def test_each_exercise_is_told_before_the_answer_goes_on():
    seen = []

    class Watching(Model):
        async def write(self, task):
            async for chunk in super().write(task):
                seen.append(len(items_of(run)))
                yield chunk

    run = MemoryRun(KNEE, provider=Watching(answer(*GOOD)))
    await executed(run)
    assert sorted(set(seen)) == [0, 1, 2, 3, 4]
    assert items_of(run) == GOOD


async def test_what_was_wrong_is_sent_back_with_the_answer_and_what_there_is_to_choose_from():
    first = answer(*FEW, UNKNOWN, "bridge-x")
    run = run_of(first, answer(*GOOD[2:]))
    await executed(run)
    asked, mending = run.tasks
    assert (asked.repair, items_of(run)) == (None, GOOD)
    assert mending.repair.previous == first
    unknown, near, few, *_, accepted, choices = mending.repair.errors
    assert unknown.startswith(f"V03: {UNKNOWN} is not among the exercises that were offered")
    assert "nearest: bridge" in near
    assert few == "V02: 2 exercises; 4 at least"
    assert accepted == f"accepted: {', '.join(FEW)}; 2 more at least, 3 at most"
    offered = {candidate["slug"] for candidate in asked.brief["candidates"]}
    assert set(choices.removeprefix("choose from: ").split(", ")) <= offered - set(FEW)
    assert said(run) == ["Mending the draft (1 of 2)"]


async def test_an_accepted_exercise_is_not_taken_back_whatever_later_answers_hold():
    run = run_of(answer(*FEW, UNKNOWN), answer("bridge", UNKNOWN), answer(*GOOD[2:4]))
    await executed(run)
    assert items_of(run) == GOOD[:4]


async def test_two_repairs_are_asked_for_and_no_third():
    run = run_of(*[answer(UNKNOWN)] * 5)
    with pytest.raises(OutputInvalid, match="V02, V03"):
        await exercise_program.execute(run)
    assert [task.repair is not None for task in run.tasks] == [False] + [True] * REPAIRS


async def test_what_stays_wrong_is_left_out_and_owned_up_to_where_enough_is_right():
    run = run_of(*[answer(*GOOD[:4], UNKNOWN)] * 3)
    program = await executed(run)
    assert (items_of(run), len(run.tasks)) == (GOOD[:4], 3)
    [finding] = program["findings"]
    assert (finding["code"], finding["severity"]) == ("V03", "warning")
    # Not in the model's words, which nobody has checked.
    assert finding["message"] == "left out: not as asked for"


async def test_a_mixture_that_lacks_something_is_worth_one_round_alone():
    run = run_of(answer(*STRENGTH), answer())
    await executed(run)
    assert (items_of(run), len(run.tasks)) == (STRENGTH, 2)
    assert "V09: no balance exercise" in run.tasks[1].repair.errors


async def test_an_answer_that_breaks_off_is_taken_up_where_it_ended():
    run = run_of(breaks(*FEW), answer(*GOOD[2:]))
    await executed(run)
    first, second = run.tasks
    assert (decided_in(first), decided_in(second), second.repair) == ([], FEW, None)
    assert (items_of(run), said(run)) == (GOOD, ["The answer broke off; asking for the rest"])


@pytest.mark.parametrize("error", [ModelInterrupted, ModelTimedOut, ModelGarbled])
async def test_it_is_taken_up_twice_and_then_given_up_with_what_was_written_kept(error):
    run = run_of(*(breaks(slug, error=error) for slug in GOOD))
    with pytest.raises(error):
        await exercise_program.execute(run)
    assert [decided_in(task) for task in run.tasks] == [[], GOOD[:1], GOOD[:2]]
    assert items_of(run) == GOOD[:3]


async def test_it_is_taken_up_twice_in_all_rounds_together():
    bad = answer(UNKNOWN)
    run = run_of(*[breaks(), breaks(), bad] * 3)
    with pytest.raises((ModelInterrupted, OutputInvalid)):
        await exercise_program.execute(run)
    assert len(run.tasks) <= 1 + REPAIRS + INTERRUPTIONS


async def test_a_call_that_ends_before_a_word_is_not_taken_up():
    run = run_of(ModelTimedOut(), answer(*GOOD))
    with pytest.raises(ModelTimedOut):
        await exercise_program.execute(run)
    assert len(run.tasks) == 1


async def test_a_break_behind_the_last_exercise_that_is_wanted_is_the_end():
    run = run_of(breaks(*GOOD))
    await executed(run)
    assert (items_of(run), len(run.tasks), said(run)) == (GOOD, 1, [])


async def test_a_break_before_the_danger_signs_were_told_is_asked_about():
    run = run_of((answer(*GOOD, whole=False, flags=False), ModelInterrupted()), answer())
    await executed(run)
    assert (items_of(run), len(run.tasks)) == (GOOD, 2)


async def test_more_exercises_than_are_wanted_are_not_taken():
    run = run_of(answer(*GOOD, "wall-sit", UNKNOWN))
    await executed(run)
    assert (items_of(run), len(run.tasks)) == (GOOD, 1)


@pytest.mark.parametrize(
    ("language", "answers", "words"),
    [
        ("en", [ModelRateLimited()], "The model server failed; rules write the program."),
        ("da", [ModelError()], "Modelserveren svigtede; regler skriver programmet."),
        ("en", [answer(UNKNOWN)] * 3, "The model's draft failed checks V02, V03; rules write the program."),
        ("da", [answer(UNKNOWN)] * 3, "Modellens udkast bestod ikke tjek V02, V03; regler skriver programmet."),
        ("en", [OutputInvalid()], "The model gave no usable draft; rules write the program."),
    ],
    ids=["failed-en", "failed-da", "invalid-en", "invalid-da", "declined"],
)
async def test_the_rules_take_over_and_say_so(language, answers, words):
    run = run_of(*answers, fall_back=True, language=language)
    program = await executed(run)
    assert run.named("warning") == [{"code": "MODEL_FALLBACK", "message": words}]
    assert (program["fallback"], words in program["warnings"]) == (words, False)
    assert len(program["items"]) >= 4
    assert run.engine == "composer"


async def test_the_rules_go_on_from_what_the_model_wrote():
    run = run_of(breaks(*FEW), ModelError(), fall_back=True)
    program = await executed(run)
    assert items_of(run)[:2] == FEW
    assert len({item["slug"] for item in program["items"]}) == len(program["items"]) >= 4
    assert [finding for finding in program["findings"] if finding["severity"] == "error"] == []


async def test_without_leave_to_fall_back_the_error_is_the_runs():
    run = run_of(ModelRateLimited())
    with pytest.raises(ModelRateLimited):
        await exercise_program.execute(run)
    assert run.named("warning") == []


def later(run, *answers):
    """A later attempt, which asks the model for these."""
    again = run.again()
    again.provider, again.may_fall_back = Model(*answers), run.may_fall_back
    return again


async def test_a_later_attempt_asks_only_for_what_is_missing():
    run = run_of((answer(*FEW, whole=False), ConnectionError()))
    with pytest.raises(ConnectionError):
        await exercise_program.execute(run)
    again = later(run, answer(*GOOD[2:]))
    await executed(again)
    assert [decided_in(task) for task in again.tasks] == [FEW]
    assert [data["index"] for data in again.named("item")] == [0, 1, 2, 3, 4]


async def test_a_later_attempt_goes_on_with_the_repairs_that_are_left():
    run = run_of(answer(*FEW, UNKNOWN), answer(UNKNOWN), (answer(), ConnectionError()))
    with pytest.raises(ConnectionError):
        await exercise_program.execute(run)
    again = later(run, answer(UNKNOWN), answer(*GOOD))
    with pytest.raises(OutputInvalid):
        await exercise_program.execute(again)
    [task] = again.tasks
    assert task.repair.previous == answer(UNKNOWN)
    assert f"accepted: {', '.join(FEW)}; 2 more at least, 3 at most" in task.repair.errors


async def test_a_later_attempt_that_finds_the_draft_written_asks_nobody():
    run = run_of(answer(*GOOD))
    await executed(run)
    again = later(run)
    await executed(again)
    assert again.tasks == []


async def test_the_model_is_told_no_more_of_its_last_answer_than_is_worth_reading():
    run = run_of("x" * (2 * MOST_PREVIOUS), answer(*GOOD))
    await executed(run)
    assert len(run.tasks[1].repair.previous) == MOST_PREVIOUS


async def test_the_bar_moves_with_the_answer_and_stops_short_of_the_end_until_it_is_there():
    run = MemoryRun(KNEE, provider=Model("x" * 4000, answer(*GOOD)))
    run.expected_tokens = 500
    await executed(run)
    generating = [percent for percent in run.percents if 40 < percent < 70]
    assert generating == sorted(generating)
    assert max(generating) == pytest.approx(40 + 30 * 0.95)
