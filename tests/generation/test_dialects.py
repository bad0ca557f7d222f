"""The frames that clients of wire.md 2.1 were written for."""

import pytest

from generation.dialects import exercise_program
from generation.errors import NotSignedIn, TooManyRuns


def progress(stage: str, percent: float, ms: int | None = 900) -> dict[str, object]:
    eta = None if ms is None else {"ms": ms, "low_ms": 1, "high_ms": 2, "basis": "default"}
    return {"event": "progress", "data": {"stage": stage, "message": "Words", "progress": percent, "eta": eta}}


def test_progress_becomes_a_stage_frame():
    assert exercise_program.Translator().frames(progress("generating", 55)) == (
        {"stage": "generating", "message": "Words", "progress": 55, "estimatedTimeRemaining": 900},
    )


def test_no_estimate_is_null_and_nothing_remains_at_complete():
    translator = exercise_program.Translator()
    assert translator.frames(progress("started", 5, None))[0]["estimatedTimeRemaining"] is None
    assert translator.frames(progress("complete", 100))[0]["estimatedTimeRemaining"] == 0


def test_the_result_is_a_frame_of_its_own():
    frames = exercise_program.Translator().frames({"event": "complete", "data": {}}, {"outcome": "program"})
    assert frames == ({"type": "result", "data": {"outcome": "program"}},)


def test_a_cancelled_run_ends_in_the_stage_it_was_in():
    translator = exercise_program.Translator()
    translator.frames(progress("generating", 40))
    (frame,) = translator.frames({"event": "cancelled", "data": {}})
    assert (frame["stage"], frame["progress"], frame["error"]) == ("generating", 40, "CANCELLED")


def test_a_pause_repeats_the_last_frame_in_its_own_words():
    translator = exercise_program.Translator()
    translator.frames(progress("generating", 55))
    paused = {"stage": "generating", "message": "Paused", "progress": 55, "estimatedTimeRemaining": 900}
    assert translator.frames({"event": "paused", "data": {"by": "alice"}}) == (paused,)
    assert translator.frames({"event": "resumed", "data": {"by": "alice"}}) == ()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("OPENAI_TIMEOUT", "OPENAI_API_ERROR"),
        ("OUTPUT_INVALID", "OPENAI_API_ERROR"),
        ("WORKER_LOST", "SERVER_ERROR"),
        ("RATE_LIMITED", "RATE_LIMITED"),
        ("TOO_MANY_RUNS", "TOO_MANY_RUNS"),
    ],
)
def test_codes_are_said_in_the_words_of_the_dialect(code, said):
    (frame,) = exercise_program.Translator().frames({"event": "error", "data": {"code": code, "message": "M"}})
    assert frame["error"] == said


@pytest.mark.parametrize(("error", "code"), [(NotSignedIn(), "AUTHENTICATION_ERROR"), (TooManyRuns(), "TOO_MANY_RUNS")])
def test_a_refusal_is_a_frame_of_the_same_form(error, code):
    frame = exercise_program.Translator().refusal(error)
    assert set(frame) == {"stage", "message", "progress", "estimatedTimeRemaining", "error"}
    assert frame["error"] == code


def test_other_events_say_nothing():
    assert exercise_program.Translator().frames({"event": "item", "data": {}}) == ()
