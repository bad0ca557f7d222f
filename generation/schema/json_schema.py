"""JSON schemas of annotated types."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema


class Untitled(GenerateJsonSchema):
    """Without a title for each field, which would only repeat its name."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schema_of(annotated: Any) -> dict[str, Any]:
    return TypeAdapter(annotated).json_schema(schema_generator=Untitled)


def references(value: Any) -> Iterator[str]:
    """The targets of every `$ref` in it."""
    if isinstance(value, dict):
        if isinstance(target := value.get("$ref"), str):
            yield target
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def needed_by(document: Any, schemas: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those of the component schemas that a document refers to, directly or through others."""
    place = "#/components/schemas/"
    found: set[str] = set()
    waiting = [document]
    while waiting:
        names = {target.removeprefix(place) for target in references(waiting.pop()) if target.startswith(place)}
        waiting += [schemas[name] for name in names - found]
        found |= names
    return {name: schema for name, schema in schemas.items() if name in found}
