"""What a log line may hold of an error."""

from collections.abc import MutableMapping
from typing import Any

from generation.traces import where


def places_of_error(logger: Any, name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the places it passed through, whoever logged it."""
    error = line.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line["error"], line["at"] = type(error).__name__, where(error)
    return line
