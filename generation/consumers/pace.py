"""How fast one socket may give commands: nearly each of them asks the database."""

import time

A_SECOND = 100
AT_ONCE = 500


class Pace:
    """A bucket of AT_ONCE commands that fills again by A_SECOND."""

    def __init__(self) -> None:
        self.left: float = AT_ONCE
        self.filled = time.monotonic()

    def take(self) -> bool:
        """Whether one more command may be carried out now."""
        now = time.monotonic()
        self.left = min(AT_ONCE, self.left + (now - self.filled) * A_SECOND)
        self.filled = now
        if self.left < 1:
            return False
        self.left -= 1
        return True
