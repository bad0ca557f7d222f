"""What a model server can do, found out by asking it three times."""

import asyncio
import json
from contextlib import aclosing
from dataclasses import dataclass

from generation.clinical.answer import SCHEMA
from generation.errors import HepError, OutputInvalid
from generation.providers.base import Task
from generation.providers.dialect import Dialect, dialect_of
from generation.providers.openai_sdk import ModelServer
from generation.providers.whole import answer_in

# Enough to tell a speed by, and to be in the middle of a program.
PIECES = 40
# Far more than the short answer has; a model that writes on has not understood.
MOST_PIECES = 200
# An answer of about ten tokens, in the form that programs have.
SHORT = Task(
    purpose="probe",
    facts={},
    brief={"candidates": []},
    prompt="",
    instructions='Answer with this JSON and nothing else: {"exercises": [], "red_flags": []}',
    schema=SCHEMA,
    language="en",
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer, or its beginning. Times are seconds since it was asked for; a piece is a token with most servers.

    `whole` when it was heard to its end, and `counted` when the server then said what it took.
    """

    text: str
    pieces: int
    first_s: float
    last_s: float
    closing_s: float
    whole: bool
    counted: bool

    @property
    def pieces_per_s(self) -> float | None:
        """None when all came at once."""
        took = self.last_s - self.first_s
        return (self.pieces - 1) / took if took > 0.01 else None

    @property
    def fits(self) -> bool:
        """Whether it is JSON of the form that was asked for."""
        try:
            found = json.loads(answer_in(self.text))
        except (ValueError, RecursionError):
            return False
        return all(isinstance(found.get(name), list) for name in SCHEMA["properties"])


@dataclass(frozen=True, slots=True)
class Findings:
    """`short` was heard to its end, `program` closed in the middle, and `after` was asked for at once after that."""

    short: Heard
    program: Heard
    after: Heard
    dialect: Dialect


class ProbeFailed(Exception):
    """`asked` is the answer that failed, as Findings names it; `began` when some of it was heard."""

    def __init__(self, asked: str, error: HepError, began: bool) -> None:
        self.asked = asked
        self.error = error
        self.began = began
        super().__init__(error.sentence)


async def probe(model: str, program: Task, within_s: float) -> Findings:
    """Ask for a short answer, for a program, and for the short answer again. Raises ProbeFailed.

    Each may take `within_s` seconds, and nothing is retried.
    """
    server = ModelServer()
    try:
        short = await hear("short", server, model, SHORT, MOST_PIECES, within_s)
        middle = await hear("program", server, model, program, PIECES, within_s)
        after = await hear("after", server, model, SHORT, 1, within_s)
    finally:
        await server.close()
    return Findings(short, middle, after, dialect_of(model))


async def hear(asked: str, server: ModelServer, model: str, task: Task, most: int, within_s: float) -> Heard:
    """Read so many pieces, then close. Raises ProbeFailed."""
    clock = asyncio.get_running_loop().time
    began = clock()
    times: list[float] = []
    text: list[str] = []
    counted, whole = False, True
    try:
        async with aclosing(server.stream(model, task, began + within_s)) as pieces:
            async for piece in pieces:
                if piece.refusal or piece.finish == "content_filter":
                    raise OutputInvalid("The model declined to write this.")
                counted = counted or piece.usage is not None
                if piece.text or piece.thinks:
                    text.append(piece.text)
                    times.append(clock() - began)
                if len(times) >= most:
                    whole = False
                    break
            closing = clock()
        if not times:
            raise OutputInvalid("The model answered without a word.")
    except HepError as error:
        raise ProbeFailed(asked, error, bool(times)) from None
    return Heard("".join(text), len(times), times[0], times[-1], clock() - closing, whole, counted)
