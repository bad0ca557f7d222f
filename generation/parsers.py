"""Request bodies of the API, read by the same strict parser as everywhere else."""

from collections.abc import Mapping
from typing import IO, Any

import orjson
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser


class StrictJSONParser(BaseParser):
    """JSON as its RFC has it: no NaN, no lone surrogates, and no depth that would exhaust the stack."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        try:
            return orjson.loads(stream.read())
        except orjson.JSONDecodeError:
            raise ParseError("The body is not valid JSON.") from None
