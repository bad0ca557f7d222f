"""What a log line may hold of an error and of an address."""

import re
from collections.abc import MutableMapping
from typing import Any

from generation.traces import where

# What follows is the key to a patient's program: who may read the log may not open it.
SHARE = "/h/"
_TOKEN = re.compile(r"(?<=/h/)[^\s/?#\"'<>]+")


def places_of_error(logger: Any, name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace an exception by its type and the places it passed through, whoever logged it."""
    error = line.pop("exc_info", None)
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        line["error"], line["at"] = type(error).__name__, where(error)
    return line


def masked(text: str) -> str:
    """The text without the tokens of share links, which Django and the servers write as part of a path."""
    return _TOKEN.sub("…", text) if SHARE in text else text


def without_tokens(logger: Any, name: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask every text of a line, whoever logged it."""
    for key, value in line.items():
        if isinstance(value, str):
            line[key] = masked(value)
    return line
