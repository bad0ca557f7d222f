"""The embedded provider: rules and data in place of a model. It needs no network and costs nothing."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from generation.providers.base import Chunk, Task, Usage
from generation.providers.composer import exercise_program
from generation.providers.messages import messages

_WRITERS = {"exercise_program": exercise_program.compose}


class Composer:
    """Writes what a pipeline asks for by rule; `pace_s` waits before each piece, for demonstrations and tests."""

    name = "composer"
    model = "rules-1"

    def __init__(self, pace_s: float = 0.0) -> None:
        self.pace_s = pace_s

    async def write(self, task: Task) -> AsyncIterator[Chunk]:
        """Yield the answer's objects; raises KeyError for a purpose it has no rules for."""
        for chunk in self._pieces(task):
            await asyncio.sleep(self.pace_s)
            yield chunk
        yield Chunk(usage=Usage())

    def messages(self, task: Task) -> list[dict[str, str]]:
        """What a model would be sent; the composer itself sends nothing anywhere."""
        return messages(task, with_schema=False)

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        return 0.0

    @staticmethod
    def _pieces(task: Task) -> Iterator[Chunk]:
        return _WRITERS[task.purpose](task)
