"""The model server of the tests, writing whole programs at the speeds and lengths of a trace (`stage_trace.csv`).

The next answer of a model named `provider-model` takes the next row of that name: its time divided by `faster`, its
tokens as they are, several in a piece. The number of exercises, the wait for the first token and how the text is spread
over the exercises vary from row to row, the same way each time.
"""

import asyncio
import csv
import itertools
import json
import math
import random
import sys
from collections import defaultdict, deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.model_answers import Asked, good, picks
from tests.support.model_exchange import Exchange
from tests.support.model_scenarios import Played
from tests.support.model_server import ModelServer

# Of the text. Not the four that `generation.providers.messages.tokens` takes: a server's count is never ours.
BYTES_PER_TOKEN = 3.5
# A piece comes no more often than this, however fast the model is.
APART_S = 0.05
# Seconds of the trace until the first token: the median, the spread of its logarithm, and the most of the whole.
FIRST_S, FIRST_SPREAD, FIRST_MOST = 0.6, 0.6, 0.3
# How the lengths of one answer's exercises, and the times of its pieces, scatter around their mean, as logarithms.
LENGTH_SPREAD, PIECE_SPREAD = 0.3, 0.3
# How often an answer has the most exercises, one fewer, two fewer; never below four.
FEWER = (0.5, 0.3, 0.2)
LEAST = 4
REASON = "Healing, movement and strength to stay strong in work and sport"
LONGEST_REASON = 190


class Row(NamedTuple):
    writer: str
    tokens: int
    duration_ms: int


def rows_of(path: Path) -> list[Row]:
    """The stages that wrote and succeeded, in the order of the trace."""
    with path.open(newline="", encoding="utf-8-sig") as lines:
        return [
            Row(f"{row['provider']}-{row['model']}", int(row["output_tokens"]), int(row["duration_ms"]))
            for row in csv.DictReader(lines)
            if row["output_tokens"] and row["outcome"] == "succeeded" and int(row["duration_ms"])
        ]


def text_of(asked: Asked, tokens: int, chance: random.Random) -> str:
    """A program of so many tokens; longer where four exercises do not fit in."""
    wanted = max(LEAST, asked.most - chance.choices(range(len(FEWER)), FEWER)[0])
    length = round(tokens * BYTES_PER_TOKEN)
    head, tail = '{"red_flags": [], "exercises": [', "]}"
    bare = [json.dumps(pick | {"reason": ""}) for pick in picks(asked)[:wanted]]
    while len(bare) > LEAST and len(head) + len(tail) + sum(len(each) + 1 for each in bare) > length:
        bare.pop()
    room = max(0, length - len(head) - len(tail) - sum(len(each) + 1 for each in bare))
    weights = [chance.lognormvariate(0, LENGTH_SPREAD) for _ in bare]
    shares = [round(room * weight / sum(weights)) for weight in weights]
    return head + ",".join(map(filled, bare, shares)) + tail


def filled(bare: str, more: int) -> str:
    """An exercise so much longer: by its reason, then by white space as of an indented answer."""
    reason = (f"{REASON}. " * 4)[: min(more, LONGEST_REASON)]
    return bare[:-2] + reason + '"' + " " * (more - len(reason)) + "}"


class TraceServer(ModelServer):
    def __init__(self, rows: Sequence[Row], faster: float) -> None:
        super().__init__()
        self._faster = faster
        self._rows: dict[str, deque[tuple[int, Row]]] = defaultdict(deque)
        for place, row in enumerate(rows):
            self._rows[row.writer].append((place, row))

    async def _play(self, played: Played | None, exchange: Exchange, connection: Any) -> bool:
        return await super()._play(Played(self._next, "", None, None), exchange, connection)

    async def _next(self, x: Exchange, argument: str) -> None:
        if x.asked.errors:
            return await x.stream(good(x.asked))
        place, row = self._rows[x.call.model].popleft()
        chance, now = random.Random(place), asyncio.get_running_loop().time
        text = text_of(x.asked, row.tokens, chance)
        began, whole_s = now(), row.duration_ms / 1000 / self._faster
        first_s = chance.lognormvariate(math.log(FIRST_S), FIRST_SPREAD) / self._faster
        first_s = min(first_s, FIRST_MOST * whole_s)
        pieces = max(1, min(row.tokens, int((whole_s - first_s) / APART_S)))
        times = [*itertools.accumulate(chance.lognormvariate(0, PIECE_SPREAD) for _ in range(pieces))]
        await x.begin()
        for piece, time in enumerate(times):
            begin, end = (len(text) * step // pieces for step in (piece, piece + 1))
            due = began + first_s + (whole_s - first_s) * time / times[-1]
            await asyncio.sleep(due - now())
            await x.event(x.completion({"content": text[begin:end]}))
        x.call.tokens_sent = max(row.tokens, round(len(text) / BYTES_PER_TOKEN))
        await x.finish("stop")
        await x.end()


def serve(path: str, faster: str) -> None:
    """Print where it is, and go on until the standard input ends."""
    with TraceServer(rows_of(Path(path)), float(faster)) as server:
        print(server.base_url, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    serve(*sys.argv[1:])
