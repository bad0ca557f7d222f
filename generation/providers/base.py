"""The seam between a pipeline and whatever writes for it: a model server or the embedded composer.

A provider is one method, `write`. It is given a `Task`, which is plain data, and yields `Chunk`s.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Repair:
    """What a model's last answer got wrong, a sentence each, and that answer as it came."""

    errors: Sequence[str]
    previous: str


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be written: data only, so that any provider can render it in its own way.

    `facts` is all there is to decide on, for a provider that works by rule; `brief` is what a model is told of it.
    Both are JSON-able and free of anything that identifies a person, but only `brief` ever leaves this server.
    `instructions` are those of the prompt file whose name is `prompt`. `schema` is the JSON Schema of the whole answer;
    `language` is `en` or `da`. With `repair`, the model is shown that in place of `brief`.
    """

    purpose: str
    facts: Mapping[str, Any]
    brief: Mapping[str, Any]
    prompt: str
    instructions: str
    schema: Mapping[str, Any]
    language: str
    repair: Repair | None = None
    # How many pieces of each kind were taken out of the case, for the audit.
    redacted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens and dollars of one call; `estimated` when the server did not count them itself."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Wait:
    """The server did not answer; it is asked again in `seconds`. `busy` when it said that it is."""

    seconds: float
    busy: bool


# Not frozen: one is made for each token, and that would cost four times as much.
@dataclass(slots=True)
class Chunk:
    """A piece of the answer: text as it is written, an object that has become whole, or a fact about the call.

    `path` names the array that `value` belongs to, as `exercises`. `begins` comes before each call to a model and
    estimates what asking costs: the call is made when the next chunk is asked for. `usage` comes after each call, and
    says what it cost.
    """

    text: str = ""
    path: str | None = None
    value: Any = None
    begins: Usage | None = None
    usage: Usage | None = None
    # With `usage`: the call did not end as it should.
    broken: bool = False
    wait: Wait | None = None


class Provider(Protocol):
    name: str
    model: str

    def write(self, task: Task) -> AsyncIterator[Chunk]:
        """Yield the answer piece by piece; closing the iterator closes the upstream call.

        Raises ModelError when the model server fails, and OutputInvalid when it answers without writing.
        """
        ...

    def messages(self, task: Task) -> list[dict[str, str]]:
        """What a model is sent for this task, as `{role, content}`."""
        ...

    def cost(self, input_tokens: int, output_tokens: int) -> float:
        """What a call of this size costs, in dollars."""
        ...
