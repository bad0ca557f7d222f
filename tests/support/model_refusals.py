"""Requests that the model server of the tests does not take, and the states in which it takes none."""

from collections.abc import Iterator
from email.utils import formatdate
from time import time
from typing import Any

from tests.support import model_answers as answers
from tests.support.model_exchange import Exchange, Scenario


async def status(x: Exchange, argument: str) -> None:
    await x.fail(int(argument), f"The server answers {argument}.")


async def html_status(x: Exchange, argument: str) -> None:
    """As a proxy in front of a model server answers."""
    await x.answer(int(argument), b"<html><body><h1>Bad Gateway</h1></body></html>", {}, "text/html")


async def busy(x: Exchange, argument: str) -> None:
    await x.fail(429, "Rate limit reached.", code="rate_limit_exceeded")


async def no_quota(x: Exchange, argument: str) -> None:
    """As OpenAI says that an account is empty: not one to wait for, whatever the status says."""
    await x.fail(429, "You exceeded your current quota.", code="insufficient_quota")


async def busy_after(x: Exchange, argument: str) -> None:
    """The argument is the header as it is: 1, soon, -5, NaN, 1e400."""
    await x.fail(429, "Rate limit reached.", code="rate_limit_exceeded", retry_after=argument)


async def busy_until(x: Exchange, argument: str) -> None:
    """The header is a date, so many seconds from now."""
    await busy_after(x, formatdate(time() + float(argument), usegmt=True))


def refuses(*forms: str) -> Scenario:
    """Takes no `response_format` of these types; the argument is the status, 400 without one.

    Asked without any, it writes words around the JSON.
    """

    async def scenario(x: Exchange, argument: str) -> None:
        form = (x.call.body.get("response_format") or {}).get("type")
        if form in forms:
            await x.fail(int(argument or 400), f"response_format {form} is not supported", "response_format")
        else:
            await x.stream(answers.good(x.asked) if form else answers.fenced(x.asked))

    return scenario


def knows_no(parameter: str, advice: str = "") -> Scenario:
    async def scenario(x: Exchange, argument: str) -> None:
        if parameter in x.call.body:
            message = f"Unsupported parameter: '{parameter}'.{advice}"
            await x.fail(int(argument or 400), message, parameter, "unsupported_parameter")
        else:
            await x.stream(answers.good(x.asked))

    return scenario


async def strict(x: Exchange, argument: str) -> None:
    """As OpenAI: a schema that its strict mode does not know is refused."""
    form = (x.call.body.get("response_format") or {}).get("json_schema") or {}
    wrong = list(unstrict(form.get("schema") or {}, "schema")) if form.get("strict") else []
    if wrong:
        await x.fail(400, f"Invalid schema for response_format: {wrong[0]}", "response_format")
    else:
        await x.stream(answers.good(x.asked))


def unstrict(schema: Any, path: str) -> Iterator[str]:
    """Where a JSON Schema has objects that are open, properties that are optional, or defaults."""
    if isinstance(schema, list):
        for index, part in enumerate(schema):
            yield from unstrict(part, f"{path}.{index}")
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            yield f"{path}: additionalProperties must be false"
        if set(schema.get("required", ())) != set(schema.get("properties", ())):
            yield f"{path}: required must hold every property"
    if "default" in schema and path.rpartition(".")[2] != "properties":
        yield f"{path}: default is not permitted"
    for name, part in schema.items():
        yield from unstrict(part, f"{path}.{name}")
