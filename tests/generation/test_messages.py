"""What a model server is sent: the messages of a task, and the schema that holds its answer."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from generation.clinical import answer
from generation.providers.base import Repair, Task
from generation.providers.messages import messages, strict, tokens

STRICT = strict(answer.SCHEMA)
# What the schema leaves to the code: lengths, bounds and patterns.
LIMITS = {
    "string_too_long", "string_pattern_mismatch", "greater_than_equal", "less_than_equal", "too_long", "value_error",
}  # fmt: skip


def task(**other: Any) -> Task:
    whole = {
        "purpose": "exercise_program",
        "facts": {"secret": "for the composer alone"},
        "brief": {"case": "Ondt i knæet", "candidates": [{"slug": "bridge"}]},
        "prompt": "exercise_program-1",
        "instructions": "Choose well.\n",
        "schema": answer.SCHEMA,
        "language": "da",
    }
    return Task(**whole | other)


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for part in schema.values():
            yield from objects(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from objects(part)


def keywords(schema: dict[str, Any]) -> Iterator[str]:
    yield from schema
    for part in [*schema.get("anyOf", ()), *schema.get("properties", {}).values()]:
        yield from keywords(part)
    if "items" in schema:
        yield from keywords(schema["items"])


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Whatever fits the schema."""
    if "anyOf" in schema:
        return st.one_of(map(values, schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "object":
            return st.fixed_dictionaries({name: values(part) for name, part in schema["properties"].items()})
        case "array":
            return st.lists(values(schema["items"]), max_size=3)
        case "string":
            # Of signs that can be seen, since others are read as a space or not at all.
            return st.text(st.characters(categories=("L", "N", "P", "S"))) | st.just("2-0-2")
        case "integer":
            return st.integers() | st.integers(0, 10)
        case "number":
            return st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 100)
        case "null":
            return st.none()
    raise AssertionError(schema)


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(part) for name, part in value.items() if part is not None}
    return [without_nulls(part) for part in value] if isinstance(value, list) else value


def faults(value: Any) -> set[str]:
    try:
        answer.Answer.model_validate_json(json.dumps(value))
    except ValidationError as error:
        return {fault["type"] for fault in error.errors()}
    return set()


class TestMessages:
    def test_the_system_instructs_and_the_user_holds_the_brief(self):
        system, user = messages(task(), with_schema=False)
        assert (system["role"], user["role"]) == ("system", "user")
        assert system["content"] == "Choose well.\n\nThe language asked for is Danish."
        assert json.loads(user["content"]) == task().brief

    @pytest.mark.parametrize("repair", [None, Repair(["V03"], "{}")])
    @pytest.mark.parametrize("with_schema", [True, False])
    def test_nothing_is_sent_of_what_only_the_composer_needs(self, repair, with_schema):
        assert "for the composer alone" not in json.dumps(messages(task(repair=repair), with_schema=with_schema))

    def test_the_users_message_is_compact_and_as_it_was_typed(self):
        user = messages(task(), with_schema=False)[1]
        assert user["content"] == '{"case":"Ondt i knæet","candidates":[{"slug":"bridge"}]}'

    def test_the_schema_is_told_where_the_server_does_not_hold_to_it(self):
        system = messages(task(), with_schema=True)[0]["content"]
        assert json.loads(system[system.index("{") :]) == STRICT
        assert "{" not in messages(task(), with_schema=False)[0]["content"]

    def test_a_repair_sends_the_errors_and_the_last_answer_alone(self):
        system, user = messages(task(repair=Repair(["V03: no such exercise"], '{"exercises"')), with_schema=False)
        assert system == messages(task(), with_schema=False)[0]
        assert json.loads(user["content"]) == {"errors": ["V03: no such exercise"], "previous": '{"exercises"'}

    def test_half_a_surrogate_pair_does_not_stop_a_repair(self):
        user = messages(task(repair=Repair(["no \ud800"], "half \udfff")), with_schema=False)[1]
        assert json.loads(user["content"]) == {"errors": ["no ?"], "previous": "half ?"}


class TestStrict:
    def test_every_object_requires_all_it_has_and_allows_no_more(self):
        found = list(objects(STRICT))
        assert len(found) == 6
        for part in found:
            assert part["required"] == list(part["properties"])
            assert part["additionalProperties"] is False

    def test_only_words_that_every_server_knows_are_left(self):
        known = {"type", "enum", "anyOf", "items", "properties", "required", "additionalProperties", "description"}
        assert set(keywords(STRICT)) <= known

    def test_it_is_no_deeper_than_servers_allow(self):
        """Azure OpenAI takes five levels of objects at the most."""

        def depth(schema: Any) -> int:
            below = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
            deepest = max(map(depth, below), default=0)
            return deepest + (isinstance(schema, dict) and schema.get("type") == "object")

        assert depth(STRICT) <= 5

    def test_what_may_be_left_out_may_be_null_unless_its_default_can_be_written(self):
        schema = strict(
            {
                "type": "object",
                "properties": {
                    "needed": {"type": "string"},
                    "plain": {"type": "string"},
                    "nullable": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
                    "listed": {"type": "array", "items": {"type": "string"}, "default": []},
                },
                "required": ["needed"],
            }
        )
        assert schema["properties"] == {
            "needed": {"type": "string"},
            "plain": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "nullable": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "listed": {"type": "array", "items": {"type": "string"}},
        }
        assert schema["required"] == ["needed", "plain", "nullable", "listed"]

    def test_the_original_stays_as_it_was(self):
        before = json.dumps(answer.SCHEMA)
        strict(answer.SCHEMA)
        assert json.dumps(answer.SCHEMA) == before

    @given(values(STRICT))
    def test_what_fits_it_is_read_as_an_answer_but_for_its_limits(self, value):
        jsonschema.validate(value, STRICT)
        assert faults(value) <= LIMITS
        assert faults(without_nulls(value)) <= LIMITS

    @given(values(STRICT))
    def test_an_answer_that_is_read_fits_it_again(self, value):
        if not faults(value):
            whole = answer.Answer.model_validate_json(json.dumps(value)).model_dump()
            jsonschema.validate(whole, STRICT)
            assert whole == value


@pytest.mark.parametrize(("text", "count"), [("", 0), ("a", 1), ("four", 1), ("fives", 2), ("øøø", 2), ("\ud800", 1)])
def test_four_bytes_are_about_a_token(text, count):
    assert tokens(text) == count
