"""How far the stage that runs has come, as the estimator wants to know it."""

import time
from collections.abc import Mapping
from typing import Any

from metrics.estimator import Estimate, Mark, Outlook

# Of one stage; a pipeline that counts further tells nothing more.
MOST_MARKS = 16
# As `providers.messages.tokens` estimates, but of all text together: it comes in pieces of any length.
BYTES_PER_TOKEN = 4


class Course:
    """What one attempt knows of its own pace. `size` is of the run's first request to a model, in tokens."""

    def __init__(self) -> None:
        self.size = 0
        # Whether the composer has taken over from a model.
        self.by_rule = False
        # Milliseconds that those earlier stages took in which a model wrote.
        self.asked_ms = 0
        self.began = time.monotonic()
        self.bytes = 0
        # Milliseconds of the stage until its first text.
        self.first_ms = 0
        self.marks: list[Mark] = []

    def begin(self) -> None:
        """A stage begins, or another writer takes it over."""
        self.began, self.bytes, self.first_ms, self.marks = time.monotonic(), 0, 0, []

    def heard(self, text: str) -> None:
        if not self.bytes:
            self.first_ms = round(self.elapsed_ms())
        self.bytes += len(text.encode(errors="surrogatepass"))

    @property
    def tokens(self) -> int:
        return -(-self.bytes // BYTES_PER_TOKEN)

    def mark(self, done: float) -> None:
        """So much of the stage's work is done, from 0 to 1; only what is more than before tells anything."""
        if len(self.marks) < MOST_MARKS and done > (self.marks[-1].done if self.marks else 0.0):
            self.marks.append(Mark(round(done, 3), round(self.elapsed_ms()), self.tokens))

    def elapsed_ms(self) -> float:
        return (time.monotonic() - self.began) * 1000

    def history(self) -> dict[str, Any]:
        """As JSON, for the stage's metric: tokens by the measure in which `facts` tells of them."""
        return {"heard": self.tokens, "marks": self.marks} if self.bytes else {}

    def facts(self) -> dict[str, Any]:
        """As JSON, for whoever asks for the estimate elsewhere."""
        found: dict[str, Any] = {"size": self.size, "asked_ms": self.asked_ms, "tokens": self.tokens}
        found |= {"first_ms": self.first_ms, "by_rule": self.by_rule}
        if self.marks:
            found["mark"] = self.marks[-1]
        return {name: value for name, value in found.items() if value}


def remaining(look: Outlook, stage: str, elapsed_ms: float, facts: Mapping[str, Any]) -> Estimate | None:
    """What is left of a run from this stage on, by the facts of its course."""
    known = {name: facts[name] for name in ("size", "asked_ms", "tokens", "first_ms") if name in facts}
    mark = Mark(*facts["mark"]) if "mark" in facts else None
    return look.remaining(stage, elapsed_ms, mark=mark, **known)
