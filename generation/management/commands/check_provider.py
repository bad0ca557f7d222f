"""Whether the configured model server can be used, before a clinician finds out."""

import asyncio
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from generation.calls import EXPECTED_TOKENS
from generation.clinical import library
from generation.errors import (
    ModelConnectTimedOut,
    ModelRateLimited,
    ModelRejected,
    ModelTimedOut,
    ModelUnreachable,
    OutputInvalid,
)
from generation.pipelines import exercise_program
from generation.providers import openai_sdk
from generation.providers.base import Task
from generation.providers.messages import messages, tokens
from generation.providers.probe import Findings, ProbeFailed, probe

# Made up: no case of a patient leaves the server for a check.
CASE = "68 yo woman, right knee OA, pain 4/10 on stairs, 8 months, wants to climb stairs and walk 30 min, has a chair."
FORMS = {
    "json_schema": "the server takes the schema of the answer (json_schema)",
    "json_object": "the server takes no schema, but JSON mode (json_object)",
    "prompt": "the server takes neither a schema nor JSON mode; the prompt alone asks for JSON",
}
# Seconds that a server may need to turn from an answer that was closed to the next one.
TURNING_S = 2.0


class Command(BaseCommand):
    help = "Ask the configured model server a few made-up questions: what it can do, and how fast. Stores nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--model", help="Another model than the configured one.")
        parser.add_argument(
            "--timeout", type=float, default=60, help="Seconds that each answer may take (%(default)s)."
        )

    def handle(self, *args: Any, model: str | None, timeout: float, **options: Any) -> None:
        model = model or settings.MODEL_BY_KIND.get(exercise_program.KIND) or settings.MODEL
        if not model:
            raise CommandError("No model is configured, so the embedded composer writes. Set OPENAI_MODEL to use one.")
        if timeout <= 0:
            raise CommandError("--timeout must be more than 0 seconds.")
        self.stdout.write(f"Server: {openai_sdk.name()}")
        self.stdout.write(f"Model: {model}")
        self.stdout.flush()
        task = made_up()
        try:
            found = asyncio.run(probe(model, task, timeout))
        except ProbeFailed as failure:
            raise CommandError(told(failure, timeout, task)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped.") from None
        for line in lines(found, task):
            self.stdout.write(line)
        self.stdout.write(price(model))
        self.stdout.flush()
        require_speed(found)
        self.stdout.write(
            "It can be used." if found.short.fits else "It answers, but not in the form that was asked for."
        )


def made_up() -> Task:
    task = exercise_program.preview({"prompt": CASE}, "en", library.load().exercises)
    assert task is not None
    return task


def lines(found: Findings, task: Task) -> Iterator[str]:
    short, program, after = found.short, found.program, found.after
    yield f"Form: {FORMS[found.dialect.form]}"
    if not short.fits:
        wrong = "was of another form" if short.whole else "had no end"
        yield f"      but the short answer {wrong}: drafts may fail, and the rules then write the program"
    yield f"First word: after {short.first_s:.2f} s; of a program after {program.first_s:.2f} s, {size(task)} read"
    yield f"Speed: {speed(found)}"
    if short.counted:
        yield "Usage: counted by the server"
    elif short.whole:
        yield "Usage: not counted by the server, so costs are estimated"
    else:
        yield "Usage: not known, since the short answer had no end"
    if program.whole:
        yield "Cancel: not tried, since the answer was whole before it could be closed"
        return
    yield f"Cancel: closed in {program.closing_s * 1000:.0f} ms; the next answer began after {after.first_s:.2f} s"
    if after.first_s > short.first_s + TURNING_S:
        yield "      the server seems to go on writing for a while when nobody listens any more"


def size(task: Task) -> str:
    read = sum(tokens(message["content"]) for message in messages(task, with_schema=False))
    return f"some {read} tokens"


def speed(found: Findings) -> str:
    per_s = found.program.pieces_per_s
    if per_s is None:
        return "too fast to measure: all came at once"
    return f"about {per_s:,.{0 if per_s >= 10 else 1}f} tokens a second"


def price(model: str) -> str:
    known = settings.MODEL_PRICES.get(model)
    if known is None:
        return "Price: not known, so that calls count as free and no daily budget is ever spent; set MODEL_PRICES"
    return f"Price: {known[0]:g} dollars for a million tokens read, {known[1]:g} for a million written"


def require_speed(found: Findings) -> None:
    """Raises CommandError when a program would not be done in time."""
    per_s = found.program.pieces_per_s
    expected = found.program.first_s + (EXPECTED_TOKENS / per_s if per_s else 0)
    if expected > settings.MODEL_TOTAL_TIMEOUT_S:
        raise CommandError(
            f"The model is too slow: a program would take about {expected:.0f} s, and MODEL_TOTAL_TIMEOUT_S is "
            f"{settings.MODEL_TOTAL_TIMEOUT_S:g}. Use a smaller model or a faster machine, or raise it."
        )


def told(failure: ProbeFailed, within_s: float, task: Task) -> str:
    """What failed, and what to do about it."""
    error = failure.error
    sentence = error.sentence
    if isinstance(error, ModelTimedOut) and not isinstance(error, ModelConnectTimedOut):
        sentence = (
            f"The model was not done within {within_s:g} s, or fell silent."
            if failure.began
            else f"The model wrote nothing within {min(within_s, settings.MODEL_FIRST_TOKEN_TIMEOUT_S):g} s."
        )
    if failure.asked == "program":
        sentence = f"A short answer came, but no program: {sentence}"
    if failure.asked == "after":
        sentence = f"After an answer that was closed in the middle: {sentence}"
    return f"{sentence} {advice(failure, task)}"


def advice(failure: ProbeFailed, task: Task) -> str:
    match failure.error:
        case ModelUnreachable() | ModelConnectTimedOut():
            return "Is the server running, and OPENAI_BASE_URL right?"
        case ModelRejected() if failure.asked == "program":
            return f"Is the model's context large enough? The request has {size(task)}."
        case ModelRejected():
            return "Look at OPENAI_API_KEY, OPENAI_MODEL and OPENAI_BASE_URL, which mostly ends in /v1."
        case ModelRateLimited():
            return "If it stays so, ask its owner for a higher limit."
        case ModelTimedOut():
            return "Use a smaller model or a faster machine, or raise --timeout and MODEL_FIRST_TOKEN_TIMEOUT_S."
        case OutputInvalid():
            return "Try another model."
        case _:
            return "Look at the log of the server, and at any proxy before it: answers must arrive as they are written."
