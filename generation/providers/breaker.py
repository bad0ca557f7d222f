"""A circuit breaker per model server: one that keeps failing is left alone for a while. Of this process alone.

After FAILURES in a row the circuit opens and calls are refused at once; after REST_S a single call is let through, and
its end closes the circuit or opens it again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

FAILURES = 5
REST_S = 30.0

State = Literal["closed", "open", "trying"]


class Breaker:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.failures = 0
        self.opened_at: float | None = None
        self.trying = False

    @property
    def state(self) -> State:
        """`trying` while the one call that is let through after a rest is out, or may go out."""
        if self.opened_at is None:
            return "closed"
        return "open" if self.rest_s > 0 else "trying"

    @property
    def rest_s(self) -> float:
        """The seconds for which no call is let through."""
        return 0.0 if self.opened_at is None else max(0.0, self.opened_at + REST_S - self.clock())

    def enter(self) -> bool:
        """Whether a call may be made now. Each one that may must be told of by `succeeded`, `failed` or `left`."""
        if self.opened_at is None:
            return True
        if self.rest_s > 0 or self.trying:
            return False
        self.trying = True
        return True

    def succeeded(self) -> None:
        self.failures, self.opened_at, self.trying = 0, None, False

    def failed(self) -> None:
        self.failures += 1
        if self.trying or self.failures >= FAILURES:
            self.opened_at = self.clock()
        self.trying = False

    def left(self, trial: bool = True) -> None:
        """The call ended before it said anything of the server: we closed it. Others than the trial change nothing."""
        self.trying = self.trying and not trial


@dataclass(frozen=True, slots=True)
class Circuit:
    """What an operator wants to know of a server."""

    server: str
    state: State
    failures: int
    # Until a call is let through again.
    rest_s: float


_breakers: dict[str, Breaker] = {}


def breaker_of(server: str) -> Breaker:
    return _breakers.setdefault(server, Breaker())


def circuits() -> list[Circuit]:
    """The servers that this process has asked."""
    return [Circuit(name, each.state, each.failures, each.rest_s) for name, each in sorted(_breakers.items())]


def forget() -> None:
    """Close every circuit."""
    _breakers.clear()
