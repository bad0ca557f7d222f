"""The seam between a pipeline and whatever writes for it: a model server or the embedded composer.

A provider is one method, `write`. It is given a `Task`, which is plain data, and yields `Chunk`s.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be written: data only, so that any provider can render it in its own way.

    `facts` is JSON-able and already free of anything that identifies a person. `schema` is the JSON
    Schema of the whole answer; `language` is `en` or `da`.
    """

    purpose: str
    facts: Mapping[str, Any]
    instructions: str
    schema: Mapping[str, Any]
    language: str


@dataclass(frozen=True, slots=True)
class Usage:
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the answer: text as it is written, an object that has become whole, or the usage.

    `path` names the array that `value` belongs to, as `exercises`.
    """

    text: str = ""
    path: str | None = None
    value: Any = None
    usage: Usage | None = None


class Provider(Protocol):
    name: str
    model: str

    def write(self, task: Task) -> AsyncIterator[Chunk]:
        """Yield the answer piece by piece; closing the iterator closes the upstream call."""
        ...
