"""Whatever a model server does, a run that asks it ends, and in the right words (F17-F23).

With the engine `llm` it ends as the table says; with `auto` always in a program, which the composer finishes where the
model did not.
"""

from dataclasses import dataclass

import pytest

from tests.faults.in_process import Ended, assert_accounted, impatient, model_server, run_ended

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("library")]

API, BUSY, SLOW, INVALID = "OPENAI_API_ERROR", "OPENAI_RATE_LIMITED", "OPENAI_TIMEOUT", "OUTPUT_INVALID"
ONCE, TWICE, THRICE = "answered", "answered answered", "answered answered answered"
BROKE, FAILED = "broken broken broken", "failed failed failed"
NOT_BEGUN, SILENT = "The model server did not begin in 0.4 s.", "The model server fell silent for 0.4 s."


@dataclass(frozen=True, slots=True)
class Case:
    """How a run with the engine `llm` ends: its code, None for a program, and the outcome of each call.

    `requests` is how many the server saw, where that is not the number of calls. `silence_s` is for how long it may be
    silent, and `words` what the error then says.
    """

    model: str
    code: str | None
    calls: str
    requests: int | None = None
    silence_s: float | None = None
    words: str = ""

    async def played(self, owner, engine):
        limits = impatient(self.silence_s) if self.silence_s else {}
        async with model_server(self.model, **limits) as server:
            return await run_ended(owner, server, engine=engine)


