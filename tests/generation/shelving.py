"""How the tests of the library put an exercise of their own on the shelf."""

from copy import deepcopy

from generation import exercise_search
from generation.clinical.library import Library, load
from generation.models import Exercise, ExerciseText
from generation.shelf import COLUMNS


def add(slug: str, **fields) -> Exercise:
    """An exercise like the first shipped one, with other fields and without a text."""
    like = Exercise.objects.order_by("slug").first()
    same = {name: getattr(like, name) for name in (*COLUMNS, "details")}
    exercise = Exercise.objects.create(**{**same, "slug": slug, **fields})
    index(exercise)
    return exercise


def write(exercise: Exercise, language: str, name: str, purpose_line: str = "", **fields) -> None:
    ExerciseText.objects.create(exercise=exercise, language=language, name=name, purpose_line=purpose_line, **fields)
    index(exercise)


def index(exercise: Exercise) -> None:
    exercise_search.index(Exercise.objects.filter(pk=exercise.pk))


def shipment(*slugs: str, **changes) -> Library:
    """Some of the shipped exercises as a library of their own; `changes` are fields of the first."""
    entries = [deepcopy(dict(entry)) for entry in load().exercises if entry["slug"] in slugs]
    entries[0] |= changes
    return Library("of-a-test", tuple(entries))
