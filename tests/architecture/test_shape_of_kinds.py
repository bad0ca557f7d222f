"""Every kind has the same shape, so that adding one is copying a sibling."""

import inspect
from itertools import pairwise
from types import ModuleType

import pytest

from generation.pipelines import PIPELINES
from generation.serializers import INPUTS, RunInput

LANGUAGES = {"en", "da"}


@pytest.mark.parametrize(("kind", "pipeline"), PIPELINES.items())
class TestKind:
    def test_it_is_a_module_of_its_own_name(self, kind: str, pipeline: ModuleType) -> None:
        assert kind == pipeline.KIND
        assert pipeline.__name__ == f"generation.pipelines.{kind}"

    def test_it_executes_on_the_loop(self, kind: str, pipeline: ModuleType) -> None:
        assert inspect.iscoroutinefunction(pipeline.execute)
        assert list(inspect.signature(pipeline.execute).parameters) == ["run"]

    def test_its_stages_rise_to_their_end(self, kind: str, pipeline: ModuleType) -> None:
        progress = [stage.progress for stage in pipeline.STAGES]
        assert all(earlier < later for earlier, later in pairwise(progress))
        assert progress[0] > 0
        assert progress[-1] == 100

    def test_its_stages_are_told_apart_and_speak_every_language(self, kind: str, pipeline: ModuleType) -> None:
        assert len({stage.code for stage in pipeline.STAGES}) == len(pipeline.STAGES)
        for stage in pipeline.STAGES:
            assert set(stage.message) == LANGUAGES
            assert all(0 < len(message) <= 80 for message in stage.message.values())

    def test_it_says_what_it_accepts(self, kind: str, pipeline: ModuleType) -> None:
        assert issubclass(INPUTS[kind], RunInput)


def test_no_input_is_without_its_kind() -> None:
    assert set(INPUTS) == set(PIPELINES)