CASES = {
    "good answers": [
        Case("good", None, ONCE),
        Case("fenced", None, ONCE),
        Case("thinking", None, ONCE),
        Case("reasoning", None, ONCE),
        Case("other-order", None, ONCE),
        Case("no-usage", None, ONCE),
        Case("split-code-points", None, ONCE),
        Case("list-event", None, ONCE),
        Case("number-event", None, ONCE),
        Case("nan-event", None, ONCE),
    ],
    "unknown forms": [
        Case("strict", None, ONCE),
        Case("only-json-object", None, ONCE, requests=2),
        Case("only-json-object-422", None, ONCE, requests=2),
        Case("only-prompt", None, ONCE, requests=3),
        Case("only-prompt-422", None, ONCE, requests=3),
        Case("no-stream-options", None, ONCE, requests=2),
        Case("no-stream-options-422", None, ONCE, requests=2),
        Case("no-max-tokens", None, ONCE, requests=2),
        Case("no-max-completion-tokens", None, ONCE),
        Case("status-400", API, "failed", requests=3),
        Case("status-422", API, "failed", requests=3),
    ],
    "wrong answers": [
        Case("two-exercises", None, TWICE),
        Case("duplicates", None, TWICE),
        Case("unknown-slug", None, THRICE),
        Case("unknown-slugs-once", None, TWICE),
        Case("forbidden-slug", None, THRICE),
        Case("wrong-dose", None, THRICE),
        Case("wrong-doses-twice", None, THRICE),
        Case("length", None, THRICE),
        Case("length-once", None, TWICE),
        Case("empty", INVALID, THRICE),
        Case("empty-once", None, TWICE),
        Case("no-exercises", INVALID, THRICE),
        Case("prose", INVALID, THRICE),
        Case("unknown-slugs", INVALID, THRICE),
        Case("wrong-doses", INVALID, THRICE),
        Case("strings-for-numbers", INVALID, THRICE),
        Case("nan", INVALID, THRICE),
        Case("infinity", INVALID, THRICE),
        Case("object-for-list", INVALID, THRICE),
        Case("extra-keys", INVALID, THRICE),
        Case("injected", INVALID, THRICE),
        Case("deep", INVALID, THRICE),
    ],
    "refusals": [
        Case("refusal", INVALID, "broken"),
        Case("content-filter", INVALID, "broken"),
    ],
    "F17 busy": [
        Case("busy", BUSY, FAILED),
        Case("busy-once", None, "failed answered"),
        Case("busy-twice", None, "failed failed answered"),
        Case("busy-after-120", BUSY, "failed"),
        Case("busy-until-120", BUSY, "failed"),
        Case("busy-after-soon", BUSY, FAILED),
        Case("busy-after-NaN", BUSY, FAILED),
        Case("busy-after-1e400", BUSY, FAILED),
        Case("busy-after--5", BUSY, FAILED),
        Case("busy-after-Fri, 20 Nov 2026 20:00:00 +99999999999999", BUSY, FAILED),
        Case("no-quota", API, "failed"),
    ],
    "F18 failing": [
        Case("status-500", API, FAILED),
        Case("status-500-once", None, "failed answered"),
        Case("status-500-twice", None, "failed failed answered"),
        Case("status-502", API, FAILED),
        Case("status-502-twice", None, "failed failed answered"),
        Case("html-status-502", API, FAILED),
        Case("html-status-502-once", None, "failed answered"),
        Case("status-503", API, FAILED),
        Case("status-503-once", None, "failed answered"),
        Case("status-504-once", None, "failed answered"),
        Case("status-529", API, FAILED),
        Case("status-529-twice", None, "failed failed answered"),
        Case("status-408-once", None, "failed answered"),
        Case("status-409-once", None, "failed answered"),
        Case("status-425-once", None, "failed answered"),
        Case("status-401", API, "failed"),
        Case("status-403", API, "failed"),
        Case("status-404", API, "failed"),
        Case("status-413", API, "failed"),
        Case("html-status-200", API, BROKE),
    ],
    "F20 silence": [
        Case("silent", SLOW, BROKE, silence_s=0.4, words=NOT_BEGUN),
        Case("silent-once", None, "broken answered", silence_s=1.0),
        Case("silent-after-headers", SLOW, BROKE, silence_s=0.4, words=NOT_BEGUN),
        Case("silent-after-role", SLOW, BROKE, silence_s=0.4, words=NOT_BEGUN),
        Case("comments", SLOW, BROKE, silence_s=0.4, words=NOT_BEGUN),
        Case("silent-mid-answer", SLOW, BROKE, silence_s=0.4, words=SILENT),
        Case("silent-mid-answer-once", None, "broken answered", silence_s=1.0),
        Case("one-byte-each-0.1", SLOW, BROKE, silence_s=0.4, words=SILENT),
    ],
    "F21 broken off": [
        Case("ends-early", API, BROKE),
        Case("ends-early-once", None, "broken answered"),
        Case("cut-off", API, BROKE),
        Case("cut-off-twice", None, "broken broken answered"),
        Case("reset", API, BROKE),
        Case("reset-once", None, "broken answered"),
        Case("breaks-after-2-once", None, "broken answered"),
        Case("error-in-stream", API, BROKE),
        Case("error-in-stream-once", None, "broken answered"),
        # Nothing is missing of the program; the call is still no success.
        Case("no-done", None, "broken"),
        Case("no-finish", None, "broken"),
    ],
    "F22 unreadable": [
        Case("broken-event", INVALID, BROKE),
        Case("broken-event-once", None, "broken answered"),
        Case("invalid-utf8", INVALID, BROKE),
        Case("invalid-utf8-once", None, "broken answered"),
        Case("deep-event", INVALID, BROKE),
        Case("long-line", INVALID, "broken"),
        Case("endless-line", INVALID, "broken"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("cases", CASES.values(), ids=CASES)
async def test_a_run_ends_in_the_right_event_whatever_the_server_does(alice, cases, subtests, settings):
    settings.MAX_STARTS_PER_MINUTE = 1000
    for case in cases:
        with subtests.test(case.model):
            asked = await case.played(alice, "llm")
            assert_ended_as(case, asked)
            assert_finished_by_the_rules(case, asked, await case.played(alice, "auto"))


def assert_ended_as(case: Case, run: Ended) -> None:
    assert_accounted(run)
    requests = len(case.calls.split()) if case.requests is None else case.requests
    assert (run.code, run.outcomes, len(run.requests)) == (case.code, case.calls, requests)
    assert not case.words or run.last["data"]["message"] == case.words
    if case.code is None:
        assert run.last["event"] == "complete"
        assert run.run.result["program"]["items"] == run.items
        assert (run.run.result["engine_used"], run.fell_back) == ("llm", False)


def assert_finished_by_the_rules(case: Case, asked: Ended, auto: Ended) -> None:
    """The same calls, and a program that begins with what the model wrote before it failed."""
    assert_accounted(auto)
    assert (auto.last["event"], auto.fell_back) == ("complete", case.code is not None)
    assert (auto.outcomes, len(auto.requests)) == (asked.outcomes, len(asked.requests))
    assert auto.run.result["program"]["items"] == auto.items
    assert auto.items[: len(asked.items)] == asked.items
    assert len(auto.items) >= 4
    assert auto.run.result["engine_used"] == ("composer" if case.code else "llm")
