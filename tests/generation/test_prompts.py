"""The instructions a model is given: each released version stays as it is, and says what the code goes by."""

import re
from hashlib import sha256
from typing import get_args

import pytest

from generation.clinical import answer
from generation.clinical.data_files import read
from generation.pipelines import prompts

RELEASED = {
    "exercise_program-1.md": "77aebd6c7192fbae62fa3ec83803bb56c14152308eb299f1cc998ce0a8e0e63f",
}
STOPPING = {flag["code"] for flag in read("red_flags") if flag["tier"] != "CAUTION"}


@pytest.fixture
def text() -> str:
    return prompts.load("exercise_program").text


def test_a_released_file_never_changes():
    found = {path.name: sha256(path.read_bytes()).hexdigest() for path in prompts.FILES.iterdir()}
    assert found == RELEASED, "Runs keep the name of the file they were made with: new words need a new number."


@pytest.mark.parametrize("kind", prompts.CURRENT)
def test_the_current_version_is_the_newest(kind):
    numbers = [int(path.stem.rpartition("-")[2]) for path in prompts.FILES.glob(f"{kind}-*.md")]
    assert prompts.CURRENT[kind] == max(numbers)
    assert prompts.load(kind).version == f"{kind}-{max(numbers)}"


def test_the_danger_signs_are_those_that_end_a_run(text):
    signs = text[text.index("# Danger signs") : text.index("# The answer")]
    assert set(re.findall(r"^- `(\w+)`:", signs, re.MULTILINE)) == STOPPING


def test_every_word_of_the_answer_is_explained(text):
    parts = (answer.Choice, answer.Dose, answer.Effort, answer.Frequency, answer.ReportedFlag)
    words = {name for part in parts for name in part.model_fields} | set(get_args(answer.Role))
    assert [word for word in sorted(words) if f"`{word}`" not in text] == []


def test_its_example_is_an_answer(text):
    example = re.search(r"^\{.*\}$", text, re.MULTILINE)
    assert example is not None
    answer.Answer.model_validate_json(example[0])
