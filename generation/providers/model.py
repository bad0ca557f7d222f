"""The provider for what a model writes: it asks again where that helps, and says what each call cost."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

import structlog
from django.conf import settings

from generation.errors import (
    ModelConnectTimedOut,
    ModelError,
    ModelInterrupted,
    ModelRateLimited,
    ModelRejected,
    ModelResting,
    ModelTimedOut,
    OutputInvalid,
)
from generation.providers.base import Chunk, Task, Usage, Wait
from generation.providers.dialect import dialect_of
from generation.providers.messages import tokens
from generation.providers.openai_sdk import ModelServer, name, server_here, told
from generation.providers.whole import WholeObjects

logger = structlog.get_logger(__name__)

# Calls beyond the first that one answer may take, before its first word.
RETRIES = 2
FIRST_WAIT_S = 1.0


class ModelWriter:
    """The provider of one attempt: the time that its calls may take in all begins with the first one."""

    def __init__(self, model: str) -> None:
        self.name = name()
        self.model = model
        self.until: float | None = None

    def messages(self, task: Task) -> list[dict[str, str]]:
        return told(task, dialect_of(self.model))

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        read, written = settings.MODEL_PRICES.get(self.model, (0.0, 0.0))
        return (input_tokens * read + output_tokens * written) / 1e6

    def usage(self, input_tokens: int, output_tokens: int, *, estimated: bool) -> Usage:
        return Usage(input_tokens, output_tokens, self.cost(input_tokens, output_tokens), estimated)

    async def write(self, task: Task) -> AsyncIterator[Chunk]:
        loop, server = asyncio.get_running_loop(), await server_here()
        self.until = self.until or loop.time() + settings.MODEL_TOTAL_TIMEOUT_S
        asked = sum(tokens(message["content"]) for message in self.messages(task))
        before: ModelError | None = None
        for failures in range(RETRIES + 1):
            began = heard = False
            try:
                async with server.turn(self.until):
                    began = True
                    yield Chunk(begins=self.usage(asked, 0, estimated=True))
                    async with aclosing(self.answer(server, task, asked)) as answer:
                        async for chunk in answer:
                            heard = heard or bool(chunk.text)
                            yield chunk
                return
            except ModelError as error:
                # Our own sentence: it holds nothing of the case.
                logger.warning("model_call_failed", server=self.name, model=self.model, reason=error.sentence)
                if heard:
                    raise
                if isinstance(error, ModelResting) and before is not None:
                    # What made the server rest says more.
                    raise before from None
                if began and not worked_for(error):
                    yield Chunk(usage=Usage())
                wait = waiting(error, failures)
                if failures == RETRIES or wait is None or loop.time() + wait >= self.until:
                    raise
                before, busy = error, isinstance(error, ModelRateLimited)
            yield Chunk(wait=Wait(wait, busy))
            await asyncio.sleep(wait)

    async def answer(self, server: ModelServer, task: Task, asked: int) -> AsyncGenerator[Chunk, None]:
        """What one call says. Raises ModelError, and OutputInvalid where the model would not write."""
        assert self.until is not None
        whole, counted, finish = WholeObjects(), None, None
        try:
            async with aclosing(server.stream(self.model, task, self.until)) as pieces:
                async for piece in pieces:
                    counted, finish = piece.usage or counted, piece.finish or finish
                    if piece.refusal or finish == "content_filter":
                        raise OutputInvalid("The model declined to write this.")
                    if piece.text:
                        yield Chunk(text=piece.text)
                        for path, value in whole.feed(piece.text):
                            yield Chunk(path=path, value=value)
            if finish is None:
                raise ModelInterrupted
        except (ModelError, OutputInvalid):
            if counted is not None:
                yield Chunk(usage=self.usage(*counted, estimated=False), broken=True)
            raise
        read, written = counted or (asked, tokens(whole.text))
        yield Chunk(usage=self.usage(read, written, estimated=counted is None))


def worked_for(error: ModelError) -> bool:
    """Whether the server may have read the request before it failed, and so bills it."""
    return isinstance(error, ModelTimedOut | ModelInterrupted) and not isinstance(error, ModelConnectTimedOut)


def waiting(error: ModelError, failures: int) -> float | None:
    """Seconds until the next try; None when there is no use in it, or the server asks for a longer wait than we make.

    Spread by chance, so that runs which failed together do not come back together.
    """
    if isinstance(error, ModelRejected | ModelResting):
        return None
    spread = random.uniform(0.5, 1.0)  # noqa: S311
    if error.retry_after_s is None:
        return FIRST_WAIT_S * 2.0**failures * spread
    return error.retry_after_s + spread if error.retry_after_s <= settings.MODEL_MAX_WAIT_S else None
