"""Where an error came from, for a log that must not hold the text of a case."""

import traceback


def where(error: BaseException) -> list[str]:
    """The places an error passed through, without its message, which may quote what a person typed."""
    return [f"{entry.name}:{entry.lineno}" for entry in traceback.extract_tb(error.__traceback__)]
