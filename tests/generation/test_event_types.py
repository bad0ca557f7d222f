"""Each event is typed once, and what the code emits is of its type."""

import ast
import re
from collections.abc import Iterator

import pytest
from pydantic import TypeAdapter, ValidationError

from generation import errors
from generation.database import in_database
from generation.errors import HepError
from generation.event_types import ERROR_CODES, EVENTS
from generation.schema.results import RESULTS
from generation.wire import LAST_OF_ATTEMPT, TERMINAL
from tests.acceptance.cases import CAUDA_EQUINA, NONSENSE
from tests.generation.executing import executing, start, until
from tests.generation.factories import CASE
from tests.support.checkout import ROOT, files
from tests.support.event_schema import assert_data, assert_event

# Where a call's name of an event stands among its arguments.
EMITTERS = {"Line": 0, "emit": 0, "append": 2}
WIRE = """queued progress stage_complete section_start section_complete item delta stats quality_check iteration
tool_call tool_result specialist_update cost_update warning paused resumed cancelling complete error cancelled"""

COST = {"total_cost_usd": 0.0, "tokens_used": 0, "input_tokens": 0, "output_tokens": 0}


def names_emitted() -> Iterator[str]:
    """The names in calls that append to a log, and in the pairs of a name and its data that are appended later."""
    own = [path for path in files() if path.suffix == ".py" and path.parts[0] == "generation"]
    for path in own:
        for node in ast.walk(ast.parse((ROOT / path).read_text())):
            name: ast.expr | None = None
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                place = EMITTERS.get(called)
                name = node.args[place] if place is not None and len(node.args) > place else None
            elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.elts[1], ast.Dict):
                name = node.elts[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value


def test_every_event_of_the_wire_has_a_type_and_no_other() -> None:
    assert set(EVENTS) == set(WIRE.split())
    assert TERMINAL <= LAST_OF_ATTEMPT <= set(EVENTS)


def test_every_type_says_in_a_line_what_it_means() -> None:
    for shape in EVENTS.values():
        assert shape.__doc__
        assert re.fullmatch(r"[A-Z].{5,99}\.", shape.__doc__), shape


def test_every_name_that_the_code_emits_has_a_type() -> None:
    found = set(names_emitted())
    assert {"queued", "progress", "item", "warning", "complete", "error", "cancelled"} <= found
    assert found <= set(EVENTS)


def test_every_error_code_is_one_of_the_wire() -> None:
    own = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, HepError)]
    assert {error.code for error in own} <= set(ERROR_CODES)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("prompt", [CASE, CAUDA_EQUINA, NONSENSE])
@pytest.mark.parametrize("language", ["en", "da"])
async def test_what_a_run_emits_and_results_in_is_of_its_type(alice, library, prompt, language) -> None:
    async with executing():
        run = await start(alice, prompt=prompt, language=language)
        log = await until(run, *TERMINAL)
    assert log[-1]["event"] == "complete"
    for event in log:
        assert_event(event)
    await in_database(run.refresh_from_db)
    TypeAdapter(RESULTS[run.kind]).validate_python(run.result, strict=True, extra="forbid")


@pytest.mark.parametrize(("name", "data"), [
    ("cost_update", {**COST, "surprise": 1}),
    ("cost_update", {**COST, "tokens_used": "0"}),
    ("cost_update", {**COST, "tokens_used": True}),
    ("cost_update", {key: value for key, value in COST.items() if key != "tokens_used"}),
    ("error", {"code": "ODD", "message": "", "retryable": False, "stage": None}),
    ("progress", {"stage": "started", "message": "", "progress": 100.1, "eta": None}),
])  # fmt: skip
def test_what_is_not_of_its_type_is_noticed(name, data) -> None:
    with pytest.raises(ValidationError):
        assert_data(name, data)


def test_what_is_no_event_is_noticed() -> None:
    with pytest.raises(AssertionError):
        assert_data("surprise", {})
