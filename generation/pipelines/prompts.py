"""What a model is instructed to do: one file for each kind and version.

A released file never changes, since runs keep the name of theirs; new words are a new file and a new number here.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FILES = Path(__file__).parent / "prompt_files"
CURRENT = {"exercise_program": 1}


@dataclass(frozen=True, slots=True)
class Prompt:
    """`version` is the file's name without its ending, as `exercise_program-1`."""

    version: str
    text: str


@cache
def load(kind: str) -> Prompt:
    """The current prompt of a kind. Raises KeyError for a kind that has none."""
    version = f"{kind}-{CURRENT[kind]}"
    return Prompt(version, (FILES / f"{version}.md").read_text(encoding="utf-8"))
