"""A task in the form that chat models take: messages, and the JSON Schema that holds their answer."""

from collections.abc import Mapping
from typing import Any

import orjson

from generation.providers.base import Repair, Task

LANGUAGES = {"en": "English", "da": "Danish"}
# All that is told of a value. What narrows it further is checked when the answer is here, since no two servers take
# the same of it: OpenAI's fine-tuned models refuse minLength, maxLength, pattern, minimum, maximum, minItems and
# maxItems; vLLM's xgrammar drops maxLength beside a pattern; llama.cpp's grammars, which Ollama uses too, know minimum
# and maximum of integers only, and want patterns anchored. Title and default: strict mode has no use for them.
KEPT = {"type", "enum", "anyOf", "items", "properties", "description"}


def messages(task: Task, *, with_schema: bool) -> list[dict[str, str]]:
    """The system's and the user's message, as `{role, content}`.

    With `with_schema` the schema is told in words too, for a server that does not hold the answer to it itself.
    """
    language = LANGUAGES.get(task.language, LANGUAGES["en"])
    system = [task.instructions.strip(), f"The language asked for is {language}."]
    if with_schema:
        system.append(f"The JSON Schema of the answer:\n{orjson.dumps(strict(task.schema)).decode()}")
    told = task.brief if task.repair is None else _mending(task.repair)
    return [
        {"role": "system", "content": "\n\n".join(system)},
        {"role": "user", "content": orjson.dumps(told).decode()},
    ]


def _mending(repair: Repair) -> dict[str, Any]:
    return {"errors": [_sound(error) for error in repair.errors], "previous": _sound(repair.previous)}


def _sound(text: str) -> str:
    """Without halves of surrogate pairs: a model may write them as escapes, and no JSON may hold them."""
    return text.encode(errors="replace").decode()


def strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema as strict structured output wants it; what fits it, fits the original but for the limits left out.

    Every object lists all its properties as required and allows no others. A property that may be left out may be
    null instead, unless it has a default that can be written. References are put in place, as llama.cpp loses its way
    in nested ones; so the schema must not refer to itself.
    """
    return _strict(schema, schema.get("$defs", {}))


def _strict(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        schema = {**parts[schema["$ref"].rpartition("/")[2]], **schema}
    kept = {name: value for name, value in schema.items() if name in KEPT}
    if "anyOf" in kept:
        kept["anyOf"] = [_strict(choice, parts) for choice in kept["anyOf"]]
    if "items" in kept:
        kept["items"] = _strict(kept["items"], parts)
    if kept.get("type") == "object":
        given, required = kept.get("properties", {}), set(schema.get("required", ()))
        kept["properties"] = {
            name: (_strict if name in required else _optional)(value, parts) for name, value in given.items()
        }
        kept["required"] = list(given)
        kept["additionalProperties"] = False
    return kept


def _optional(schema: Mapping[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    kept = _strict(schema, parts)
    choices = kept.get("anyOf", [kept])
    if schema.get("default") is not None or {"type": "null"} in choices:
        return kept
    return {"anyOf": [*choices, {"type": "null"}]}


def tokens(text: str) -> int:
    """An estimate: four bytes to a token, rounded up.

    OpenAI's rule of thumb is four characters of English ("What are tokens and how to count them", help article
    4936856). Bytes of UTF-8 count a letter outside ASCII twice or more, as tokenizers tend to.
    """
    return -(-len(text.encode(errors="surrogatepass")) // 4)
