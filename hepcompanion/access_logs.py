"""Keeps the tokens of share links out of the servers' own access logs, which pass by our handlers.

Daphne writes its log to a stream without any logger; uvicorn's has a handler of its own.
"""

import logging
from typing import Any

from daphne.access import AccessLogGenerator

from hepcompanion.logs import masked

_write_entry = AccessLogGenerator.write_entry


def write_masked_entry(self: AccessLogGenerator, host: Any, date: Any, request: str, *rest: Any, **named: Any) -> None:
    _write_entry(self, host, date, masked(request), *rest, **named)


def mask(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(masked(value) if isinstance(value, str) else value for value in record.args)
    return True


AccessLogGenerator.write_entry = write_masked_entry
logging.getLogger("uvicorn.access").addFilter(mask)
