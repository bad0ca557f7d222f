"""What commands that work through much history read from and show on a terminal."""

import time
from argparse import ArgumentTypeError
from datetime import UTC, datetime

from django.core.management.base import OutputWrapper

WIDTH = 30
EVERY_S = 0.1


def day(text: str) -> datetime:
    """The beginning of an ISO date in UTC, as the `type` of an argument."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        raise ArgumentTypeError(f"'{text}' is not a day such as 2026-01-31.") from None


class Bar:
    """A bar that is redrawn on its line, ten times a second at most; silent where nobody watches a terminal."""

    def __init__(self, out: OutputWrapper, total: int) -> None:
        self.out = out if out.isatty() else None
        self.total = total
        self.done = 0
        self.drawn = 0.0

    def add(self, count: int) -> None:
        self.done += count
        now = time.monotonic()
        if self.out is not None and now - self.drawn >= EVERY_S:
            self.drawn = now
            share = min(1.0, self.done / max(1, self.total))
            filled = "#" * round(share * WIDTH)
            self.out.write(f"\r[{filled:<{WIDTH}}] {share:4.0%} of {self.total}", ending="")
            self.out.flush()

    def close(self) -> None:
        if self.out is not None:
            # Clears the line.
            self.out.write("\r\x1b[K", ending="")
            self.out.flush()
