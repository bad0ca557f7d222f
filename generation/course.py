"""How far the stage that runs has come, as the estimator wants to know it."""

import time
from collections.abc import Mapping
from typing import Any

from generation.providers.messages import tokens
from metrics.estimator import Estimate, Mark, Outlook

# Of one stage; a pipeline that counts further tells nothing more.
MOST_MARKS = 16


class Course:
    """What one attempt knows of its own pace. `size` is of the run's first request to a model, in tokens."""

    def __init__(self) -> None:
        self.size = 0
        # Milliseconds that those earlier stages took in which a model wrote.
        self.asked_ms = 0
        self.began = time.monotonic()
        self.tokens = 0
        self.marks: list[Mark] = []

    def begin(self) -> None:
        """A stage begins, or another writer takes it over."""
        self.began, self.tokens, self.marks = time.monotonic(), 0, []

    def heard(self, text: str) -> None:
        self.tokens += tokens(text)

    def mark(self, done: float) -> None:
        """So much of the stage's work is done, from 0 to 1; only what is more than before tells anything."""
        if len(self.marks) < MOST_MARKS and done > (self.marks[-1].done if self.marks else 0.0):
            self.marks.append(Mark(round(done, 3), round(self.elapsed_ms())))

    def elapsed_ms(self) -> float:
        return (time.monotonic() - self.began) * 1000

    def facts(self) -> dict[str, Any]:
        """As JSON, for whoever asks for the estimate elsewhere."""
        found: dict[str, Any] = {"size": self.size, "asked_ms": self.asked_ms, "tokens": self.tokens}
        if self.marks:
            found["mark"] = self.marks[-1]
        return {name: value for name, value in found.items() if value}


def remaining(look: Outlook, stage: str, elapsed_ms: float, facts: Mapping[str, Any]) -> Estimate | None:
    """What is left of a run from this stage on, by the facts of its course."""
    known = {name: facts[name] for name in ("size", "asked_ms", "tokens") if name in facts}
    mark = Mark(*facts["mark"]) if "mark" in facts else None
    return look.remaining(stage, elapsed_ms, mark=mark, **known)
