"""The shapes of programs after their generation, of their versions and of what is told of them."""

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from generation.event_types import Count, Documented, Id, Ordinal, Timestamp
from generation.schema import results

ProgramStatus = Literal["draft", "approved"]


class Change(Documented):
    """What made a version, in codes."""

    action: Literal["generated", "swap", "move", "dose", "remove", "add", "note", "undo", "duplicate", "template"]
    slug: NotRequired[str]
    """The item that it was done to."""
    to: NotRequired[str | int]
    """The exercise that came instead, or the version that an undo went back to."""
    direction: NotRequired[Literal["up", "down"]]
    fields: NotRequired[list[str]]
    """The parts of the dose that were set."""
    source: NotRequired[Id]
    """The program that this is a copy of."""
    version: NotRequired[Ordinal]
    """Its version then."""


class Signed(Documented):
    change: Change
    made_by: str | None
    made_at: Timestamp
    approved_by: str | None
    """The person's name where the account is gone."""
    approved_at: Timestamp | None


class ProgramHead(Documented):
    id: Id
    run: Id | None
    """The run that wrote it; null for a copy, and when the run is gone."""
    clinic: Id | None
    language: Literal["en", "da"]
    template: bool
    template_name: str | None
    created_at: Timestamp


class ProgramRow(ProgramHead, Signed):
    """A program in a list: its current version without the content."""

    title: str | None
    """Null where the key it was sealed with is gone."""
    status: ProgramStatus
    version: Ordinal


class StoredProgram(results.Program, ProgramHead, Signed):
    """A version of a program with its content, which never changes."""

    profile: results.Profile
    status: ProgramStatus
    """Of this version."""
    version: Ordinal
    current: Ordinal
    """The number of the version that counts; commands are made against it."""
    may_change: bool
    """Whether whoever asks may edit, approve and copy it."""
    may_undo: bool


class ProgramPage(Documented):
    """A page of programs, newest first."""

    next: str | None
    """The address of the next page."""
    previous: str | None
    results: list[ProgramRow]


class ProgramVersionRow(Signed):
    number: Ordinal
    back_to: Ordinal | None
    """The version that undo brings back."""


class ProgramVersionPage(Documented):
    """A page of versions, newest first."""

    next: str | None
    """The address of the next page."""
    previous: str | None
    results: list[ProgramVersionRow]


class Difference(Documented):
    what: Literal["added", "removed", "swapped", "moved", "dose", "note"]
    slug: str
    name: str
    before: str | None
    """The dose, note, name or place before, in words."""
    after: str | None
    words: str
    """All of it in a sentence."""


# `from` can be the name of no attribute.
Way = TypedDict("Way", {"from": Ordinal, "to": Ordinal})


class Differences(Documented, Way):
    """The way from one version to another."""

    differences: list[Difference]


class Alternative(Documented):
    slug: str
    name: str
    purpose_line: str
    level: Count
    equipment: list[str]
    dose_text: str
    """The dose that it would have."""
    codes: list[Literal["easier", "harder", "purpose", "region", "position"]]
    """In what it is like the item."""
    why: str


class Alternatives(Documented):
    """Exercises that are safe for this person and like one of the items, best first."""

    slug: str
    alternatives: list[Alternative]


class RecordText(Documented):
    version: Ordinal
    language: Literal["en", "da"]
    text: str


SHAPES: tuple[type[Any], ...] = (
    ProgramPage,
    StoredProgram,
    ProgramVersionPage,
    Differences,
    Alternatives,
    RecordText,
)
