"""The kinds: adding one is copying a sibling and one line here."""

from generation.pipelines import exercise_program
from generation.pipelines.base import Pipeline

PIPELINES: dict[str, Pipeline] = {
    "exercise_program": exercise_program,
}
